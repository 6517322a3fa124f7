#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Sizes, rates and durations as people write them.
namespace sluice::units {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

/// `8MiB`, `8M` and `8m` are 2^20 steps as in rclone and dd; `8MB` is 10^6; a bare number is bytes.
/// A usage error names `what` (the flag) and shows an example.
Result<std::uint64_t> parse_size(std::string_view what, std::string_view text);

/// `60s`, `5m`, `1h30m`, `250ms`, `2d`; a bare number is seconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view what, std::string_view text);

std::string format_size(std::uint64_t bytes);  ///< "1.5 GiB", "312 B": 3 significant digits
std::string format_duration(std::chrono::milliseconds duration);  ///< "1h02m", "4.2s", "180ms"

}  // namespace sluice::units
