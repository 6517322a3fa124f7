#pragma once

#include "async/runtime.hpp"
#include "async/waiter.hpp"
#include "transfer/crawl.hpp"
#include "transfer/limit_finder.hpp"

#include "sluice/error.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace sluice::transfer {

/// How many requests of all data shards together may be at the server at once. Found by a
/// LimitFinder from how they fare; `least` equal to `most` pins it. May be used from any thread.
class SharedLimit {
 public:
  /// `received`: bytes of bodies so far; must outlive the limit.
  SharedLimit(LimitBounds bounds, const std::atomic<std::uint64_t>& received,
              BusySeconds busy = {});

  unsigned limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  bool is_pinned() const noexcept { return pinned_; }
  /// Counts how often the server said SlowDown: requests that were under way together, when it
  /// first did, say nothing new.
  unsigned slowdowns() const noexcept { return slowdowns_.load(std::memory_order_relaxed); }

  void begin_with_least();
  void answered(SteadyTime now, SteadyClock::duration took);
  void slowed_down(unsigned slowdowns_when_sent);
  void starved();
  void interrupt();

 private:
  const bool pinned_;
  const std::atomic<std::uint64_t>& received_;
  std::mutex mutex_;
  LimitFinder finder_;
  std::atomic<unsigned> limit_;
  std::atomic<unsigned> slowdowns_ = 0;
};

/// One data shard's share of a SharedLimit: at least one request. All calls come from the shard's
/// thread.
class Concurrency {
 public:
  /// All references must outlive it.
  Concurrency(async::Runtime& runtime, SharedLimit& shared, unsigned shard, unsigned shards)
      : runtime_(runtime), shared_(shared), shard_(shard), shards_(shards) {}
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
    unsigned slowdowns_;
    SteadyTime since_{};
  };

  /// A slot where there is room and nobody waits for one.
  std::optional<Slot> try_enter() noexcept;
  /// Waits for room.
  async::Task<Slot> enter();

  /// The shares add up to the whole, unless that is less than one each.
  unsigned limit() const noexcept {
    const unsigned whole = shared_.limit();
    const unsigned share = whole / shards_ + (shard_ < whole % shards_ ? 1 : 0);
    return share > 0 ? share : 1;
  }
  unsigned in_use() const noexcept { return in_use_; }
  /// A transfer found nothing to do.
  void starved() { shared_.starved(); }
  /// How fast the bodies of this shard came.
  PeerRates& peers() noexcept { return peers_; }

 private:
  bool has_room() const noexcept { return in_use_ < limit(); }
  void leave() noexcept;
  void wake() noexcept;

  async::Runtime& runtime_;
  SharedLimit& shared_;
  const unsigned shard_;
  const unsigned shards_;
  PeerRates peers_;
  unsigned in_use_ = 0;
  std::deque<std::shared_ptr<async::Waiter>> waiting_;
};

}  // namespace sluice::transfer
