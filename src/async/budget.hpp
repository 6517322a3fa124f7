#pragma once

#include "async/waiter.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace sluice::async {

class ByteBudget;

/// The right to hold so many bytes of memory (or any counted thing); given back on destruction,
/// from any thread. Must not outlive its budget.
class ByteLease {
 public:
  ByteLease() = default;
  ByteLease(ByteLease&& other) noexcept;
  ByteLease& operator=(ByteLease&& other) noexcept;
  ~ByteLease() { release(); }

  std::uint64_t bytes() const noexcept { return bytes_; }
  void release() noexcept;

 private:
  friend class ByteBudget;
  ByteLease(ByteBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}

  ByteBudget* budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// A ceiling on bytes in flight. Memory is reserved before work is scheduled, strictly in the order
/// of asking: a large request is not starved by small ones. May be used from any thread.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t limit_bytes) : limit_(limit_bytes) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  /// Waits until `bytes` are free. A request beyond the whole limit is granted alone.
  Task<ByteLease> acquire(std::uint64_t bytes);
  /// The same without waiting; nullopt if others wait or `bytes` are not free.
  std::optional<ByteLease> try_acquire(std::uint64_t bytes);

  std::uint64_t in_use() const;
  std::uint64_t limit() const noexcept { return limit_; }

 private:
  friend class ByteLease;
  struct Request {
    std::uint64_t bytes;
    bool granted = false;
    Waiter waiter;
  };

  bool fits(std::uint64_t bytes) const noexcept {
    return in_use_ == 0 || (bytes <= limit_ && in_use_ <= limit_ - bytes);
  }
  void give_back(std::uint64_t bytes) noexcept;
  void grant_waiting() noexcept;  ///< needs the mutex

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::uint64_t in_use_ = 0;
  std::deque<std::shared_ptr<Request>> waiting_;
};

}  // namespace sluice::async
