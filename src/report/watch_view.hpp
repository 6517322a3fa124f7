#pragma once

#include "report/polling.hpp"

#include "sluice/options.hpp"
#include "sluice/telemetry.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A watch at one moment, as its page, its JSON and its metrics show it. Times are milliseconds
/// since 1970; keys and names are raw bytes.
namespace sluice::report {

/// What a pass came to; `idle` and the others are those of the watch.
enum class Outcome : std::uint8_t {
  complete,     ///< all that can be mirrored is
  incomplete,   ///< some objects failed
  guarded,      ///< a guard refused to delete
  failed,       ///< the pass ended early
  interrupted,  ///< told to stop
};
inline constexpr std::size_t kOutcomeCount = 5;
std::string_view to_string(Outcome outcome) noexcept;
Outcome outcome_of(const PassSummary& summary) noexcept;

enum class WatchState : std::uint8_t { starting, listing, transferring, idle };
std::string_view to_string(WatchState state) noexcept;

struct PassView {
  std::int64_t ended_ms = 0;
  std::chrono::milliseconds took{0};
  Outcome outcome = Outcome::complete;
  std::string reason;  ///< of what is not complete
  Progress progress;
};

struct ObjectView {
  std::int64_t time_ms = 0;
  What what = What::failed;
  std::string key;
  std::string reason;
  std::uint64_t size = 0;
};

/// Bytes received a second, averaged over so long; the oldest first.
struct Throughput {
  std::chrono::seconds step{10};
  std::vector<std::uint64_t> rates;
};

struct WatchView {
  std::string version;
  std::string source;  ///< s3://…
  std::string dir;
  std::int64_t now_ms = 0;
  std::int64_t started_ms = 0;
  WatchState state = WatchState::starting;
  std::chrono::milliseconds silence{0};  ///< of the loop
  Progress pass;                         ///< the one that runs, or the last
  Telemetry telemetry;
  WorkInProgress work;
  std::uint64_t lists_a_pass = 0;  ///< LIST requests of the last whole listing; 0: none yet
  std::optional<RequestPrices> prices;
  std::array<std::uint64_t, kOutcomeCount> passes{};
  std::optional<std::int64_t> last_success_ms;
  unsigned failures_in_a_row = 0;
  std::optional<std::int64_t> next_pass_ms;
  std::vector<PassView> last_passes;     ///< newest first
  std::vector<ObjectView> failures;      ///< failed and refused, newest first
  std::vector<ObjectView> last_changes;  ///< newest first
  Throughput throughput;
  std::chrono::milliseconds interval{0};
  std::uint64_t bytes_per_second = 0;     ///< 0: no limit
  std::uint64_t requests_per_second = 0;  ///< 0: no limit
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t open_sockets = 0;

  /// How old the oldest known change is that is not mirrored; 0: there is none.
  std::chrono::milliseconds staleness() const noexcept;
};

/// The loop is not stuck.
bool is_healthy(const WatchView& view) noexcept;
inline constexpr std::chrono::seconds kMostSilence{30};

/// Why the mirror does not count as ready; empty: a pass has come to its end, even if objects
/// failed or nothing was deleted.
std::string why_not_ready(const WatchView& view);

}  // namespace sluice::report
