#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using WallClock = std::chrono::system_clock;
using WallTime = WallClock::time_point;

/// Milliseconds since 1970.
constexpr std::int64_t unix_ms(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Dates of HTTP and of S3. Vectors: tests/data/dates.json.
namespace dates {

/// The three forms of RFC 9110 section 5.6.7, strictly; seconds since 1970.
std::optional<std::int64_t> parse_http(std::string_view text) noexcept;

/// ISO 8601 as S3 sends it (`2024-01-02T03:04:05.678Z`, fraction optional, `Z` or +00:00);
/// milliseconds since 1970, further digits cut off.
std::optional<std::int64_t> parse_iso_ms(std::string_view text) noexcept;

std::string format_http(std::int64_t seconds);    ///< Sun, 06 Nov 1994 08:49:37 GMT
std::string format_iso_ms(std::int64_t unix_ms);  ///< 2024-01-02T03:04:05.678Z
std::string format_amz(std::int64_t seconds);     ///< 20240102T030405Z, for SigV4

}  // namespace dates
}  // namespace sluice
