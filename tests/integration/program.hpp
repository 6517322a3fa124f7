#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

struct ProgramOptions {
  std::string path;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  ///< the whole of it
  /// Closes the reading end of standard output once so many bytes came: as `head` does.
  std::optional<std::size_t> close_out_after;
  bool on_terminal = false;  ///< standard output and error are one terminal; read as `out`
};

/// A child process with captured output. Killed and reaped when it goes out of scope.
class Program {
 public:
  explicit Program(ProgramOptions options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string out() const;
  std::string err() const;

  int pid() const noexcept { return pid_; }
  void signal(int number);

  /// Until `text` stands in `out` or `err`; false when `most` is over.
  bool wait_for(std::string_view text, std::chrono::milliseconds most = std::chrono::seconds(20));

  /// The exit status (128 + number for one killed by a signal), once all output is read; nullopt if
  /// it still runs after `most`.
  std::optional<int> wait(std::chrono::milliseconds most = std::chrono::seconds(30));
  /// Whether it ended so, once it has been waited for.
  bool dumped_core() const noexcept { return dumped_core_; }

 private:
  struct Capture;
  const ProgramOptions options_;
  std::unique_ptr<Capture> out_;
  std::unique_ptr<Capture> err_;
  int pid_ = -1;
  int end_fd_ = -1;  ///< pidfd, -1 where the kernel has none
  std::optional<int> status_;
  bool dumped_core_ = false;
};

}  // namespace sluice::testing
