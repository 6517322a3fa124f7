#include "transfer/concurrency.hpp"

#include <utility>

namespace sluice::transfer {

SharedLimit::SharedLimit(LimitBounds bounds, const std::atomic<std::uint64_t>& received,
                         BusySeconds busy)
    : pinned_(bounds.least == bounds.most),
      received_(received),
      finder_(bounds, std::move(busy)),
      limit_(finder_.limit()) {}

void SharedLimit::begin_with_least() {
  std::lock_guard lock(mutex_);
  finder_.begin_with_least();
  limit_.store(finder_.limit(), std::memory_order_relaxed);
}

void SharedLimit::answered(SteadyTime now, SteadyClock::duration took) {
  if (pinned_) return;
  std::lock_guard lock(mutex_);
  finder_.answered(now, took, received_.load(std::memory_order_relaxed));
  limit_.store(finder_.limit(), std::memory_order_relaxed);
}

void SharedLimit::slowed_down(unsigned slowdowns_when_sent) {
  if (pinned_) return;
  std::lock_guard lock(mutex_);
  if (slowdowns_when_sent != slowdowns_.load(std::memory_order_relaxed)) return;
  slowdowns_.fetch_add(1, std::memory_order_relaxed);
  finder_.slowed_down();
  limit_.store(finder_.limit(), std::memory_order_relaxed);
}

void SharedLimit::starved() {
  if (pinned_) return;
  std::lock_guard lock(mutex_);
  finder_.starved();
}

void SharedLimit::interrupt() {
  std::lock_guard lock(mutex_);
  finder_.interrupt();
}

Concurrency::Slot::Slot(Concurrency& owner) noexcept
    : owner_(&owner), slowdowns_(owner.shared_.slowdowns()) {
  ++owner.in_use_;
  if (!owner.shared_.is_pinned()) since_ = owner.runtime_.now();
}

Concurrency::Slot::Slot(Slot&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      slowdowns_(other.slowdowns_),
      since_(other.since_) {}

Concurrency::Slot& Concurrency::Slot::operator=(Slot&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(slowdowns_, other.slowdowns_);
  std::swap(since_, other.since_);
  return *this;
}

Concurrency::Slot::~Slot() {
  if (owner_ != nullptr) owner_->leave();
}

void Concurrency::Slot::succeeded() noexcept {
  if (owner_->shared_.is_pinned()) return;
  const SteadyTime now = owner_->runtime_.now();
  owner_->shared_.answered(now, now - since_);
}

void Concurrency::Slot::failed(ErrorKind kind) noexcept {
  if (kind == ErrorKind::throttled) owner_->shared_.slowed_down(slowdowns_);
}

std::optional<Concurrency::Slot> Concurrency::try_enter() noexcept {
  if (!has_room() || !waiting_.empty()) return std::nullopt;
  return Slot(*this);
}

async::Task<Concurrency::Slot> Concurrency::enter() {
  while (!has_room()) {
    auto waiter = std::make_shared<async::Waiter>();
    waiting_.push_back(waiter);
    const auto outcome = co_await waiter->wait();
    std::erase(waiting_, waiter);
    if (outcome == async::Waiter::Outcome::cancelled) {
      wake();  // it may have been woken as well: that wake-up must not be lost
      async::throw_cancelled();
    }
  }
  Slot slot(*this);
  wake();  // of two slots that came free at once only one has woken somebody
  co_return slot;
}

void Concurrency::leave() noexcept {
  --in_use_;
  wake();
}

void Concurrency::wake() noexcept {
  if (has_room() && !waiting_.empty()) waiting_.front()->notify();
}

}  // namespace sluice::transfer
