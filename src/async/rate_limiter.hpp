#pragma once

#include "async/runtime.hpp"
#include "async/task.hpp"
#include "base/time.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace sluice::async {

/// So many bytes, or requests, a second, over all who share it; 0 is no limit. Paid afterwards: who
/// takes an amount goes on at once if what was taken before has been paid by the time that went by,
/// and the amount taken makes the next one wait. May be used from any thread.
class RateLimiter {
 public:
  /// Time that nobody used may be made up for, up to this: timers fire late.
  static constexpr std::chrono::milliseconds kCredit{100};

  explicit RateLimiter(std::uint64_t per_second) : per_second_(per_second) {}
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  std::uint64_t per_second() const noexcept { return per_second_.load(std::memory_order_relaxed); }
  bool is_limited() const noexcept { return per_second() != 0; }
  /// From now on; what was taken before counts as paid, but who waits for it waits on.
  void set_per_second(std::uint64_t rate) noexcept;

  /// Takes `amount` (at most 2^30) and says when whoever took it may go on: now, or later.
  SteadyTime take(std::uint64_t amount, SteadyTime now);

  /// Takes, and waits until then.
  Task<void> pass(Runtime& runtime, std::uint64_t amount);

 private:
  std::atomic<std::uint64_t> per_second_;
  std::mutex mutex_;
  SteadyTime paid_at_{};  ///< when all that was taken is paid
};

}  // namespace sluice::async
