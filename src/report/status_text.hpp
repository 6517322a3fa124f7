#pragma once

#include "report/polling.hpp"

#include "sluice/status.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::report {

/// What a watch that runs says of itself. Times are milliseconds since 1970.
struct LiveWatch {
  std::int64_t started_ms = 0;
  std::int64_t heard_ms = 0;  ///< the last sign of life
  std::chrono::milliseconds interval{0};
  std::string url;                           ///< of --listen; empty: none
  std::optional<std::int64_t> next_pass_ms;  ///< unless one runs
  std::uint64_t list_requests = 0;           ///< of its last whole listing; 0: there was none yet
};

/// What the record does not know.
struct StatusFacts {
  std::int64_t now_ms = 0;
  std::optional<LiveWatch> watch;
  std::optional<RequestPrices> prices;
};

/// What the record says, for a person: several lines, each with its end.
std::string status_text(const MirrorStatus& status, const StatusFacts& facts);

/// The same as the one event of `status --json` (docs/events.md), without its end.
std::string status_json(const MirrorStatus& status, const StatusFacts& facts);

}  // namespace sluice::report
