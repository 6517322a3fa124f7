#include "timetable.hpp"

#include "base/text.hpp"
#include "base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr unsigned kMinutesOfDay = 24 * 60;
constexpr std::size_t kMostSlots = 1000;

/// "08:00" or "8:00".
std::optional<unsigned> parse_clock(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() - colon != 3) return std::nullopt;
  const auto hour = text::parse_uint(text.substr(0, colon));
  const auto minute = text::parse_uint(text.substr(colon + 1));
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return static_cast<unsigned>(*hour * 60 + *minute);
}

std::optional<unsigned> parse_day(std::string_view text) {
  for (unsigned day = 0; day < kDays.size(); ++day)
    if (text::iequals(text, kDays[day])) return day;
  return std::nullopt;
}

/// Adds one entry, which without a day is seven slots; false if it makes no sense.
bool add_entry(std::vector<RateSlot>& slots, std::string_view time, std::uint64_t rate) {
  std::optional<unsigned> day;
  if (const std::size_t dash = time.find('-'); dash != std::string_view::npos) {
    day = parse_day(time.substr(0, dash));
    if (!day) return false;
    time.remove_prefix(dash + 1);
  }
  const auto minute = parse_clock(time);
  if (!minute) return false;
  for (unsigned d = day.value_or(0); d <= day.value_or(6); ++d)
    slots.push_back(RateSlot{d * kMinutesOfDay + *minute, rate});
  return true;
}

}  // namespace

Result<std::uint64_t> parse_rate(std::string_view where, std::string_view text) {
  using units::GiB;
  using units::KiB;
  if (text::iequals(text, "off")) return 0;
  std::string_view rate = text;
  if (rate.ends_with("/s")) rate.remove_suffix(2);
  const auto bytes = units::parse_size(where, rate);
  if (!bytes) return bytes.error();
  if (*bytes != 0 && (*bytes < KiB || *bytes > 1024 * GiB))
    return Error(ErrorKind::usage, fmt::format("{}: \"{}\" is not a rate from 1KiB to 1TiB a "
                                               "second; write for example 10MiB",
                                               where, text::escaped(text)));
  return *bytes;
}

Result<std::vector<RateSlot>> parse_timetable(const Given& given) {
  std::vector<RateSlot> slots;
  std::string_view left = given.value;
  while (true) {
    left.remove_prefix(std::min(left.find_first_not_of(' '), left.size()));
    if (left.empty()) break;
    const std::string_view entry = left.substr(0, left.find(' '));
    left.remove_prefix(entry.size());
    const std::size_t comma = entry.find(',');
    const std::string_view time = entry.substr(0, comma);
    Result<std::uint64_t> rate = std::uint64_t{0};
    if (comma != std::string_view::npos) rate = parse_rate(given.where, entry.substr(comma + 1));
    if (!rate) return rate.error();
    if (comma == std::string_view::npos || !add_entry(slots, time, *rate) ||
        slots.size() > kMostSlots)
      return Error(ErrorKind::usage,
                   fmt::format("{}: \"{}\" is no entry of a timetable; write for example "
                               "\"08:00,10MiB 18:00,off\" or \"Mon-08:00,10MiB Fri-18:00,off\"",
                               given.where, text::escaped(entry)));
  }
  return slots;
}

}  // namespace sluice::cli
