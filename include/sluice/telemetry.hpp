#pragma once

#include "sluice/summary.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

inline constexpr std::size_t kRequestKindCount = 4;
/// The kinds of requests, as `RequestCounts` has them.
inline constexpr std::array<std::string_view, kRequestKindCount> kRequestKindNames = {
    "list", "head", "get", "probe"};

/// The first digit of an answer's status; 0: there was no answer.
inline constexpr std::size_t kStatusClassCount = 6;

/// Upper bounds of the buckets of a latency, in microseconds; beyond the last is one more.
inline constexpr std::array<std::uint64_t, 11> kLatencyBoundsUs = {
    1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
    100'000, 250'000, 1'000'000, 2'500'000, 10'000'000};

/// How many answers took how long.
struct LatencyCounts {
  std::array<std::uint64_t, kLatencyBoundsUs.size() + 1> buckets{};  ///< each for itself
  std::uint64_t sum_us = 0;

  std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t bucket : buckets)
      all += bucket;
    return all;
  }
};

/// The requests of one kind since the mirror was opened.
struct RequestTelemetry {
  std::uint64_t sent = 0;
  /// By the first digit of the status; those of which no answer has come yet are in none.
  std::array<std::uint64_t, kStatusClassCount> ended{};
  LatencyCounts first_byte;  ///< from the request until the head of its answer
};

/// What a mirror has done since it was opened. No number of it ever becomes smaller but
/// `oldest_change_ms`.
struct Telemetry {
  Progress total;                                            ///< over all passes
  std::array<RequestTelemetry, kRequestKindCount> requests;  ///< by kind
  /// The time (milliseconds since 1970) of the oldest change in the bucket that is known and not
  /// known to be mirrored yet; 0: none. A change is known once a listing has shown it: its time is
  /// the LastModified of the object, or, of what has changed here only, when that was seen. While
  /// an object fails this is the oldest change of the whole pass, which may be older than it.
  /// Objects that went from the bucket have no time and do not count.
  std::int64_t oldest_change_ms = 0;
};

/// What waits between two stages of a pass.
struct QueueDepth {
  std::string_view name;
  std::size_t waiting = 0;
  std::size_t limit = 0;
};
/// Pages of the listing; local files to be compared with their objects; parts of objects to be
/// fetched; files to be put in place, and notes for the record.
inline constexpr std::size_t kQueueCount = 4;

/// An object of which bytes are on their way.
struct ActiveTransfer {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::uint64_t received_bytes = 0;  ///< what was here from an earlier run included
  std::chrono::milliseconds age{0};
};

/// What a pass is doing just now; nothing waits and nothing moves while none runs.
struct WorkInProgress {
  std::array<QueueDepth, kQueueCount> queues{
      {{"pages"}, {"adoptions"}, {"parts"}, {"publications"}}};
  std::size_t transfers = 0;           ///< all of them; only with WatchOptions::track_transfers
  std::vector<ActiveTransfer> oldest;  ///< the first of these
};

}  // namespace sluice
