#pragma once

#include "base/result.hpp"
#include "flags.hpp"

#include "sluice/options.hpp"

#include <vector>

namespace sluice::cli {

/// `08:00,10M 18:00,off` or, with days, `Mon-08:00,10M Fri-18:00,off`: what the rate is from when
/// on, in local time, as rclone has it. An entry without a day counts on each.
Result<std::vector<RateSlot>> parse_timetable(const Given& given);

/// One rate: `10MiB`, `500K/s`; `0` and `off` are no limit.
Result<std::uint64_t> parse_rate(std::string_view where, std::string_view text);

}  // namespace sluice::cli
