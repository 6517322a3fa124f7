#include "async/rate_limiter.hpp"

#include <algorithm>

namespace sluice::async {

SteadyTime RateLimiter::take(std::uint64_t amount, SteadyTime now) {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  const auto cost = std::chrono::nanoseconds(amount * kNanoseconds / per_second_);
  const std::lock_guard lock(mutex_);
  const SteadyTime start = std::max(paid_at_, now - kCredit);
  paid_at_ = start + std::chrono::duration_cast<SteadyClock::duration>(cost);
  return std::max(start, now);
}

Task<void> RateLimiter::pass(Runtime& runtime, std::uint64_t amount) {
  const SteadyTime now = runtime.now();
  const SteadyTime when = take(amount, now);
  if (when > now) co_await runtime.sleep_until(when);
}

}  // namespace sluice::async
