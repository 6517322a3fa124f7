#pragma once

#include "report/event_stream.hpp"
#include "report/log.hpp"
#include "report/terminal.hpp"

#include "sluice/observer.hpp"

#include <atomic>
#include <vector>

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

  /// It is told of everything, too. Before the first pass, and it must outlive the last.
  void also_tell(Observer& other) { others_.push_back(&other); }

  void set_event_level(Level level) noexcept { event_level_ = level; }

 private:
  void result(const ObjectEvent& event, bool printed, Level level);
  JsonObject facts_of(const ObjectEvent& event) const;  ///< for the log

  const ReporterOptions options_;
  std::atomic<Level> event_level_;
  std::vector<Observer*> others_;
  Terminal& terminal_;
  Log& log_;
};

}  // namespace sluice::report
