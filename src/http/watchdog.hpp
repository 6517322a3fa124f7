#pragma once

#include "async/runtime.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::http {

/// What a connection is busy with, and how long it may be. Pure: time comes in as an argument.
class PhaseClock {
 public:
  enum class Phase : std::uint8_t {
    idle,
    connecting,
    tunnelling,
    handshaking,
    awaiting,
    head,
    body
  };

  /// Enters a phase that must end within `limit`; `idle` has no limit.
  void enter(Phase phase, SteadyTime now, SteadyClock::duration limit) noexcept;
  /// Enters `body`: of every `window`, at least `floor_bytes` must come.
  void enter_body(SteadyTime now, SteadyClock::duration window, std::uint64_t floor_bytes) noexcept;
  void set_body_bytes(std::uint64_t bytes) noexcept { bytes_ = bytes; }

  Phase phase() const noexcept { return phase_; }
  /// Whether the limit is broken. In `body` this also ends one window and begins the next.
  bool is_over(SteadyTime now) noexcept;
  /// The shard was blocked for so long: that is not the server's fault.
  void extend(SteadyClock::duration blocked) noexcept { deadline_ += blocked; }
  /// We keep the server waiting: no time goes by until `resume`.
  void suspend(SteadyTime now) noexcept {
    suspended_ = true;
    left_ = deadline_ - now;
  }
  void resume(SteadyTime now) noexcept {
    suspended_ = false;
    deadline_ = now + left_;
  }
  SteadyClock::duration limit() const noexcept { return limit_; }

 private:
  Phase phase_ = Phase::idle;
  SteadyTime deadline_{};
  SteadyClock::duration limit_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_at_start_ = 0;
  std::uint64_t floor_bytes_ = 0;
  bool suspended_ = false;
  SteadyClock::duration left_{};  ///< only while suspended
};

/// Looked at once a tick.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual PhaseClock& phase_clock() noexcept = 0;
  /// Its limit is broken. Must not add or remove anything that is watched.
  virtual void give_up() noexcept = 0;

 private:
  friend class Watchdog;
  std::size_t place_ = 0;
};

/// One timer for all connections of a client, instead of one for each read. It runs only while
/// something is watched and keeps nothing alive. All members are for the thread of `executor`.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  /// `sweep` is called at each tick, after the connections were looked at; it may remove some.
  Watchdog(async::Runtime& runtime, const async::Executor& executor, SteadyClock::duration tick,
           std::function<void(SteadyTime)> sweep);

  void add(Watched& watched);
  void remove(Watched& watched) noexcept;
  /// No tick comes after that.
  void stop() noexcept;
  bool is_running() const noexcept { return running_; }

 private:
  void arm();
  void tick();

  async::Runtime& runtime_;
  const SteadyClock::duration tick_;
  std::function<void(SteadyTime)> sweep_;
  boost::asio::steady_timer timer_;
  std::vector<Watched*> watched_;
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace sluice::http
