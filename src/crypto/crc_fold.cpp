#include "crypto/crc_fold.hpp"

#include "crypto/crc_polynomial.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::crypto::detail {

#if defined(__x86_64__)

#define SLUICE_FOLD __attribute__((target("pclmul,sse4.1")))

namespace {

// A 16-byte block holds A * x^64 + B, A in its low half (the bytes that came first). Moving it `d`
// bits towards the front of the message multiplies it by x^d:
//     A * x^(d+64) + B * x^d    (mod P)
// The carry-less product of two reflected 64-bit words comes out one bit short, that is multiplied
// by a further x, hence the "- 1" in both exponents. (V. Gopal et al., "Fast CRC Computation for
// Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009.)
struct FoldConstants {
  std::uint64_t low;
  std::uint64_t high;
};

template <class Crc>
constexpr FoldConstants fold_by(unsigned bits) {
  constexpr unsigned kLeft = 64 - Crc::kBits;
  return {static_cast<std::uint64_t>(Crc::x_to(bits + 64 - 1)) << kLeft,
          static_cast<std::uint64_t>(Crc::x_to(bits - 1)) << kLeft};
}

SLUICE_FOLD inline __m128i load(const std::byte* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

SLUICE_FOLD inline __m128i vector_of(FoldConstants k) {
  return _mm_set_epi64x(static_cast<long long>(k.high), static_cast<long long>(k.low));
}

SLUICE_FOLD inline __m128i moved(__m128i block, __m128i constants) {
  return _mm_xor_si128(_mm_clmulepi64_si128(block, constants, 0x00),
                       _mm_clmulepi64_si128(block, constants, 0x11));
}

template <class Crc>
SLUICE_FOLD typename Crc::Word fold(typename Crc::Word state, const std::byte* bytes,
                                    std::size_t size) noexcept {
  constexpr FoldConstants kFourBlocks = fold_by<Crc>(512);
  constexpr FoldConstants kOneBlock = fold_by<Crc>(128);
  const __m128i four = vector_of(kFourBlocks);
  const __m128i one = vector_of(kOneBlock);

  // Four lanes hide the latency of the multiplication.
  __m128i x0 = _mm_xor_si128(
      load(bytes), _mm_cvtsi64_si128(static_cast<long long>(static_cast<std::uint64_t>(state))));
  __m128i x1 = load(bytes + 16);
  __m128i x2 = load(bytes + 32);
  __m128i x3 = load(bytes + 48);
  for (bytes += 64, size -= 64; size >= 64; bytes += 64, size -= 64) {
    x0 = _mm_xor_si128(moved(x0, four), load(bytes));
    x1 = _mm_xor_si128(moved(x1, four), load(bytes + 16));
    x2 = _mm_xor_si128(moved(x2, four), load(bytes + 32));
    x3 = _mm_xor_si128(moved(x3, four), load(bytes + 48));
  }
  x1 = _mm_xor_si128(x1, moved(x0, one));
  x2 = _mm_xor_si128(x2, moved(x1, one));
  x3 = _mm_xor_si128(x3, moved(x2, one));
  for (; size >= 16; bytes += 16, size -= 16)
    x3 = _mm_xor_si128(moved(x3, one), load(bytes));

  // What is left is congruent to the whole message: 16 bytes through the tables replace Barrett's
  // reduction, a few ns a call.
  std::byte rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), x3);
  return Crc::by_table(0, rest, sizeof rest);
}

}  // namespace

bool cpu_can_fold() noexcept {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}
bool cpu_has_crc32c() noexcept {
  return __builtin_cpu_supports("sse4.2");
}

std::uint32_t fold_crc32(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept {
  return fold<Crc32>(state, bytes, size);
}
std::uint32_t fold_crc32c(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept {
  return fold<Crc32c>(state, bytes, size);
}
std::uint64_t fold_crc64nvme(std::uint64_t state, const std::byte* bytes,
                             std::size_t size) noexcept {
  return fold<Crc64Nvme>(state, bytes, size);
}

__attribute__((target("sse4.2"))) std::uint32_t instruction_crc32c(std::uint32_t state,
                                                                   const std::byte* bytes,
                                                                   std::size_t size) noexcept {
  std::uint64_t wide = state;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; size != 0; ++bytes, --size)
    narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*bytes));
  return narrow;
}

#else  // no folding here: the tables do it

bool cpu_can_fold() noexcept {
  return false;
}
bool cpu_has_crc32c() noexcept {
  return false;
}
std::uint32_t fold_crc32(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept {
  return Crc32::by_table(state, bytes, size);
}
std::uint32_t fold_crc32c(std::uint32_t state, const std::byte* bytes, std::size_t size) noexcept {
  return Crc32c::by_table(state, bytes, size);
}
std::uint64_t fold_crc64nvme(std::uint64_t state, const std::byte* bytes,
                             std::size_t size) noexcept {
  return Crc64Nvme::by_table(state, bytes, size);
}
std::uint32_t instruction_crc32c(std::uint32_t state, const std::byte* bytes,
                                 std::size_t size) noexcept {
  return Crc32c::by_table(state, bytes, size);
}

#endif

}  // namespace sluice::crypto::detail
