#include "mirror/watch_loop.hpp"

#include "mirror/watch_schedule.hpp"

#include <algorithm>
#include <utility>

namespace sluice::mirror {

namespace {

using std::chrono::milliseconds;

async::Task<void> sleep_once(async::Runtime& runtime, SteadyTime when) {
  co_await runtime.sleep_until(when);
}

/// Uniform in [0, 1): the 53 bits that a double holds.
double unit_interval(std::uint64_t bits) noexcept {
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

}  // namespace

WatchLoop::WatchLoop(async::Runtime& runtime, const WatchOptions& options, Actions actions)
    : runtime_(runtime),
      last_beat_(runtime.now().time_since_epoch().count()),
      actions_(std::move(actions)),
      options_(options) {}

async::Task<PassSummary> WatchLoop::run() {
  async::TaskGroup timers;
  timers.spawn(runtime_.executor(async::Role::control), beat());
  if (options_.max_duration > milliseconds(0))
    timers.spawn(runtime_.executor(async::Role::control),
                 end_at(runtime_.now() + options_.max_duration));
  PassSummary last;
  bool has_whole = false;
  while (!is_over()) {
    const SteadyTime started = runtime_.now();
    PassSummary summary = co_await actions_.pass();
    const Outlook outlook = look_ahead(started, summary);
    actions_.on_pass(summary, outlook);
    // One that was cut short says less than the one before it.
    if (!summary.interrupted || !has_whole) {
      has_whole = !summary.interrupted;
      last = std::move(summary);
    }
    if (outlook.next) co_await pause(started);
  }
  timers.cancel();
  co_await timers.join();
  const std::lock_guard lock(mutex_);
  if (stopped_) last.interrupted = true;
  co_return last;
}

bool WatchLoop::is_over() noexcept {
  const std::lock_guard lock(mutex_);
  const auto reached = [](unsigned count, unsigned most) { return most != 0 && count >= most; };
  return stopped_ || time_is_up_ || reached(passes_, options_.max_passes) ||
         reached(failures_, options_.max_failures);
}

Outlook WatchLoop::look_ahead(SteadyTime started, const PassSummary& summary) {
  ++passes_;
  if (!summary.interrupted) failures_ = summary.failure ? failures_ + 1 : 0;
  draw_ = unit_interval(runtime_.random());
  Outlook outlook;
  outlook.failures = failures_;
  if (is_over()) return outlook;
  const std::lock_guard lock(mutex_);
  const auto left =
      wanted_now_ ? SteadyClock::duration::zero() : next_start(started) - runtime_.now();
  outlook.next = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(left));
  return outlook;
}

SteadyTime WatchLoop::next_start(SteadyTime started) {
  return started + spacing(options_, failures_, draw_);
}

async::Task<void> WatchLoop::pause(SteadyTime started) {
  // Whoever changes something ends the nap, and what is left of the pause is worked out anew.
  while (true) {
    async::TaskGroup nap;
    {
      const std::lock_guard lock(mutex_);
      const SteadyTime when = next_start(started);
      const bool is_over = stopped_ || time_is_up_ || wanted_now_ || runtime_.now() >= when;
      if (is_over) {
        wanted_now_ = false;
        co_return;
      }
      nap.spawn(runtime_.executor(async::Role::control), sleep_once(runtime_, when));
      nap_ = &nap;
    }
    co_await nap.join();
    const std::lock_guard lock(mutex_);
    nap_ = nullptr;
  }
}

async::Task<void> WatchLoop::beat() {
  while (true) {
    last_beat_ = runtime_.now().time_since_epoch().count();
    co_await runtime_.sleep_for(kBeat);
  }
}

async::Task<void> WatchLoop::end_at(SteadyTime when) {
  co_await runtime_.sleep_until(when);
  {
    const std::lock_guard lock(mutex_);
    time_is_up_ = true;
    if (nap_ != nullptr) nap_->cancel();
  }
  actions_.cut_short();
}

void WatchLoop::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (nap_ != nullptr) nap_->cancel();
}

void WatchLoop::pass_now() noexcept {
  const std::lock_guard lock(mutex_);
  wanted_now_ = true;
  if (nap_ != nullptr) nap_->cancel();
}

void WatchLoop::set_interval(milliseconds interval, unsigned jitter_percent) {
  const std::lock_guard lock(mutex_);
  options_.interval = interval;
  options_.jitter_percent = jitter_percent;
  if (nap_ != nullptr) nap_->cancel();
}

}  // namespace sluice::mirror
