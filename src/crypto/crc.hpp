#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// The three CRCs of S3. `crc` is the value of what came before, 0 at the start; values are those
/// that S3 sends (inverted at both ends), as numbers.
namespace sluice::crypto {

std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;
std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;
std::uint64_t crc64nvme(std::uint64_t crc, std::span<const std::byte> bytes) noexcept;

/// The value of `a` followed by `b` from the values of both and the length of `b` in bytes, in
/// O(log length): parts are hashed where they arrive and put together in order afterwards.
std::uint32_t crc32_combined(std::uint32_t crc_a, std::uint32_t crc_b,
                             std::uint64_t length_b) noexcept;
std::uint32_t crc32c_combined(std::uint32_t crc_a, std::uint32_t crc_b,
                              std::uint64_t length_b) noexcept;
std::uint64_t crc64nvme_combined(std::uint64_t crc_a, std::uint64_t crc_b,
                                 std::uint64_t length_b) noexcept;

/// The same with tables only: what a CPU without carry-less multiplication uses, and what the fast
/// ones are compared with in tests.
namespace portable {
std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;
std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;
std::uint64_t crc64nvme(std::uint64_t crc, std::span<const std::byte> bytes) noexcept;
}  // namespace portable

}  // namespace sluice::crypto
