#include "transfer/retry.hpp"

namespace sluice::transfer {

RetryAction retry_action(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::transient:
    case ErrorKind::stale:
    case ErrorKind::unreachable:
      return RetryAction::pause;
    case ErrorKind::throttled:
      return RetryAction::pause_throttled;
    case ErrorKind::invalid_answer:
      return RetryAction::pause_few;
    case ErrorKind::changed:
    case ErrorKind::missing_key:
    case ErrorKind::missing_bucket:
    case ErrorKind::denied:
    case ErrorKind::credentials:
    case ErrorKind::expired:
    case ErrorKind::wrong_region:
    case ErrorKind::skewed:
    case ErrorKind::archived:
    case ErrorKind::unsupported:
    case ErrorKind::corrupt:
    case ErrorKind::local:
    case ErrorKind::refused_key:
    case ErrorKind::guard:
    case ErrorKind::usage:
    case ErrorKind::locked:
    case ErrorKind::cancelled:
      return RetryAction::give_up;
  }
  return RetryAction::give_up;
}

std::optional<std::chrono::milliseconds> next_pause(const RetryPolicy& policy, const Error& error,
                                                    const Failures& failures,
                                                    std::uint64_t random) noexcept {
  const RetryAction action = retry_action(error.kind);
  if (action == RetryAction::give_up || failures.all >= policy.max_attempts) return std::nullopt;
  if (action == RetryAction::pause_few && failures.invalid >= policy.max_invalid_attempts)
    return std::nullopt;
  const auto pace =
      action == RetryAction::pause_throttled ? async::Pace::throttled : async::Pace::normal;
  return async::backoff_delay(policy.backoff, failures.all, pace, error.retry_after, random);
}

}  // namespace sluice::transfer
