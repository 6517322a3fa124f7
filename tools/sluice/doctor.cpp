#include "sluice/doctor.hpp"

#include "console.hpp"
#include "report/diagnosis_text.hpp"
#include "verbs.hpp"

#include "sluice/summary.hpp"

#include <cerrno>

namespace sluice::cli {

int run_doctor(const Settings& settings) {
  auto opened = Console::open(settings.output, Verb::doctor);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;
  const bool json = settings.output.json;
  const unsigned columns = console.terminal().columns();
  const Diagnosis diagnosis =
      diagnose(DoctorOptions{settings.mirror.source, settings.mirror.dir}, [&](const Check& check) {
        if (json || (console.is_quiet() && check.state != CheckState::failed)) return;
        // One after the other, so that it is seen what is waited for.
        console.print_text(report::check_text(check, columns));
        console.terminal().flush();
      });
  const Check* failure = diagnosis.failure();
  const ExitStatus status =
      failure != nullptr && failure->error ? exit_status(*failure->error) : ExitStatus::equal;
  if (json)
    console.print_text(report::diagnosis_json(diagnosis, status));
  else if (!console.is_quiet())
    console.print_text(report::verdict_text(diagnosis));
  console.stop();
  const int os_error = console.terminal().out_error();
  if (os_error == 0 || os_error == EPIPE) return static_cast<int>(status);
  console.log().write(local_error("cannot write to standard output", os_error));
  return static_cast<int>(ExitStatus::local);
}

}  // namespace sluice::cli
