#include "mirror_run.hpp"
#include "report/polling.hpp"
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
  const auto begun = MirrorRun::begin(settings, Verb::sync, signals);
  if (!begun) {
    print_error(begun.error());
    return static_cast<int>(exit_status(begun.error()));
  }
  MirrorRun& run = **begun;
  Console& console = run.console();

  const auto began = std::chrono::steady_clock::now();
  console.start([&run, began]() -> std::optional<Console::Snapshot> {
    const auto elapsed = std::chrono::steady_clock::now() - began;
    return Console::Snapshot{run.mirror().progress(),
                             std::chrono::duration_cast<std::chrono::milliseconds>(elapsed)};
  });
  const PassSummary summary = run.mirror().sync();
  console.stop();

  log_failures(console, summary);
  if (auto* events = console.events()) {
    events->pass_finished(summary, exit_status(summary));
  } else if (!console.is_quiet() && has_begun(summary)) {
    const auto kind = settings.mirror.dry_run ? report::Run::dry : report::Run::real;
    std::string text = report::summary_text(summary, kind);
    if (settings.mirror.dry_run) text += report::dry_run_costs(summary, settings.prices);
    console.print_text(text);
  }
  const Error* error = summary.failure ? &*summary.failure : nullptr;
  if (summary.interrupted && signals.exit_status() != 0) run.end(signals.exit_status(), error);
  run.end(static_cast<int>(exit_status(summary)), error);
}

}  // namespace sluice::cli
