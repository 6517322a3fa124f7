#pragma once

#include "async/waiter.hpp"

#include "sluice/error.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace sluice::transfer {

/// How many requests of one data shard may be at the server at once. It begins at `most`, is halved
/// when the server says SlowDown, and grows again by one for each round of answers that it gives
/// (additive increase, multiplicative decrease). Requests that were under way when it was halved
/// say nothing new and do not halve it again.
///
/// All calls come from the shard's thread.
class Concurrency {
 public:
  /// `most` at least 1. One that is pinned stays at `most` whatever the server says.
  explicit Concurrency(unsigned most, bool pinned = false) : most_(most), pinned_(pinned) {}
  Concurrency(const Concurrency&) = delete;
  Concurrency& operator=(const Concurrency&) = delete;

  /// The right to have one request at the server; given back on destruction.
  class Slot {
   public:
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();

    void succeeded() noexcept;
    void failed(ErrorKind kind) noexcept;

   private:
    friend class Concurrency;
    explicit Slot(Concurrency& owner) noexcept;
    Concurrency* owner_;
    unsigned round_;
  };

  /// A slot where there is room and nobody waits for one.
  std::optional<Slot> try_enter() noexcept;
  /// Waits for room.
  async::Task<Slot> enter();

  unsigned limit() const noexcept { return limit_; }
  unsigned in_use() const noexcept { return in_use_; }

 private:
  bool has_room() const noexcept { return in_use_ < limit_; }
  void leave() noexcept;
  void wake() noexcept;

  const unsigned most_;
  const bool pinned_;
  unsigned limit_ = most_;
  unsigned in_use_ = 0;
  unsigned answers_ = 0;  ///< since the limit last changed
  unsigned round_ = 0;    ///< counts how often the limit was halved
  std::deque<std::shared_ptr<async::Waiter>> waiting_;
};

}  // namespace sluice::transfer
