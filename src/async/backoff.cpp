#include "async/backoff.hpp"

#include <algorithm>

namespace sluice::async {

std::chrono::milliseconds backoff_delay(const BackoffOptions& options, unsigned attempt, Pace pace,
                                        std::chrono::milliseconds retry_after,
                                        std::uint64_t random) noexcept {
  const auto base = pace == Pace::throttled ? options.throttled_base : options.base;
  const unsigned doublings = std::min(attempt == 0 ? 0u : attempt - 1, 20u);
  const auto ceiling = std::min(base * (std::int64_t{1} << doublings), options.cap);
  // 53 bits as a fraction in [0, 1).
  const double fraction = static_cast<double>(random >> 11) * 0x1.0p-53;
  const std::chrono::milliseconds jittered(
      static_cast<std::int64_t>(fraction * static_cast<double>(ceiling.count())));
  return std::max(jittered, std::min(retry_after, options.retry_after_cap));
}

}  // namespace sluice::async
