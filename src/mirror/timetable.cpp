#include "mirror/timetable.hpp"

#include <ctime>

namespace sluice::mirror {

std::optional<std::uint64_t> rate_at(const std::vector<RateSlot>& slots, unsigned minute_of_week) {
  if (slots.empty()) return std::nullopt;
  // Of two at the same minute the later in the list counts.
  const RateSlot* best = nullptr;
  const RateSlot* last = nullptr;
  for (const RateSlot& slot : slots) {
    if (last == nullptr || slot.minute_of_week >= last->minute_of_week) last = &slot;
    if (slot.minute_of_week > minute_of_week) continue;
    if (best == nullptr || slot.minute_of_week >= best->minute_of_week) best = &slot;
  }
  return best != nullptr ? best->bytes_per_second : last->bytes_per_second;
}

unsigned minute_of_week(WallTime now) {
  const std::time_t seconds = WallClock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  const int day = (local.tm_wday + 6) % 7;  // tm_wday counts from Sunday
  return static_cast<unsigned>((day * 24 + local.tm_hour) * 60 + local.tm_min);
}

}  // namespace sluice::mirror
