#include "async/budget.hpp"

#include <algorithm>
#include <utility>

namespace sluice::async {

ByteLease::ByteLease(ByteLease&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

ByteLease& ByteLease::operator=(ByteLease&& other) noexcept {
  if (this != &other) {
    release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void ByteLease::release() noexcept {
  if (budget_ == nullptr) return;
  std::exchange(budget_, nullptr)->give_back(std::exchange(bytes_, 0));
}

std::optional<ByteLease> ByteBudget::try_acquire(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (!waiting_.empty() || !fits(bytes)) return std::nullopt;
  in_use_ += bytes;
  return ByteLease(this, bytes);
}

Task<ByteLease> ByteBudget::acquire(std::uint64_t bytes) {
  std::shared_ptr<Request> request;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty() && fits(bytes)) {
      in_use_ += bytes;
      co_return ByteLease(this, bytes);
    }
    request = std::make_shared<Request>();
    request->bytes = bytes;
    waiting_.push_back(request);
  }
  const Waiter::Outcome outcome = co_await request->waiter.wait();
  if (outcome == Waiter::Outcome::cancelled) {
    std::lock_guard lock(mutex_);
    if (request->granted)
      in_use_ -= bytes;
    else
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), request));
    grant_waiting();
    throw_cancelled();
  }
  co_return ByteLease(this, bytes);
}

std::uint64_t ByteBudget::in_use() const {
  std::lock_guard lock(mutex_);
  return in_use_;
}

void ByteBudget::give_back(std::uint64_t bytes) noexcept {
  std::lock_guard lock(mutex_);
  in_use_ -= bytes;
  grant_waiting();
}

void ByteBudget::grant_waiting() noexcept {
  while (!waiting_.empty() && fits(waiting_.front()->bytes)) {
    const auto request = std::move(waiting_.front());
    waiting_.pop_front();
    in_use_ += request->bytes;
    request->granted = true;
    request->waiter.notify();
  }
}

}  // namespace sluice::async
