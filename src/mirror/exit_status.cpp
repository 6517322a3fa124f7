#include "sluice/summary.hpp"

namespace sluice {

ExitStatus exit_status(const Error& error) noexcept {
  switch (error.kind) {
    case ErrorKind::usage:
    case ErrorKind::wrong_region:
      return ExitStatus::usage;
    case ErrorKind::missing_bucket:
      return ExitStatus::no_bucket;
    case ErrorKind::denied:
    case ErrorKind::credentials:
    case ErrorKind::expired:
    case ErrorKind::skewed:
      return ExitStatus::denied;
    case ErrorKind::transient:
    case ErrorKind::throttled:
    case ErrorKind::stale:
    case ErrorKind::unreachable:
    case ErrorKind::unsupported:
    case ErrorKind::invalid_answer:
      return ExitStatus::network;
    case ErrorKind::local:
    case ErrorKind::refused_key:  // of a whole run: the destination itself is unusable
      return ExitStatus::local;
    case ErrorKind::guard:
      return ExitStatus::guard;
    case ErrorKind::locked:
      return ExitStatus::locked;
    case ErrorKind::cancelled:
      return ExitStatus::interrupted;
    case ErrorKind::changed:
    case ErrorKind::missing_key:
    case ErrorKind::archived:
    case ErrorKind::corrupt:
      return ExitStatus::incomplete;
  }
  return ExitStatus::incomplete;
}

ExitStatus exit_status(const PassSummary& summary) noexcept {
  if (summary.interrupted) return ExitStatus::interrupted;
  // What stopped the pass, or a local failure of one key: the order is 75, 2, 3, 4, 6, 5, 7, 1.
  const ExitStatus stopped = summary.failure ? exit_status(*summary.failure) : ExitStatus::equal;
  const bool met_local = summary.local_failures > 0;
  if (stopped == ExitStatus::locked || stopped == ExitStatus::usage ||
      stopped == ExitStatus::no_bucket || stopped == ExitStatus::denied)
    return stopped;
  if (met_local || stopped == ExitStatus::local) return ExitStatus::local;
  if (stopped == ExitStatus::network) return stopped;
  if (summary.dry_run && !summary.failure) return ExitStatus::equal;
  if (summary.guard) return ExitStatus::guard;
  if (stopped != ExitStatus::equal) return stopped;
  const Progress& done = summary.progress;
  const std::uint64_t incomplete = done.count(What::failed) + done.count(What::refused) +
                                   done.count(What::archived) + done.count(What::local_kept);
  return incomplete > 0 ? ExitStatus::incomplete : ExitStatus::equal;
}

}  // namespace sluice
