#include "base/text.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "console.hpp"
#include "flags.hpp"
#include "report/wording.hpp"
#include "verbs.hpp"

#include "sluice/mirror.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace sluice::cli {
namespace {

/// `2024-01-02 03:04:05    1234567 key`, as `aws s3 ls --recursive`, but in UTC.
std::string entry_line(const ListEntry& entry, bool human_readable) {
  std::string time = dates::format_iso_ms(entry.modified_ms).substr(0, 19);
  time[10] = ' ';
  const std::string size =
      human_readable ? units::format_size(entry.size) : std::to_string(entry.size);
  return fmt::format("{} {:>10} {}", time, size, text::escaped(entry.key));
}

std::string totals_text(const report::ListTotals& totals, bool human_readable) {
  return fmt::format(
      "\nTotal Objects: {}\n   Total Size: {}", totals.objects,
      human_readable ? units::format_size(totals.bytes) : std::to_string(totals.bytes));
}

/// The status for a list that could not be written. Whoever closed the pipe has seen enough.
int output_status(Console& console, int os_error) {
  if (os_error == EPIPE) return static_cast<int>(ExitStatus::equal);
  console.log().write(Level::error,
                      fmt::format("cannot write the list: {}", std::strerror(os_error)));
  return static_cast<int>(ExitStatus::local);
}

}  // namespace

int run_ls(const Settings& settings) {
  auto opened = Console::open(settings.output, Verb::ls);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;

  ListOptions options;
  options.source = settings.mirror.source;
  options.tuning = settings.mirror.tuning;
  options.filters = settings.mirror.filters;

  report::EventStream* const events = console.events();
  if (events != nullptr) events->run_started({name_of(Verb::ls), version(), options.source, ""});
  console.start([] { return std::optional<Console::Snapshot>(); });
  report::ListTotals totals;
  const bool human_readable = settings.listing.human_readable;
  const auto failure = list_bucket(options, console.observer(), [&](const ListEntry& entry) {
    ++totals.objects;
    totals.bytes += entry.size;
    if (events != nullptr)
      events->listed(entry);
    else
      console.terminal().print(entry_line(entry, human_readable));
    return console.terminal().out_error() == 0;
  });
  if (events != nullptr && !failure)
    events->list_finished(totals);
  else if (!failure && settings.listing.summarize)
    console.print_text(totals_text(totals, human_readable));
  const auto status = failure ? exit_status(*failure) : ExitStatus::equal;
  if (events != nullptr)
    events->run_finished(static_cast<int>(status), failure ? &*failure : nullptr);
  console.stop();

  if (const int os_error = console.terminal().out_error(); os_error != 0)
    leave(output_status(console, os_error));
  if (failure) console.log().write(*failure);
  leave(static_cast<int>(status));
}

}  // namespace sluice::cli
