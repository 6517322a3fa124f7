#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <functional>

namespace sluice::transfer {

/// Between what numbers of requests at once the best is looked for, and where that begins.
struct LimitBounds {
  unsigned least = 16;
  unsigned first = 64;
  unsigned most = 256;
};

/// Processor time that all threads have used so far, as seconds of all the processors that data can
/// be moved on: where it runs as fast as the clock, they are what limits. Empty: never.
using BusySeconds = std::function<double()>;

/// Finds how many requests should be at the server at once, by trying. Pure: time comes in as an
/// argument, or by BusySeconds.
///
/// Windows of whole rounds of answers are measured: work (bytes, and requests as so many bytes) a
/// second, and how long a request takes. Then it tries another limit, and stays there if that pays:
///
/// - twice as many, at first, as long as it pays: a seventh more work, and requests take not nearly
///   twice as long (not above the least where answers come within 10 ms);
/// - half as many again: a sixteenth more work, and requests take not nearly half as long again;
/// - a third fewer: no less work, so the others only waited in a queue. Where our own processors
///   are what limits, the least at once, the first time (a quarter of it for large bodies): more
///   connections would only fill the caches.
///
/// What paid is tried again at once; what did not, later and later. So it rests where neither more
/// nor fewer pay, and follows when server or network change. Windows in which transfers found
/// nothing to do say nothing.
///
/// When the server says SlowDown the limit is halved at once, then grows by one for each round of
/// answers up to where it was; only then is anything tried again.
class LimitFinder {
 public:
  explicit LimitFinder(LimitBounds bounds, BusySeconds busy = {});

  unsigned limit() const noexcept { return limit_; }

  /// Before the first answer: the server is known to be near, and so the least will do at first.
  /// Later it does nothing.
  void begin_with_least() noexcept;
  /// An answer came, `took` after its request. `received`: bytes of all bodies so far, those of
  /// requests under way too.
  void answered(SteadyTime now, SteadyClock::duration took, std::uint64_t received) noexcept;
  /// A transfer found nothing to do.
  void starved() noexcept { ++window_.starved; }
  /// SlowDown, for requests that were sent after the last one.
  void slowed_down() noexcept;
  /// Time goes by in which nothing is measured: between two passes, for instance.
  void interrupt() noexcept;

 private:
  enum class Stage : std::uint8_t {
    resting,  ///< at the limit that was found last
    trying,   ///< another one
    pressed,  ///< by SlowDown
  };
  enum class Way : std::uint8_t { doubled, up, down };

  struct Window {
    bool open = false;
    SteadyTime begun{};
    std::uint64_t received = 0;  ///< at its beginning
    std::uint64_t answers = 0;
    std::uint64_t starved = 0;
    double busy = 0;  ///< at its beginning
    SteadyClock::duration took{};
  };
  struct Measured {
    double rate = 0;     ///< work a second
    double took = 0;     ///< seconds a request
    double busy = 0;     ///< of the time, our own processors
    bool large = false;  ///< bodies
  };

  void open_window(SteadyTime now, std::uint64_t received) noexcept;
  bool has_large_bodies(std::uint64_t received) const noexcept;  ///< in the window
  bool is_complete(SteadyTime now, std::uint64_t received) const noexcept;
  void judge(const Measured& measured) noexcept;
  bool pays(const Measured& tried) const noexcept;
  bool leaps_to_least() const noexcept;
  unsigned towards(Way way) const noexcept;
  void try_towards(Way way) noexcept;
  void rest_at(unsigned limit, unsigned windows) noexcept;
  void set_limit(unsigned limit) noexcept;

  const LimitBounds bounds_;
  const BusySeconds busy_;
  unsigned limit_;
  bool has_begun_ = false;
  Stage stage_ = Stage::resting;
  unsigned settling_;  ///< answers to wait for, since they may still be those of another limit
  Window window_;

  unsigned found_;  ///< the limit that was found last
  Measured at_found_;
  Way way_ = Way::doubled;
  bool leaps_ = true;        ///< down to the least, where our own processors are what limits
  unsigned rest_ = 1;        ///< windows until something is tried
  unsigned next_rest_;       ///< after a try that does not pay
  unsigned round_ = 0;       ///< answers of this round, when pressed
  unsigned recover_to_ = 0;  ///< when pressed
};

}  // namespace sluice::transfer
