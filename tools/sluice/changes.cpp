#include "sluice/changes.hpp"

#include "base/text.hpp"
#include "console.hpp"
#include "report/change_line.hpp"
#include "verbs.hpp"

#include "sluice/summary.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <thread>

namespace sluice::cli {
namespace {

constexpr std::size_t kPage = 1000;
/// How often --follow looks. The journal itself is written once a second at most.
constexpr auto kLook = std::chrono::milliseconds(500);

Error gap(const Settings& settings, std::uint64_t since, const ChangeList& list) {
  const std::string dir = text::escaped(settings.mirror.dir);
  if (since > list.newest)
    return Error(ErrorKind::changed,
                 fmt::format("the journal of {} ends at {}: {} is not its number. Take the files "
                             "as they are, and go on with --since {}",
                             dir, list.newest, since, list.newest));
  return Error(ErrorKind::changed,
               fmt::format("the journal of {} has lost what came between {} and {}. Take the files "
                           "as they are, and go on with --since {}; --journal N keeps more",
                           dir, since, list.begins, list.newest));
}

/// Prints what there is after `since`, and moves it on.
Result<void> print_new(const Settings& settings, Console& console,
                       std::optional<std::uint64_t>& since) {
  for (;;) {
    auto read = read_changes(settings.mirror.dir, since.value_or(0), kPage);
    if (auto* error = std::get_if<Error>(&read)) return *std::move(error);
    const auto& list = std::get<ChangeList>(read);
    if (!since) since = list.begins;
    if (!list.covers(*since)) return gap(settings, *since, list);
    for (const Change& change : list.changes) {
      console.terminal().print(settings.output.json ? report::change_json(change)
                                                    : report::change_line(change));
      since = change.seq;
    }
    console.terminal().flush();
    if (list.changes.size() < kPage || console.terminal().out_error() != 0) return {};
  }
}

}  // namespace

int run_changes(const Settings& settings) {
  auto opened = Console::open(settings.output, Verb::changes);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;
  std::optional<std::uint64_t> since = settings.changes.since;
  for (;;) {
    const auto printed = print_new(settings, console, since);
    if (!printed) {
      console.log().write(printed.error());
      return static_cast<int>(exit_status(printed.error()));
    }
    if (!settings.changes.follow || console.terminal().out_error() != 0) break;
    std::this_thread::sleep_for(kLook);
  }
  console.stop();
  const int os_error = console.terminal().out_error();
  if (os_error == 0 || os_error == EPIPE) return static_cast<int>(ExitStatus::equal);
  console.log().write(local_error("cannot write to standard output", os_error));
  return static_cast<int>(ExitStatus::local);
}

}  // namespace sluice::cli
