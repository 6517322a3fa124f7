#pragma once

#include <cstddef>
#include <cstdint>

/// CRCs by carry-less multiplication and by the CRC32C instruction, chosen when the program runs.
/// Private to crypto. Registers are not inverted here.
namespace sluice::crypto::detail {

/// Below this the set-up of folding costs more than the tables; also what one fold round reads.
inline constexpr std::size_t kFoldBytesMin = 64;
inline constexpr std::size_t kFoldStep = 16;

bool cpu_can_fold() noexcept;
bool cpu_has_crc32c() noexcept;

/// `size` is a multiple of kFoldStep and at least kFoldBytesMin. Only if cpu_can_fold().
std::uint32_t fold_crc32(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept;
std::uint32_t fold_crc32c(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept;
std::uint64_t fold_crc64nvme(std::uint64_t state, const std::byte* bytes,
                             std::size_t size) noexcept;

/// Any `size`. Only if cpu_has_crc32c().
std::uint32_t instruction_crc32c(std::uint32_t state, const std::byte* bytes,
                                 std::size_t size) noexcept;

}  // namespace sluice::crypto::detail
