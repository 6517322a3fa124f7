#include "aws/program.hpp"

#include "async/waiter.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <span>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::aws {
namespace {

/// How often the end of a program is looked for that keeps quiet, or left its output to a child.
constexpr int kPollMs = 20;

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  void reset(int descriptor = -1) noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
  }
  void swap(Descriptor& other) noexcept { std::swap(descriptor_, other.descriptor_); }
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;

  /// Neither end survives an exec; what spawns puts copies where they belong.
  bool open() noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.reset(ends[0]);
    write.reset(ends[1]);
    return ::fcntl(read.get(), F_SETFL, O_NONBLOCK) == 0;
  }
};

/// Starts it as the leader of a group of processes. An errno, 0 if it runs.
int spawn(const std::vector<std::string>& words, int output, int errors, pid_t& child) {
  std::vector<char*> arguments;
  for (const std::string& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));  // execve takes them so, and only reads
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#endif
#endif
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error =
      ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// One run. The waiting blocks, so a thread of its own does it; destroying the run kills the
/// program and joins the thread.
class Run {
 public:
  explicit Run(ProgramLimits limits) : limits_(limits) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    cancelled_ = true;
    if (thread_.joinable()) thread_.join();
  }

  Result<void> start(const std::vector<std::string>& words) {
    Pipe output;
    Pipe errors;
    if (!output.open() || !errors.open()) return local_error("cannot make a pipe", errno);
    if (const int error = spawn(words, output.write.get(), errors.write.get(), child_); error != 0)
      return local_error("cannot run " + text::escaped(words[0]), error);
    output_.swap(output.read);
    errors_.swap(errors.read);
    thread_ = std::thread([this] { watch(); });
    return {};
  }

  async::Task<ProgramOutcome> end() {
    const async::Waiter::Outcome outcome = co_await ended_.wait();
    if (outcome == async::Waiter::Outcome::cancelled) async::throw_cancelled();
    thread_.join();
    co_return std::move(outcome_);
  }

 private:
  void watch() {
    const SteadyTime deadline = SteadyClock::now() + limits_.time;
    bool killed = false;
    while (true) {
      // First the question, then the reading: what it wrote before its end is read after it.
      const pid_t reaped = ::waitpid(child_, &outcome_.status, WNOHANG);
      read_output();
      read_errors();
      if (reaped != 0) break;
      outcome_.timed_out = outcome_.timed_out || SteadyClock::now() >= deadline;
      if (!killed && (outcome_.timed_out || outcome_.too_much_output || cancelled_)) {
        ::kill(-child_, SIGKILL);
        killed = true;
      }
      wait_a_moment();
    }
    ended_.notify();
  }

  void wait_a_moment() {
    pollfd descriptors[] = {{output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
    ::poll(descriptors, 2, kPollMs);  // one that has ended is -1, which poll passes over
  }

  void read_output() {
    char buffer[4096];
    while (const std::optional<std::string_view> piece = read(output_, buffer)) {
      if (outcome_.output.size() + piece->size() > limits_.output_bytes) {
        outcome_.too_much_output = true;
        return;
      }
      outcome_.output += *piece;
    }
  }

  void read_errors() {
    char buffer[4096];
    // Bounded, so that one who writes without end still meets the limit of time.
    for (int pieces = 0; pieces < 64; ++pieces) {
      const std::optional<std::string_view> piece = read(errors_, buffer);
      if (!piece) return;
      outcome_.errors += *piece;
      if (outcome_.errors.size() > limits_.error_bytes)
        outcome_.errors.erase(0, outcome_.errors.size() - limits_.error_bytes);
    }
  }

  /// nullopt if there is nothing to read now, or never more.
  static std::optional<std::string_view> read(Descriptor& from, std::span<char> buffer) {
    if (from.get() < 0) return std::nullopt;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) from.reset();
    return std::nullopt;
  }

  const ProgramLimits limits_;
  pid_t child_ = -1;
  Descriptor output_;
  Descriptor errors_;
  std::atomic<bool> cancelled_ = false;
  ProgramOutcome outcome_;
  async::Waiter ended_;
  std::thread thread_;
};

}  // namespace

async::Task<Result<ProgramOutcome>> run_program(std::vector<std::string> words,
                                                ProgramLimits limits) {
  Run run(limits);
  const Result<void> started = run.start(words);
  if (!started) co_return started.error();
  ProgramOutcome outcome = co_await run.end();
  co_return outcome;
}

}  // namespace sluice::aws
