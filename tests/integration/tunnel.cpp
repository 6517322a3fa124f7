#include "tunnel.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace sluice::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int make_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// What has arrived, from one to the other.
bool pass_on(int from, int to) {
  char buffer[16 * 1024];
  const ssize_t got = ::recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN;
  return got > 0 && send_all(to, {buffer, static_cast<std::size_t>(got)});
}

}  // namespace

Tunnel::Tunnel(std::uint16_t to_port)
    : to_port_(to_port), listener_(make_socket()), stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "listen");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

Tunnel::~Tunnel() {
  ::eventfd_write(stop_, 1);
  accepting_.join();
  for (std::thread& connection : connections_)
    connection.join();
  ::close(listener_);
  ::close(stop_);
}

std::string Tunnel::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<std::string> Tunnel::targets() const {
  const std::lock_guard lock(mutex_);
  return targets_;
}

bool Tunnel::wait_readable(int first, int second) const {
  pollfd fds[] = {{stop_, POLLIN, 0}, {first, POLLIN, 0}, {second, POLLIN, 0}};
  while (::poll(fds, 3, -1) < 0)
    if (errno != EINTR) return false;
  return fds[0].revents == 0;
}

void Tunnel::accept_all() {
  while (wait_readable(listener_, -1)) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) connections_.emplace_back([this, client] { serve(client); });
  }
}

void Tunnel::serve(int client) {
  std::string head;
  char byte = 0;
  // One at a time, so that nothing of what follows is taken with it.
  while (!head.ends_with("\r\n\r\n") && wait_readable(client, -1) &&
         ::recv(client, &byte, 1, 0) == 1)
    head += byte;
  const int server = make_socket();
  const sockaddr_in address = loopback(to_port_);
  if (head.starts_with("CONNECT ") &&
      ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    {
      const std::lock_guard lock(mutex_);
      targets_.push_back(head.substr(8, head.find(' ', 8) - 8));
    }
    bool open = send_all(client, "HTTP/1.1 200 OK\r\n\r\n");
    while (open && wait_readable(client, server))
      open = pass_on(client, server) && pass_on(server, client);
  }
  ::close(server);
  ::close(client);
}

}  // namespace sluice::testing
