#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Arithmetic of reflected CRCs modulo their polynomial, at compile time where it can be. Private
/// to crypto.
///
/// Representation (zlib's): in a word of W bits the top bit is the coefficient of x^0 and bit 0
/// that of x^(W-1), so multiplying by x is a shift to the right.
namespace sluice::crypto::detail {

static_assert(std::endian::native == std::endian::little, "slicing reads little-endian words");

template <class W, W kPolynomial>
struct Reflected {
  using Word = W;
  static constexpr unsigned kBits = 8 * sizeof(Word);
  static constexpr Word kOne = Word{1} << (kBits - 1);  ///< the polynomial 1

  static constexpr Word times_x(Word a) noexcept {
    return static_cast<Word>((a >> 1) ^ ((a & 1) != 0 ? kPolynomial : Word{0}));
  }

  static constexpr Word product(Word a, Word b) noexcept {
    Word sum = 0;
    for (Word bit = kOne; bit != 0; bit >>= 1) {
      if ((a & bit) != 0) sum ^= b;
      b = times_x(b);
    }
    return sum;
  }

  /// x^(2^k) for the bits of a length in bytes, that is of a bit count eight times as long.
  static constexpr std::array<Word, 64 + 3> make_powers() noexcept {
    std::array<Word, 64 + 3> powers{};
    Word power = times_x(kOne);
    for (Word& entry : powers) {
      entry = power;
      power = product(power, power);
    }
    return powers;
  }
  static constexpr std::array<Word, 64 + 3> kPowers = make_powers();

  /// x^(n * 2^scale), by squaring. `scale` up to 3.
  static constexpr Word x_to(std::uint64_t n, unsigned scale = 0) noexcept {
    Word power = kOne;
    for (unsigned k = scale; n != 0; n >>= 1, ++k)
      if ((n & 1) != 0) power = product(power, kPowers[k]);
    return power;
  }

  /// CRC of `a` followed by `b`: appending n bytes multiplies what came before by x^(8n). The
  /// inversions at start and end cancel out.
  static constexpr Word combined(Word crc_a, Word crc_b, std::uint64_t length_b) noexcept {
    return product(crc_a, x_to(length_b, 3)) ^ crc_b;
  }

  /// Slicing by 8: kTables[k][b] is the effect of byte b that is followed by k zero bytes.
  using Tables = std::array<std::array<Word, 256>, 8>;
  static constexpr Tables make_tables() noexcept {
    Tables tables{};
    for (unsigned byte = 0; byte < 256; ++byte) {
      Word word = static_cast<Word>(byte);
      for (int bit = 0; bit < 8; ++bit)
        word = times_x(word);
      tables[0][byte] = word;
    }
    for (unsigned k = 1; k < 8; ++k)
      for (unsigned byte = 0; byte < 256; ++byte)
        tables[k][byte] = step(tables[k - 1][byte], tables[0][tables[k - 1][byte] & 0xff]);
    return tables;
  }
  static constexpr Word step(Word word, Word entry) noexcept {
    return static_cast<Word>((word >> 8) ^ entry);
  }
  static constexpr Tables kTables = make_tables();

  /// Takes `size` bytes into the register (not inverted) with the tables alone.
  static Word by_table(Word state, const std::byte* bytes, std::size_t size) noexcept {
    for (; size >= 8; bytes += 8, size -= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes, 8);
      word ^= state;
      state = 0;
      for (unsigned k = 0; k < 8; ++k)
        state ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
    }
    for (; size != 0; ++bytes, --size)
      state = step(state, kTables[0][(state ^ static_cast<Word>(*bytes)) & 0xff]);
    return state;
  }
};

// Polynomials as in the catalogue of parametrised CRC algorithms (reveng): CRC-32/ISO-HDLC,
// CRC-32/ISCSI and CRC-64/NVME, reflected.
using Crc32 = Reflected<std::uint32_t, 0xEDB88320u>;
using Crc32c = Reflected<std::uint32_t, 0x82F63B78u>;
using Crc64Nvme = Reflected<std::uint64_t, 0x9A6C9329AC4BC9B5u>;

}  // namespace sluice::crypto::detail
