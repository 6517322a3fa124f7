#pragma once

#include "sluice/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice {

/// The outcome of a pass that left nothing undone.
inline constexpr const char* kPassComplete = "complete";

/// One pass, as the record remembers it.
struct PassReport {
  std::int64_t started_ms = 0;
  std::int64_t finished_ms = 0;  ///< 0: it still runs, or was killed
  /// kPassComplete, `interrupted`, `failed: …`, `deletion refused: …`; empty if not finished.
  std::string outcome;
  std::uint64_t listed = 0;
  std::uint64_t kept = 0;
  std::uint64_t fetched = 0;
  std::uint64_t fetched_bytes = 0;
  std::uint64_t deleted = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;
};

/// What the record of a mirror says. Nobody looks at the files or asks the bucket.
struct MirrorStatus {
  std::string dir;
  std::string endpoint_host;  ///< `amazonaws.com` for all of AWS
  std::string bucket;
  std::string prefix;
  std::uint64_t objects = 0;  ///< stored
  std::uint64_t bytes = 0;    ///< of those
  std::uint64_t refused = 0;
  std::uint64_t partial_downloads = 0;  ///< cut off; the next pass goes on with them
  /// The process that is at work on it now, 0 if it cannot be told which; none if there is none (or
  /// it is in another PID namespace).
  std::optional<std::uint64_t> process;
  std::vector<PassReport> passes;  ///< newest first
};

/// Reads it while other processes may be at work on the mirror; takes no lock and writes nothing.
/// An error is `local` if there is no such mirror, `usage` if a newer sluice wrote the record.
std::variant<MirrorStatus, Error> read_status(const std::string& dir, std::size_t most_passes);

}  // namespace sluice
