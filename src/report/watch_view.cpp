#include "report/watch_view.hpp"

#include <algorithm>

namespace sluice::report {

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::complete:
      return "complete";
    case Outcome::incomplete:
      return "incomplete";
    case Outcome::guarded:
      return "guarded";
    case Outcome::failed:
      return "failed";
    case Outcome::interrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string_view to_string(WatchState state) noexcept {
  switch (state) {
    case WatchState::starting:
      return "starting";
    case WatchState::listing:
      return "listing";
    case WatchState::transferring:
      return "transferring";
    case WatchState::idle:
      return "idle";
  }
  return "unknown";
}

Outcome outcome_of(const PassSummary& summary) noexcept {
  if (summary.interrupted) return Outcome::interrupted;
  if (summary.failure) return Outcome::failed;
  if (summary.guard) return Outcome::guarded;
  return summary.progress.count(What::failed) > 0 ? Outcome::incomplete : Outcome::complete;
}

std::chrono::milliseconds WatchView::staleness() const noexcept {
  if (telemetry.oldest_change_ms == 0) return {};
  // The clocks of the server and of this machine are not the same.
  return std::chrono::milliseconds(std::max<std::int64_t>(0, now_ms - telemetry.oldest_change_ms));
}

bool is_healthy(const WatchView& view) noexcept {
  return view.silence < kMostSilence;
}

std::string why_not_ready(const WatchView& view) {
  const auto count = [&view](Outcome outcome) {
    return view.passes[static_cast<std::size_t>(outcome)];
  };
  if (count(Outcome::complete) + count(Outcome::incomplete) + count(Outcome::guarded) > 0)
    return {};
  if (view.last_passes.empty()) return "the first pass has not ended yet";
  const PassView& last = view.last_passes.front();
  std::string why = "no pass has succeeded yet; the last one: ";
  why += to_string(last.outcome);
  if (!last.reason.empty()) why += ": " + last.reason;
  return why;
}

}  // namespace sluice::report
