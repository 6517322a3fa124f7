#include "http/watchdog.hpp"

#include <utility>

namespace sluice::http {

using namespace std::chrono_literals;

namespace {

/// A tick later than this means that the thread was blocked, by a disk for instance.
constexpr auto kLateBy = 500ms;

}  // namespace

void PhaseClock::enter(Phase phase, SteadyTime now, SteadyClock::duration limit) noexcept {
  phase_ = phase;
  limit_ = limit;
  deadline_ = now + limit;
}

void PhaseClock::enter_body(SteadyTime now, SteadyClock::duration window,
                            std::uint64_t floor_bytes) noexcept {
  enter(Phase::body, now, window);
  floor_bytes_ = floor_bytes;
  bytes_ = 0;
  bytes_at_start_ = 0;
}

bool PhaseClock::is_over(SteadyTime now) noexcept {
  if (phase_ == Phase::idle || suspended_ || now < deadline_) return false;
  if (phase_ != Phase::body || bytes_ - bytes_at_start_ < floor_bytes_) return true;
  bytes_at_start_ = bytes_;
  deadline_ = now + limit_;
  return false;
}

Watchdog::Watchdog(async::Runtime& runtime, const async::Executor& executor,
                   SteadyClock::duration tick, std::function<void(SteadyTime)> sweep)
    : runtime_(runtime), tick_(tick), sweep_(std::move(sweep)), timer_(executor) {}

void Watchdog::add(Watched& watched) {
  watched.place_ = watched_.size();
  watched_.push_back(&watched);
  if (!running_ && !stopped_) arm();
}

void Watchdog::remove(Watched& watched) noexcept {
  watched_[watched.place_] = watched_.back();
  watched_[watched.place_]->place_ = watched.place_;
  watched_.pop_back();
}

void Watchdog::stop() noexcept {
  stopped_ = true;
  sweep_ = nullptr;
  timer_.cancel();
}

void Watchdog::arm() {
  running_ = true;
  timer_.expires_at(runtime_.now() + tick_);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code) {
    if (const auto self = weak.lock()) self->tick();
  });
}

void Watchdog::tick() {
  running_ = false;
  if (stopped_) return;
  const SteadyTime now = runtime_.now();
  const auto late = now - timer_.expiry();
  for (Watched* watched : watched_) {
    PhaseClock& clock = watched->phase_clock();
    if (late > kLateBy) clock.extend(late);
    if (clock.is_over(now)) watched->give_up();
  }
  sweep_(now);
  if (!watched_.empty()) arm();
}

}  // namespace sluice::http
