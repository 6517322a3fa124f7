#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

/// MD5 of several streams at once, one SIMD lane each. One stream is bound by the latency of its
/// own chain of additions and rotations (0.73 GB/s); streams side by side hide it: 2.4 GB/s eight
/// of them with AVX2, 5.5 sixteen with AVX-512, which also rotates and mixes in one instruction
/// each.
namespace sluice::crypto {

/// The most streams side by side.
inline constexpr std::size_t kMd5Lanes = 16;
inline constexpr std::size_t kMd5BlockBytes = 64;

/// The chaining value of one stream (RFC 1321, section 3.3).
struct Md5State {
  std::array<std::uint32_t, 4> words{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
};

/// One stream, and where its next blocks are.
struct Md5Lane {
  Md5State* state = nullptr;
  const std::byte* data = nullptr;
};

/// What the work is done with, in ascending order.
enum class Simd : std::uint8_t { baseline, avx2, avx512 };

/// The best that this processor has.
Simd widest_simd() noexcept;

/// Feeds `blocks` blocks of 64 bytes to each of the 1 to kMd5Lanes streams. `simd` must not be more
/// than the processor has.
void md5_blocks(std::span<const Md5Lane> lanes, std::size_t blocks,
                Simd simd = widest_simd()) noexcept;

/// The digest of a stream of `total_bytes`, of which `tail` (less than a block) has not been fed
/// yet.
std::string md5_finish(Md5State state, std::span<const std::byte> tail,
                       std::uint64_t total_bytes) noexcept;

}  // namespace sluice::crypto
