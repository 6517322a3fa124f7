#include "program.hpp"

#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace sluice::testing {

using namespace std::chrono_literals;

/// Reads a descriptor to its end on a thread of its own.
struct Program::Capture {
  int fd = -1;
  std::optional<std::size_t> close_after;
  mutable std::mutex mutex;
  std::string text;
  bool ended = false;
  std::thread thread;

  Capture(int fd_, std::optional<std::size_t> close_after_) : fd(fd_), close_after(close_after_) {
    thread = std::thread([this] { run(); });
  }
  ~Capture() {
    if (thread.joinable()) thread.join();
  }

  void run() {
    char buffer[4096];
    std::size_t seen = 0;
    for (;;) {
      const ssize_t got = ::read(fd, buffer, sizeof buffer);
      if (got <= 0) break;  // a terminal ends with EIO
      const std::lock_guard lock(mutex);
      text.append(buffer, static_cast<std::size_t>(got));
      seen += static_cast<std::size_t>(got);
      if (close_after && seen >= *close_after) break;
    }
    ::close(fd);
    const std::lock_guard lock(mutex);
    ended = true;
  }
};

namespace {

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

struct Pair {
  int reading = -1;
  int writing = -1;
};

Pair make_pipe() {
  int fds[2];
  check(::pipe2(fds, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  return {fds[0], fds[1]};
}

Pair make_terminal() {
  Pair pair;
  winsize size{};
  size.ws_col = 100;
  size.ws_row = 30;
  check(::openpty(&pair.reading, &pair.writing, nullptr, nullptr, &size) == 0 ? 0 : errno,
        "openpty");
  ::fcntl(pair.reading, F_SETFD, FD_CLOEXEC);
  ::fcntl(pair.writing, F_SETFD, FD_CLOEXEC);
  return pair;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// With default signal handling, whatever this process inherited.
int spawn(const ProgramOptions& options, int out, int err) {
  posix_spawn_file_actions_t actions;
  check(::posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  // Not the sockets of our servers: they would go on listening with it.
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#endif
#endif

  posix_spawnattr_t attributes;
  check(::posix_spawnattr_init(&attributes), "posix_spawnattr_init");
  sigset_t defaults, none;
  sigfillset(&defaults);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.path);
  std::vector<std::string> environment;
  for (const auto& [name, value] : options.environment)
    environment.push_back(name + '=' + value);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, options.path.c_str(), &actions, &attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  check(error, options.path.c_str());
  return pid;
}

}  // namespace

Program::Program(ProgramOptions options) : options_(std::move(options)) {
  const Pair out = options_.on_terminal ? make_terminal() : make_pipe();
  const Pair err = options_.on_terminal ? Pair{-1, out.writing} : make_pipe();
  pid_ = spawn(options_, out.writing, err.writing);
  end_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // readable when it has ended
  ::close(out.writing);
  if (!options_.on_terminal) ::close(err.writing);
  out_ = std::make_unique<Capture>(out.reading, options_.close_out_after);
  if (!options_.on_terminal) err_ = std::make_unique<Capture>(err.reading, std::nullopt);
}

Program::~Program() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (end_fd_ >= 0) ::close(end_fd_);
}

std::string Program::out() const {
  const std::lock_guard lock(out_->mutex);
  return out_->text;
}

std::string Program::err() const {
  if (!err_) return {};
  const std::lock_guard lock(err_->mutex);
  return err_->text;
}

void Program::signal(int number) {
  if (!status_) ::kill(pid_, number);
}

bool Program::wait_for(std::string_view text, std::chrono::milliseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (std::chrono::steady_clock::now() < deadline) {
    if (out().find(text) != std::string::npos || err().find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

std::optional<int> Program::wait(std::chrono::milliseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (!status_) {
    int raw = 0;
    if (::waitpid(pid_, &raw, WNOHANG) == pid_) {
      status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
      dumped_core_ = WIFSIGNALED(raw) && WCOREDUMP(raw);
      break;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= 0ms) return std::nullopt;
    pollfd ended{.fd = end_fd_, .events = POLLIN, .revents = 0};
    if (end_fd_ < 0 || ::poll(&ended, 1, static_cast<int>(left.count())) < 0)
      std::this_thread::sleep_for(5ms);
  }
  for (Capture* capture : {out_.get(), err_.get()})
    if (capture != nullptr && capture->thread.joinable()) capture->thread.join();
  return status_;
}

}  // namespace sluice::testing
