#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

/// MD5 of several streams at once, one SIMD lane each. One stream is bound by the latency of its
/// own chain of additions and rotations (0.73 GB/s); eight side by side hide it.
namespace sluice::crypto {

inline constexpr std::size_t kMd5Lanes = 8;
inline constexpr std::size_t kMd5BlockBytes = 64;

/// The chaining value of one stream (RFC 1321, section 3.3).
struct Md5State {
  std::array<std::uint32_t, 4> words{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
};

/// Feeds `blocks` blocks of 64 bytes to each of the eight streams; stream i reads from data[i]. A
/// lane without a stream is given any state and any readable data.
void md5_blocks(std::array<Md5State*, kMd5Lanes> states,
                std::array<const std::byte*, kMd5Lanes> data, std::size_t blocks) noexcept;

/// The same for a stream that is alone: twice as fast as one lane of eight.
void md5_blocks(Md5State& state, const std::byte* data, std::size_t blocks) noexcept;

/// The digest of a stream of `total_bytes`, of which `tail` (less than a block) has not been fed
/// yet.
std::string md5_finish(Md5State state, std::span<const std::byte> tail,
                       std::uint64_t total_bytes) noexcept;

}  // namespace sluice::crypto
