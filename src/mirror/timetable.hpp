#pragma once

#include "base/time.hpp"

#include "sluice/options.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::mirror {

/// The rate that counts at a minute of the week: that of the last slot before or at it, around the
/// week's end if need be. nullopt: there are no slots. 0: no limit.
std::optional<std::uint64_t> rate_at(const std::vector<RateSlot>& slots, unsigned minute_of_week);

/// In local time (TZ), from Monday 00:00 on: 0 to 10,079.
unsigned minute_of_week(WallTime now);

}  // namespace sluice::mirror
