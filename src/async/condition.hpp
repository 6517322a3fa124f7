#pragma once

#include "async/waiter.hpp"

#include <deque>
#include <memory>
#include <mutex>

namespace sluice::async {

/// What std::condition_variable is to threads, for coroutines on any role: waiters are served first
/// come first served. Every member needs the owner's mutex to be held.
class Condition {
 public:
  /// Unlocks, waits, locks again. The caller checks its condition in a loop. Unwinds on
  /// cancellation, unlocked; a wake-up that it had been given passes on to the next waiter.
  Task<void> wait(std::unique_lock<std::mutex>& lock);

  void notify_one() noexcept;
  void notify_all() noexcept;

 private:
  void abandon(const std::shared_ptr<Waiter>& waiter) noexcept;

  std::deque<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace sluice::async
