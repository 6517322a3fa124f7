#include "transfer/limit_finder.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transfer {

using namespace std::chrono_literals;

namespace {

/// What a request counts as, beside its bytes: what takes as long on a fast connection.
constexpr double kRequestBytes = 256 * 1024;
/// While doubling, every moment spent at too low a limit is lost; later, exactness counts.
constexpr auto kFirstWindows = 25ms;
constexpr auto kWindow = 200ms;
/// Of large bodies bytes flow all the time: no need to wait for whole rounds of answers.
constexpr auto kLargeWindow = 500ms;
/// And on a slow line the answers of before take too long to wait for.
constexpr auto kLargeSettling = 2s;
constexpr std::uint64_t kLargeBytes = 1 << 20;
/// Answers that come so soon: the way is short, and what limits is the server or we ourselves. Then
/// fewer are tried first, since more would each open a connection.
constexpr double kSoon = 0.010;  // seconds
/// Our own processors have no time left, or hardly any: more would bring less than it costs.
constexpr double kBusy = 0.85;
constexpr unsigned kLeastRest = 8;  ///< windows
constexpr unsigned kMostRest = 64;
/// One in so many may find nothing to do.
constexpr std::uint64_t kStarvedOneIn = 8;

/// Which tries pay: at least so much of the work, at most so much of the time, of before.
struct Terms {
  double work;
  double time;
};
constexpr Terms kDoubled{1.15, 1.75};
constexpr Terms kUp{1.06, 1.42};
constexpr Terms kDown{0.97, 0.85};
/// Of a leap the rate counts, and that requests take no longer. The rate is ours where our
/// processors still have no time left, and differs by so much on machines that share theirs with
/// others.
constexpr Terms kLeapt{0.9, 1};
constexpr Terms kLeaptBusy{0.75, 1};

}  // namespace

LimitFinder::LimitFinder(LimitBounds bounds, BusySeconds busy)
    : bounds_(bounds),
      busy_(std::move(busy)),
      limit_(bounds.first),
      settling_(bounds.least),
      found_(bounds.first),
      next_rest_(kLeastRest) {}

void LimitFinder::begin_with_least() noexcept {
  if (has_begun_ || bounds_.least == bounds_.most) return;
  found_ = limit_ = bounds_.least;
  interrupt();
}

void LimitFinder::set_limit(unsigned limit) noexcept {
  const unsigned before = std::exchange(limit_, limit);
  interrupt();
  settling_ = std::max(before, limit);
}

void LimitFinder::interrupt() noexcept {
  settling_ = limit_;
  window_.open = false;
}

void LimitFinder::open_window(SteadyTime now, std::uint64_t received) noexcept {
  window_ = Window();
  window_.open = true;
  window_.begun = now;
  window_.received = received;
  if (busy_) window_.busy = busy_();
}

bool LimitFinder::has_large_bodies(std::uint64_t received) const noexcept {
  return received - window_.received >= window_.answers * kLargeBytes;
}

bool LimitFinder::is_complete(SteadyTime now, std::uint64_t received) const noexcept {
  const auto length = now - window_.begun;
  const bool large = has_large_bodies(received);
  if (settling_ > 0) return window_.answers >= settling_ || (large && length >= kLargeSettling);
  if (large && length >= kLargeWindow) return true;
  // Answers come in bursts, one a round trip: part of a round would say anything.
  if (window_.answers % limit_ != 0) return false;
  return length >= (way_ == Way::doubled ? kFirstWindows : kWindow);
}

void LimitFinder::answered(SteadyTime now, SteadyClock::duration took,
                           std::uint64_t received) noexcept {
  if (bounds_.least == bounds_.most) return;
  has_begun_ = true;
  if (stage_ == Stage::pressed) {
    if (++round_ < limit_) return;
    round_ = 0;
    set_limit(limit_ + 1);
    if (limit_ >= recover_to_) rest_at(limit_, next_rest_);
    return;
  }
  // The counter of received bytes begins anew with each pass, and a restarted part takes from it.
  if (!window_.open || received < window_.received) return open_window(now, received);
  ++window_.answers;
  window_.took += took;
  if (!is_complete(now, received)) return;
  const bool says_nothing = settling_ > 0 || window_.starved * kStarvedOneIn > window_.answers;
  if (!says_nothing) {
    const auto answers = static_cast<double>(window_.answers);
    const double work = static_cast<double>(received - window_.received) + answers * kRequestBytes;
    const auto seconds = [](SteadyClock::duration time) {
      return std::chrono::duration<double>(time).count();
    };
    const double length = seconds(now - window_.begun);
    const double busy = busy_ ? (busy_() - window_.busy) / length : 0;
    judge({work / length, seconds(window_.took) / answers, busy, has_large_bodies(received)});
  }
  if (window_.open) settling_ = 0;
  if (window_.open) open_window(now, received);
}

void LimitFinder::judge(const Measured& measured) noexcept {
  if (stage_ == Stage::resting) {
    at_found_ = measured;
    if (rest_ > 0) --rest_;
    const bool is_near = measured.took < kSoon && found_ > bounds_.least;
    if (measured.busy >= kBusy || (way_ == Way::doubled && is_near)) way_ = Way::down;
    if (rest_ == 0) try_towards(way_);
    return;
  }
  if (pays(measured)) {
    found_ = limit_;
    at_found_ = measured;
    next_rest_ = kLeastRest;
    try_towards(way_);
    return;
  }
  if (way_ == Way::down) leaps_ = false;
  way_ = way_ == Way::down ? Way::up : Way::down;
  rest_at(found_, next_rest_);
  next_rest_ = std::min(next_rest_ * 2, kMostRest);
}

bool LimitFinder::pays(const Measured& tried) const noexcept {
  const Terms& terms = way_ == Way::doubled  ? kDoubled
                       : way_ == Way::up     ? kUp
                       : !leaps_to_least()   ? kDown
                       : tried.busy >= kBusy ? kLeaptBusy
                                             : kLeapt;
  return tried.rate >= at_found_.rate * terms.work && tried.took <= at_found_.took * terms.time;
}

bool LimitFinder::leaps_to_least() const noexcept {
  return leaps_ && at_found_.busy >= kBusy;
}

unsigned LimitFinder::towards(Way way) const noexcept {
  if (way == Way::down && leaps_to_least())
    return std::max(at_found_.large ? bounds_.least / 4 : bounds_.least, 1u);
  const unsigned wanted = way == Way::doubled ? found_ * 2
                          : way == Way::up    ? found_ + (found_ + 1) / 2
                                              : found_ - found_ / 3;
  return std::clamp(wanted, bounds_.least, bounds_.most);
}

void LimitFinder::try_towards(Way way) noexcept {
  way_ = way;
  if (towards(way_) == found_) {  // at a bound
    way_ = way_ == Way::down ? Way::up : Way::down;
    return rest_at(found_, next_rest_);
  }
  stage_ = Stage::trying;
  set_limit(towards(way_));
}

void LimitFinder::rest_at(unsigned limit, unsigned windows) noexcept {
  stage_ = Stage::resting;
  found_ = limit;
  rest_ = windows;
  set_limit(limit);
}

void LimitFinder::slowed_down() noexcept {
  if (bounds_.least == bounds_.most) return;
  if (stage_ == Stage::trying) next_rest_ = std::min(next_rest_ * 2, kMostRest);
  if (stage_ != Stage::pressed) recover_to_ = found_;
  stage_ = Stage::pressed;
  way_ = Way::up;
  round_ = 0;
  set_limit(std::max(limit_ / 2, 1u));
}

}  // namespace sluice::transfer
