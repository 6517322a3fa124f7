#include "service_manager.hpp"

#include "base/text.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::cli {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// -1 if there is no such manager.
int connect_to_manager() {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || (name[0] != '/' && name[0] != '@') || name[1] == '\0') return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(name);
  if (length >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (name[0] == '@' ? 0 : 1));
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0) return socket;
  ::close(socket);
  return -1;
}

/// How often the manager wants to hear of us, if it means this process.
std::optional<microseconds> watchdog_time() {
  const char* wanted = std::getenv("WATCHDOG_USEC");
  const char* whom = std::getenv("WATCHDOG_PID");
  if (wanted == nullptr) return std::nullopt;
  if (whom != nullptr && std::to_string(::getpid()) != whom) return std::nullopt;
  const auto number = text::parse_uint(wanted);
  if (!number || *number == 0 || *number > (std::uint64_t{1} << 62U)) return std::nullopt;
  return microseconds(static_cast<microseconds::rep>(*number));
}

std::string monotonic_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace

ServiceManager::ServiceManager() : socket_(connect_to_manager()), watchdog_(watchdog_time()) {
  // What we start (--exec) is not to speak for us.
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    ::unsetenv(name);
}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) ::close(socket_);
}

void ServiceManager::send(const std::string& message) {
  if (socket_ < 0) return;
  // Rather not told than waited for: a manager that does not read must not stop the mirror.
  [[maybe_unused]] const auto sent =
      ::send(socket_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void ServiceManager::ready() {
  {
    const std::lock_guard lock(mutex_);
    if (is_ready_) return;
    is_ready_ = true;
  }
  send("READY=1");
}

void ServiceManager::stopping() {
  send("STOPPING=1");
}

void ServiceManager::reloading() {
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec());
}

void ServiceManager::reloaded() {
  send("READY=1");
}

void ServiceManager::status(std::string_view text) {
  std::string line = text::escaped(text);
  {
    const std::lock_guard lock(mutex_);
    if (line == status_) return;
    status_ = line;
  }
  send("STATUS=" + line);
}

void ServiceManager::alive() {
  if (!watchdog_) return;
  {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (now - last_alive_ < *watchdog_ / 2) return;
    last_alive_ = now;
  }
  send("WATCHDOG=1");
}

}  // namespace sluice::cli
