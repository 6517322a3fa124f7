#include "mirror_run.hpp"

#include "flags.hpp"

#include <cerrno>
#include <chrono>

namespace sluice::cli {
namespace {

/// Five seconds are promised.
constexpr std::chrono::milliseconds kMostToStop{4000};

}  // namespace

Result<MirrorRun*> MirrorRun::begin(const Settings& settings, Verb verb, Signals& signals) {
  auto console = Console::open(settings.output, verb);
  if (!console) return console.error();
  auto* run = new MirrorRun(settings, *std::move(console));
  run->console().observer().also_tell(run->tells_service_);
  if (auto* events = run->console().events())
    events->run_started({name_of(verb), version(), settings.mirror.source, settings.mirror.dir,
                         settings.mirror.dry_run});
  signals.on_first(
      [run](int signal) {
        run->console().log().write(Level::info, stopping_text(signal));
        run->service().stopping();
        run->mirror().stop();
      },
      kMostToStop);
  return run;
}

void MirrorRun::end(int status, const Error* error) {
  if (auto* events = console_->events()) events->run_finished(status, error);
  console_->stop();
  // Who closed the pipe has seen enough; a full disk took something from somebody.
  const int os_error = console_->terminal().out_error();
  if (os_error != 0 && os_error != EPIPE) {
    console_->log().write(local_error("cannot write to standard output", os_error));
    if (status == 0) status = static_cast<int>(ExitStatus::local);
  }
  leave(status);
}

}  // namespace sluice::cli
