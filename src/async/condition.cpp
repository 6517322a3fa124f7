#include "async/condition.hpp"

#include <algorithm>

namespace sluice::async {

Task<void> Condition::wait(std::unique_lock<std::mutex>& lock) {
  auto waiter = std::make_shared<Waiter>();
  waiters_.push_back(waiter);
  lock.unlock();
  const Waiter::Outcome outcome = co_await waiter->wait();
  lock.lock();
  if (outcome == Waiter::Outcome::cancelled) {
    abandon(waiter);
    lock.unlock();
    throw_cancelled();
  }
}

void Condition::notify_one() noexcept {
  if (waiters_.empty()) return;
  waiters_.front()->notify();
  waiters_.pop_front();
}

void Condition::notify_all() noexcept {
  while (!waiters_.empty())
    notify_one();
}

void Condition::abandon(const std::shared_ptr<Waiter>& waiter) noexcept {
  const auto it = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (it != waiters_.end())
    waiters_.erase(it);
  else
    notify_one();  // it had been woken as well: that wake-up must not be lost
}

}  // namespace sluice::async
