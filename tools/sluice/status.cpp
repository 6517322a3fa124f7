#include "sluice/status.hpp"

#include "base/time.hpp"
#include "console.hpp"
#include "report/status_text.hpp"
#include "verbs.hpp"
#include "watch_state.hpp"

#include "sluice/summary.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace sluice::cli {
namespace {

constexpr std::size_t kPassesShown = 10;

}  // namespace

int run_status(const Settings& settings) {
  auto opened = Console::open(settings.output, Verb::status);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;

  const auto read = read_status(settings.mirror.dir, kPassesShown);
  if (const auto* error = std::get_if<Error>(&read)) {
    console.log().write(*error);
    return static_cast<int>(exit_status(*error));
  }
  const auto& status = std::get<MirrorStatus>(read);
  report::StatusFacts facts;
  facts.now_ms = unix_ms(WallClock::now());
  if (status.process) facts.watch = read_watch_state(settings.mirror.dir, *status.process);
  facts.prices = settings.prices;
  console.print_text(settings.output.json ? report::status_json(status, facts)
                                          : report::status_text(status, facts));
  console.stop();
  const int os_error = console.terminal().out_error();
  if (os_error == 0 || os_error == EPIPE) return static_cast<int>(ExitStatus::equal);
  console.log().write(Level::error, fmt::format("cannot write: {}", std::strerror(os_error)));
  return static_cast<int>(ExitStatus::local);
}

}  // namespace sluice::cli
