#include "crypto/md5_lanes.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::crypto {

namespace {

/// 32-bit words, one a lane. The compiler makes AVX-512, AVX2, SSE2 or NEON of them.
using Eight = std::uint32_t __attribute__((vector_size(4 * 8)));
using Sixteen = std::uint32_t __attribute__((vector_size(4 * 16)));

template <class Lanes>
constexpr std::size_t kCount = sizeof(Lanes) / sizeof(std::uint32_t);

// RFC 1321, section 3.4: T[i] = floor(2^32 * abs(sin(i))), and the shifts of each round.
constexpr std::array<std::uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<std::array<int, 4>, 4> kShifts = {
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

constexpr std::size_t word_of(std::size_t step) noexcept {
  switch (step / 16) {
    case 0:
      return step;
    case 1:
      return (5 * step + 1) % 16;
    case 2:
      return (3 * step + 5) % 16;
    default:
      return (7 * step) % 16;
  }
}

/// `Word` is Eight, Sixteen, or one 32-bit word for a stream that is alone.
template <std::size_t Step, class Word>
[[gnu::always_inline]] inline void step_once(Word& a, const Word& b, const Word& c, const Word& d,
                                             const Word* words) noexcept {
  constexpr int kShift = kShifts[Step / 16][Step % 4];
  Word mixed;
  if constexpr (Step < 16)
    mixed = d ^ (b & (c ^ d));
  else if constexpr (Step < 32)
    mixed = (d & b) + (c & ~d);  // a sum, so that only its first half waits for b
  else if constexpr (Step < 48)
    mixed = b ^ c ^ d;
  else
    mixed = c ^ (b | ~d);
  const Word sum = a + mixed + words[word_of(Step)] + kSines[Step];
  a = b + ((sum << kShift) | (sum >> (32 - kShift)));
}

template <std::size_t Step, class Word>
[[gnu::always_inline]] inline void all_steps(Word& a, Word& b, Word& c, Word& d,
                                             const Word* words) noexcept {
  if constexpr (Step < 64) {
    step_once<Step>(a, b, c, d, words);
    step_once<Step + 1>(d, a, b, c, words);
    step_once<Step + 2>(c, d, a, b, words);
    step_once<Step + 3>(b, c, d, a, words);
    all_steps<Step + 4>(a, b, c, d, words);
  }
}

[[gnu::always_inline]] inline std::uint32_t load_word(const std::byte* at) noexcept {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  return word;
}

/// At most as many streams as there are lanes: those without one hash the first one's bytes into
/// nothing.
template <class Lanes>
[[gnu::always_inline]] inline void blocks_of_all(std::span<const Md5Lane> lanes,
                                                 std::size_t blocks) noexcept {
  std::array<const std::byte*, kCount<Lanes>> data;
  std::array<Lanes, 4> chain;
  for (std::size_t i = 0; i < kCount<Lanes>; ++i) {
    const Md5Lane& lane = lanes[i < lanes.size() ? i : 0];
    data[i] = lane.data;
    for (std::size_t word = 0; word < 4; ++word)
      chain[word][i] = lane.state->words[word];
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    Lanes words[16];
    for (std::size_t word = 0; word < 16; ++word)
      for (std::size_t i = 0; i < kCount<Lanes>; ++i)
        words[word][i] = load_word(data[i] + block * kMd5BlockBytes + word * 4);
    Lanes a = chain[0];
    Lanes b = chain[1];
    Lanes c = chain[2];
    Lanes d = chain[3];
    all_steps<0>(a, b, c, d, words);
    chain[0] += a;
    chain[1] += b;
    chain[2] += c;
    chain[3] += d;
  }
  for (std::size_t i = 0; i < lanes.size(); ++i)
    for (std::size_t word = 0; word < 4; ++word)
      lanes[i].state->words[word] = chain[word][i];
}

void blocks_of_one(Md5State& state, const std::byte* data, std::size_t blocks) noexcept {
  auto [a0, b0, c0, d0] = state.words;
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint32_t words[16];
    for (std::size_t word = 0; word < 16; ++word)
      words[word] = load_word(data + block * kMd5BlockBytes + word * 4);
    std::uint32_t a = a0;
    std::uint32_t b = b0;
    std::uint32_t c = c0;
    std::uint32_t d = d0;
    all_steps<0>(a, b, c, d, words);
    a0 += a;
    b0 += b;
    c0 += c;
    d0 += d;
  }
  state.words = {a0, b0, c0, d0};
}

#if defined(__x86_64__)
[[gnu::target("avx512f")]] void sixteen_avx512(std::span<const Md5Lane> lanes,
                                               std::size_t blocks) noexcept {
  blocks_of_all<Sixteen>(lanes, blocks);
}

[[gnu::target("avx2")]] void eight_avx2(std::span<const Md5Lane> lanes,
                                        std::size_t blocks) noexcept {
  blocks_of_all<Eight>(lanes, blocks);
}
#endif

void eight(std::span<const Md5Lane> lanes, std::size_t blocks) noexcept {
  blocks_of_all<Eight>(lanes, blocks);
}

void up_to_eight(std::span<const Md5Lane> lanes, std::size_t blocks, Simd simd) noexcept {
  // Two one after the other take less time than two lanes of eight.
  if (lanes.size() <= 2) {
    for (const Md5Lane& lane : lanes)
      blocks_of_one(*lane.state, lane.data, blocks);
    return;
  }
#if defined(__x86_64__)
  if (simd >= Simd::avx2) return eight_avx2(lanes, blocks);
#endif
  static_cast<void>(simd);
  eight(lanes, blocks);
}

}  // namespace

