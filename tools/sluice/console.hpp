#pragma once

#include "base/result.hpp"
#include "report/event_stream.hpp"
#include "report/log.hpp"
#include "report/progress_line.hpp"
#include "report/reporter.hpp"
#include "report/terminal.hpp"
#include "settings.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

namespace sluice::cli {

/// Where a verb's output goes: the two streams, the log, the progress line, and the engine's
/// observer on top of them.
class Console {
 public:
  /// Of kind `local` if the log file cannot be opened.
  static Result<std::unique_ptr<Console>> open(const OutputSettings& settings, Verb verb);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  report::Reporter& observer() noexcept { return *reporter_; }
  report::Log& log() noexcept { return *log_; }
  report::Terminal& terminal() noexcept { return terminal_; }
  /// Where --json is wanted; text for people has no place on standard output then.
  report::EventStream* events() noexcept { return events_.get(); }
  bool is_quiet() const noexcept { return settings_.verbosity == OutputSettings::Verbosity::quiet; }

  /// Takes over the levels of the log, and opens its file anew. Whether either is written at all
  /// stays as it was.
  void reload(const OutputSettings& settings);

  /// Several lines, each with its end, to standard output.
  void print_text(std::string_view text);

  /// What the progress line shows: nothing while nothing goes on.
  struct Snapshot {
    Progress progress;
    std::chrono::milliseconds elapsed{0};
  };
  /// From now on draws the progress line, if it is wanted, and flushes streams that are no
  /// terminal, several times a second.
  void start(std::function<std::optional<Snapshot>()> look);
  /// Ends that; the progress line is gone and all is flushed.
  void stop();

 private:
  Console(const OutputSettings& settings, Verb verb);
  void run(const std::function<std::optional<Snapshot>()>& look);
  void tick(const std::optional<Snapshot>& snapshot);
  bool draws_progress() const noexcept;

  const OutputSettings settings_;
  const Verb verb_;
  report::Terminal terminal_;
  std::unique_ptr<report::Log> log_;
  std::unique_ptr<report::EventStream> events_;
  std::unique_ptr<report::Reporter> reporter_;
  report::ProgressLine line_;
  std::chrono::steady_clock::time_point next_plain_line_;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread ticker_;
};

/// An error before there is a console.
void print_error(const Error& error);

/// "stopping: …", to the log, for a signal.
std::string stopping_text(int signal);

}  // namespace sluice::cli
