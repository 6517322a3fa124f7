#include "base/text.hpp"
#include "base/units.hpp"
#include "mirror_run.hpp"
#include "report/summary_text.hpp"
#include "verbs.hpp"

#include "sluice/mirror.hpp"

#include <fmt/format.h>

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

std::string source_text(const SourceOptions& source) {
  std::string uri = "s3://" + text::escaped(source.bucket);
  if (!source.prefix.empty()) uri += '/' + text::escaped(source.prefix);
  return uri;
}

std::string next_try(const PassSummary& summary, milliseconds interval) {
  const milliseconds left = interval - summary.elapsed;
  return left > milliseconds(0) ? "tried again in " + units::format_duration(left)
                                : "tried again now";
}

/// The log of passes, and what the progress line needs to know of them.
class PassLog {
 public:
  PassLog(Console& console, milliseconds interval) : console_(console), interval_(interval) {}

  void on_pass(const PassSummary& summary) {
    if (auto* events = console_.events()) events->pass_finished(summary, exit_status(summary));
    log(summary);
    const std::lock_guard lock(mutex_);
    first_ = false;
    last_ = summary.progress;
    is_idle_ = true;
  }

  /// Between two passes the engine's snapshot stays that of the last one.
  std::optional<Console::Snapshot> look(const Progress& progress) {
    const std::lock_guard lock(mutex_);
    if (is_idle_ && progress.listing_done == last_.listing_done &&
        progress.listed == last_.listed && progress.fetched_bytes == last_.fetched_bytes)
      return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (is_idle_) began_ = now;
    is_idle_ = false;
    return Console::Snapshot{progress, std::chrono::duration_cast<milliseconds>(now - began_)};
  }

 private:
  void log(const PassSummary& summary) {
    if (summary.interrupted) return;
    if (summary.failure) {
      Error error = *summary.failure;
      error.message += "; " + next_try(summary, interval_);
      console_.log().write(error);
      return;
    }
    if (summary.guard) console_.log().write(*summary.guard);
    const Level level = first_ || report::is_eventful(summary) ? Level::info : Level::debug;
    console_.log().write(level, "pass done: " + report::pass_line(summary));
  }

  Console& console_;
  const milliseconds interval_;
  std::mutex mutex_;
  bool first_ = true;
  bool is_idle_ = false;
  Progress last_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

int run_watch(const Settings& settings, Signals& signals) {
  const auto begun = MirrorRun::begin(settings, Verb::watch, signals);
  if (!begun) {
    print_error(begun.error());
    return static_cast<int>(exit_status(begun.error()));
  }
  MirrorRun& run = **begun;
  Console& console = run.console();

  PassLog passes(console, settings.watch.interval);
  console.start([&] { return passes.look(run.mirror().progress()); });
  console.log().write(Level::info, fmt::format("watching {}, into {}, every {}",
                                               source_text(settings.mirror.source),
                                               text::escaped(settings.mirror.dir),
                                               units::format_duration(settings.watch.interval)));
  const PassSummary last = run.mirror().watch(
      settings.watch, [&passes](const PassSummary& summary) { passes.on_pass(summary); });
  console.stop();

  if (signals.exit_status() != 0) run.end(signals.exit_status(), nullptr);
  // Only a mirror that could not be opened ends a watch that nobody stopped.
  if (last.failure) console.log().write(*last.failure);
  run.end(static_cast<int>(exit_status(last)), last.failure ? &*last.failure : nullptr);
}

}  // namespace sluice::cli