// AddressSanitizer lays locals out for 32 bytes of alignment, also where a register of AVX-512
// wants 64, and the program crashes (g++ 12 at -O0; clang: llvm-project issue 91565).
#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_NO_AVX512 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_NO_AVX512 1
#endif
#endif

Simd widest_simd() noexcept {
#if defined(__x86_64__)
#if !defined(SLUICE_NO_AVX512)
  if (__builtin_cpu_supports("avx512f")) return Simd::avx512;
#endif
  if (__builtin_cpu_supports("avx2")) return Simd::avx2;
#endif
  return Simd::baseline;
}

void md5_blocks(std::span<const Md5Lane> lanes, std::size_t blocks, Simd simd) noexcept {
#if defined(__x86_64__)
  // Two of its lanes are faster than two streams one after the other (bench_micro, BM_Md5Lanes).
  if (simd == Simd::avx512 && lanes.size() > 1) return sixteen_avx512(lanes, blocks);
#endif
  const std::size_t first = std::min(lanes.size(), kCount<Eight>);
  up_to_eight(lanes.first(first), blocks, simd);
  if (lanes.size() > first) up_to_eight(lanes.subspan(first), blocks, simd);
}

std::string md5_finish(Md5State state, std::span<const std::byte> tail,
                       std::uint64_t total_bytes) noexcept {
  // The tail, a one bit, zeros, and the length in bits: one block or two.
  std::array<std::byte, 2 * kMd5BlockBytes> last{};
  std::memcpy(last.data(), tail.data(), tail.size());
  last[tail.size()] = std::byte{0x80};
  const std::size_t blocks = tail.size() < kMd5BlockBytes - 8 ? 1 : 2;
  const std::uint64_t bits = total_bytes * 8;
  for (std::size_t i = 0; i < 8; ++i)
    last[blocks * kMd5BlockBytes - 8 + i] = static_cast<std::byte>(bits >> (8 * i));
  blocks_of_one(state, last.data(), blocks);
  std::string digest;
  for (const std::uint32_t word : state.words)
    for (int i = 0; i < 4; ++i)
      digest += static_cast<char>(word >> (8 * i));
  return digest;
}

}  // namespace sluice::crypto
