#include "async/rate_limiter.hpp"

#include <algorithm>

namespace sluice::async {

void RateLimiter::set_per_second(std::uint64_t rate) noexcept {
  const std::lock_guard lock(mutex_);
  per_second_ = rate;
  paid_at_ = {};
}

SteadyTime RateLimiter::take(std::uint64_t amount, SteadyTime now) {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  const std::uint64_t rate = per_second();
  if (rate == 0) return now;
  const auto cost = std::chrono::nanoseconds(amount * kNanoseconds / rate);
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
