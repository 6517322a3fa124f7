#include "command_line.hpp"
#include "console.hpp"
#include "signals.hpp"
#include "verbs.hpp"

#include "sluice/summary.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sys/prctl.h>
#include <variant>

using namespace sluice;
using namespace sluice::cli;

namespace {

int print(const Information& information) {
  std::string text = information.text;
  if (!text.ends_with('\n')) text += '\n';
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return static_cast<int>(written ? ExitStatus::equal : ExitStatus::local);
}

using Parse = std::function<Result<std::variant<Command, Information>>()>;

Result<Settings> settings_of(const Parse& parse) {
  auto asked = parse();
  if (!asked) return asked.error();
  return std::get<Command>(*std::move(asked)).settings;
}

int run(const Command& command, Signals& signals, const Parse& parse) {
  switch (command.verb) {
    case Verb::sync:
      return run_sync(command.settings, signals);
    case Verb::watch:
      return run_watch(command.settings, signals, [parse] { return settings_of(parse); });
    case Verb::ls:
      return run_ls(command.settings);
    case Verb::status:
      return run_status(command.settings);
    case Verb::changes:
      return run_changes(command.settings);
    case Verb::doctor:
      return run_doctor(command.settings);
    case Verb::bench:
      return run_bench(command.settings, signals);
  }
  return static_cast<int>(ExitStatus::usage);
}

}  // namespace

int main(int argc, char** argv) {
  // Credentials are in this memory: no core file, and no look into it for other processes of the
  // user. Only root may attach a debugger.
  ::prctl(PR_SET_DUMPABLE, 0);

  // 1. Signals are blocked before any thread starts, so that one thread alone sees them.
  Signals signals;

  // 2. What is asked for.
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Parse parse = [&arguments] {
    return parse_command_line(arguments, [](const char* name) { return std::getenv(name); });
  };
  const auto asked = parse();
  if (!asked) {
    print_error(asked.error());
    leave(static_cast<int>(exit_status(asked.error())));
  }

  // 3. Say it or do it.
  if (const auto* information = std::get_if<Information>(&*asked)) leave(print(*information));
  leave(run(std::get<Command>(*asked), signals, parse));
}
