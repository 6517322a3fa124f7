#pragma once

#include "sluice/error.hpp"
#include "sluice/observer.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice {

inline constexpr std::size_t kWhatCount = 12;

/// How far a pass has come; a snapshot that may be taken at any time from any thread.
struct Progress {
  bool listing_done = false;
  std::uint64_t listed = 0;  ///< keys seen in the listing
  std::uint64_t listed_bytes = 0;
  std::uint64_t listed_before = 0;  ///< keys that the last complete pass saw; 0: there is none
  std::uint64_t excluded = 0;       ///< of the listed: left out by filters
  std::uint64_t to_fetch = 0;       ///< objects decided to be fetched so far
  std::uint64_t to_fetch_bytes = 0;
  std::uint64_t fetched_bytes = 0;  ///< bytes received so far, parts of unfinished objects included
  std::uint64_t resumed_bytes = 0;  ///< found in partial downloads of earlier runs, not received
  std::uint64_t retries = 0;
  std::uint64_t throttles = 0;  ///< of the retries: the server asked for fewer requests
  std::array<std::uint64_t, kWhatCount> counts{};  ///< by What

  std::uint64_t count(What what) const noexcept { return counts[static_cast<std::size_t>(what)]; }
};

/// Requests by kind, for the bill.
struct RequestCounts {
  std::uint64_t list = 0;
  std::uint64_t head = 0;
  std::uint64_t get = 0;
  std::uint64_t probe = 0;
};

/// How the content of what was fetched or adopted was checked.
struct ProofCounts {
  std::uint64_t checksum = 0;   ///< a full-object checksum
  std::uint64_t md5 = 0;        ///< the MD5 in an ETag
  std::uint64_t composite = 0;  ///< a checksum or ETag over the parts
  std::uint64_t length = 0;     ///< the server offers nothing better than the length
  std::uint64_t none = 0;       ///< taken over by size and time
};

/// What one pass did.
struct PassSummary {
  Progress progress;
  RequestCounts requests;
  ProofCounts proofs;
  std::chrono::milliseconds elapsed{0};
  bool dry_run = false;
  bool interrupted = false;
  bool listing_complete = false;
  std::uint64_t unproven = 0;        ///< fetched with no better proof than their length
  std::uint64_t local_failures = 0;  ///< of the failed: met a local I/O error
  std::optional<Error> failure;      ///< what stopped the pass
  std::optional<Error> guard;        ///< why nothing was deleted
};

/// The exit statuses of the command line.
enum class ExitStatus : int {
  equal = 0,       ///< the mirror equals the bucket, minus what filters exclude
  incomplete = 1,  ///< some objects failed, were refused, archived or kept against --delete
  usage = 2,
  no_bucket = 3,
  denied = 4,   ///< access denied or bad credentials
  network = 5,  ///< endpoint, network, TLS, throttling, no valid listing: worth a retry
  local = 6,    ///< local I/O, disk full, DIR unusable
  guard = 7,    ///< deletion refused by a guard
  differs = 8,  ///< check found differences
  locked = 75,
  interrupted = 130,
};

ExitStatus exit_status(const Error& error) noexcept;
/// Where several apply the gravest wins: 130, 75, 2, 3, 4, 6, 5, 7, 1. A dry run is `equal` if it
/// came to its end, whatever it found.
ExitStatus exit_status(const PassSummary& summary) noexcept;

}  // namespace sluice
