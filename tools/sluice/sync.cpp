#include "console.hpp"
#include "report/summary_text.hpp"
#include "verbs.hpp"

#include "sluice/mirror.hpp"

namespace sluice::cli {
namespace {

/// What stopped or stained the pass, for the log.
void log_failures(Console& console, const PassSummary& summary) {
  if (summary.failure && summary.failure->kind != ErrorKind::cancelled)
    console.log().write(*summary.failure);
  if (summary.guard) console.log().write(*summary.guard);
  if (summary.failure || summary.interrupted || !console.is_quiet()) return;
  // Quiet or not, a status other than 0 is explained.
  if (const std::string missing = report::shortcomings(summary); !missing.empty())
    console.log().write(Level::error, "the mirror is incomplete: " + missing);
}

bool has_begun(const PassSummary& summary) {
  return !summary.failure || summary.interrupted || summary.progress.listed > 0;
}

}  // namespace

int run_sync(const Settings& settings, Signals& signals) {
  auto opened = Console::open(settings.output, Verb::sync);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;

  // Never destroyed: see leave().
  Mirror& mirror = *new Mirror(settings.mirror, console.observer());
  signals.on_first([&](int signal) {
    console.log().write(Level::info, stopping_text(signal));
    mirror.stop();
  });
  const auto began = std::chrono::steady_clock::now();
  console.start([&mirror, began]() -> std::optional<Console::Snapshot> {
    const auto elapsed = std::chrono::steady_clock::now() - began;
    return Console::Snapshot{mirror.progress(),
                             std::chrono::duration_cast<std::chrono::milliseconds>(elapsed)};
  });
  const PassSummary summary = mirror.sync();
  console.stop();

  log_failures(console, summary);
  const auto run = settings.mirror.dry_run ? report::Run::dry : report::Run::real;
  if (!console.is_quiet() && has_begun(summary))
    console.print_text(report::summary_text(summary, run));
  console.stop();
  if (summary.interrupted && signals.exit_status() != 0) leave(signals.exit_status());
  leave(static_cast<int>(exit_status(summary)));
}

}  // namespace sluice::cli
