#pragma once

#include "async/group.hpp"
#include "async/runtime.hpp"

#include "sluice/mirror.hpp"
#include "sluice/options.hpp"
#include "sluice/summary.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>

namespace sluice::mirror {

/// Passes one after the other, by the clock of the runtime; never two at once.
///
/// Threads: `run` is awaited once, on the control role; everything else from any thread.
class WatchLoop {
 public:
  struct Actions {
    std::function<async::Task<PassSummary>()> pass;
    std::function<void()> cut_short;  ///< ends the pass that runs now in order; none may run
    std::function<void(const PassSummary&, const Outlook&)> on_pass;
  };

  WatchLoop(async::Runtime& runtime, const WatchOptions& options, Actions actions);
  WatchLoop(const WatchLoop&) = delete;
  WatchLoop& operator=(const WatchLoop&) = delete;

  /// Until it is stopped or a limit of the options is met: see Mirror::watch for the answer.
  async::Task<PassSummary> run();

  /// No pass begins from now on. One that runs is for the caller to interrupt.
  void stop() noexcept;
  void pass_now() noexcept;
  void set_interval(std::chrono::milliseconds interval, unsigned jitter_percent);
  /// When the control role last had time for us: every kBeat, unless it hangs.
  SteadyTime last_beat() const noexcept { return SteadyTime(SteadyTime::duration(last_beat_)); }
  static constexpr std::chrono::seconds kBeat{5};

 private:
  bool is_over() noexcept;
  Outlook look_ahead(SteadyTime started, const PassSummary& summary);
  async::Task<void> pause(SteadyTime started);
  async::Task<void> end_at(SteadyTime when);
  async::Task<void> beat();
  SteadyTime next_start(SteadyTime started);

  async::Runtime& runtime_;
  std::atomic<SteadyTime::rep> last_beat_;
  const Actions actions_;
  unsigned passes_ = 0;
  unsigned failures_ = 0;  ///< in a row
  double draw_ = 0;        ///< for the pause that is next

  std::mutex mutex_;  ///< of what follows
  WatchOptions options_;
  bool stopped_ = false;
  bool time_is_up_ = false;
  bool wanted_now_ = false;
  async::TaskGroup* nap_ = nullptr;  ///< the pause that goes on now
};

}  // namespace sluice::mirror
