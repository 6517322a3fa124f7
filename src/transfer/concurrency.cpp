#include "transfer/concurrency.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transfer {

Concurrency::Slot::Slot(Concurrency& owner) noexcept : owner_(&owner), round_(owner.round_) {
  ++owner.in_use_;
}

Concurrency::Slot::Slot(Slot&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), round_(other.round_) {}

Concurrency::Slot& Concurrency::Slot::operator=(Slot&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(round_, other.round_);
  return *this;
}

Concurrency::Slot::~Slot() {
  if (owner_ != nullptr) owner_->leave();
}

void Concurrency::Slot::succeeded() noexcept {
  Concurrency& owner = *owner_;
  if (owner.limit_ == owner.most_ || ++owner.answers_ < owner.limit_) return;
  owner.answers_ = 0;
  ++owner.limit_;
  owner.wake();
}

void Concurrency::Slot::failed(ErrorKind kind) noexcept {
  Concurrency& owner = *owner_;
  if (kind != ErrorKind::throttled || owner.pinned_ || round_ != owner.round_) return;
  owner.answers_ = 0;
  ++owner.round_;
  owner.limit_ = std::max(owner.limit_ / 2, 1u);
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
