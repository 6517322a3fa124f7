#pragma once

#include "async/condition.hpp"

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace sluice::async {

/// A first-in first-out queue with a limit, between any two roles: producers wait once it is full,
/// until it is half empty (else each item would cost two switches of threads). Closing it lets
/// consumers drain what is in it. All members may be called from any thread.
template <class T>
class BoundedQueue {
 public:
  /// `limit`: items held at most, at least 1.
  explicit BoundedQueue(std::size_t limit) : limit_(limit == 0 ? 1 : limit) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  /// Moves from `item`, which must outlive the call. False if the queue is closed (`item` is then
  /// left alone).
  Task<bool> push(T& item) {
    std::unique_lock lock(mutex_);
    while (!closed_ && items_.size() >= limit_)
      co_await not_full_.wait(lock);
    if (closed_) co_return false;
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    co_return true;
  }

  /// Moves from `item` if there is room now.
  bool try_push(T& item) {
    std::lock_guard lock(mutex_);
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    return true;
  }

  /// nullopt once the queue is closed and empty.
  Task<std::optional<T>> pop() {
    std::unique_lock lock(mutex_);
    while (items_.empty() && !closed_)
      co_await not_empty_.wait(lock);
    std::optional<T> item;
    if (!items_.empty()) item = take();
    co_return item;
  }

  /// The next item if there is one now.
  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    std::optional<T> item;
    if (!items_.empty()) item = take();
    return item;
  }

  /// Whether nothing is in it and nothing will be.
  bool is_finished() const {
    std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

  /// Refuses further items; who waits wakes up. May be called more than once.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  T take() {
    T item = std::move(items_.front());
    items_.pop_front();
    if (items_.size() <= limit_ / 2) not_full_.notify_all();
    return item;
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::deque<T> items_;
  Condition not_empty_;
  Condition not_full_;
  bool closed_ = false;
};

}  // namespace sluice::async
