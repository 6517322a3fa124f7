#include "mirror/watch_schedule.hpp"

#include <algorithm>

namespace sluice::mirror {

std::chrono::milliseconds spacing(const WatchOptions& options, unsigned failures, double draw) {
  using std::chrono::milliseconds;
  const milliseconds interval = options.interval;
  const milliseconds most =
      std::max(interval, std::min(interval * kMostIntervals, milliseconds(kMostBackoff)));
  milliseconds apart = interval;
  for (unsigned i = 1; i < failures && apart < most; ++i)
    apart *= 2;
  apart = std::min(apart, most);
  const double off = (draw - 0.5) * options.jitter_percent / 100;
  const auto jitter = static_cast<milliseconds::rep>(static_cast<double>(apart.count()) * off);
  return apart + milliseconds(jitter);
}

}  // namespace sluice::mirror
