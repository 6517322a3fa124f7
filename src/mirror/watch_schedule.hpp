#pragma once

#include "sluice/options.hpp"

#include <chrono>

namespace sluice::mirror {

/// While passes fail, they come at most so much less often than the interval says…
inline constexpr unsigned kMostIntervals = 10;
/// …and not less often than this, unless the interval itself is longer.
inline constexpr std::chrono::minutes kMostBackoff{10};

/// How long after the start of a pass the next one starts. `failures`: passes in a row that failed,
/// the last one included. `draw`: uniform in [0, 1).
///
/// - The interval, give or take half of the jitter, so that many watchers that were started
///   together do not stay together. The mean is the interval.
/// - From the second failure in a row twice, four times… as long, within the limits above.
std::chrono::milliseconds spacing(const WatchOptions& options, unsigned failures, double draw);

}  // namespace sluice::mirror
