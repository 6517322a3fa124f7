#pragma once

#include "report/event_stream.hpp"
#include "report/log.hpp"
#include "report/terminal.hpp"

#include "sluice/observer.hpp"

#include <atomic>
#include <functional>
#include <utility>

namespace sluice::report {

struct ReporterOptions {
  bool results = true;   ///< a line on standard output for each change; a dry run always has them
  bool details = false;  ///< also for what changed nothing, and the reason of each change
  Stamp stamp = Stamp::none;  ///< on standard output
  /// Standard output has these events, all of them, and no lines for people.
  EventStream* events = nullptr;
  Level event_level = Level::info;  ///< the least level of a message that becomes an event
};

/// The engine's observer: results to standard output, complaints to the log, and a copy of both to
/// the log file.
class Reporter final : public Observer {
 public:
  Reporter(const ReporterOptions& options, Terminal& terminal, Log& log)
      : options_(options), event_level_(options.event_level), terminal_(terminal), log_(log) {}

  void on_object(const ObjectEvent& event) override;
  void on_message(Level level, std::string_view text) override;
  void on_pass_started() override;

  /// Is told of everything, too. Before the first pass, and must outlive the last.
  void set_second(Observer* second) noexcept { second_ = second; }

  void set_event_level(Level level) noexcept { event_level_ = level; }
  /// Called when a pass starts, too. Before the first one.
  void set_on_pass(std::function<void()> call) { on_pass_ = std::move(call); }

 private:
  void result(const ObjectEvent& event, bool printed, Level level);

  const ReporterOptions options_;
  std::atomic<Level> event_level_;
  std::function<void()> on_pass_;
  Observer* second_ = nullptr;
  Terminal& terminal_;
  Log& log_;
};

}  // namespace sluice::report
