#include "mirror_run.hpp"

#include "flags.hpp"

namespace sluice::cli {

Result<MirrorRun*> MirrorRun::begin(const Settings& settings, Verb verb, Signals& signals) {
  auto console = Console::open(settings.output, verb);
  if (!console) return console.error();
  auto* run = new MirrorRun(settings, *std::move(console));
  if (auto* events = run->console().events())
    events->run_started({name_of(verb), version(), settings.mirror.source, settings.mirror.dir,
                         settings.mirror.dry_run});
  signals.on_first([run](int signal) {
    run->console().log().write(Level::info, stopping_text(signal));
    run->mirror().stop();
  });
  return run;
}

void MirrorRun::end(int status, const Error* error) {
  if (auto* events = console_->events()) events->run_finished(status, error);
  console_->stop();
  leave(status);
}

}  // namespace sluice::cli
