#include "crypto/crc.hpp"

#include "crypto/crc_fold.hpp"
#include "crypto/crc_polynomial.hpp"
#include "crypto/digest.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice::crypto {
namespace {

using Bytes = std::span<const std::byte>;

/// One CRC in all its forms, as 64-bit numbers.
struct Crc {
  const char* name;
  std::uint64_t check;  ///< of "123456789", from the catalogue of parametrised CRC algorithms
  std::uint64_t (*fast)(std::uint64_t, Bytes);
  std::uint64_t (*portable)(std::uint64_t, Bytes);
  std::uint64_t (*combined)(std::uint64_t, std::uint64_t, std::uint64_t);
};

template <auto kFunction>
std::uint64_t wide(std::uint64_t crc, Bytes bytes) {
  return kFunction(static_cast<std::uint32_t>(crc), bytes);
}
template <auto kFunction>
std::uint64_t wide_combined(std::uint64_t a, std::uint64_t b, std::uint64_t length) {
  return kFunction(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), length);
}

const Crc kCrcs[] = {
    {"crc32", 0xCBF43926, wide<crc32>, wide<portable::crc32>, wide_combined<crc32_combined>},
    {"crc32c", 0xE3069283, wide<crc32c>, wide<portable::crc32c>, wide_combined<crc32c_combined>},
    {"crc64nvme", 0xAE8B14860A799888, crc64nvme, portable::crc64nvme, crc64nvme_combined},
};

std::uint64_t seed() {
  static const std::uint64_t value = std::random_device{}();
  return value;
}

class CrcForms : public ::testing::TestWithParam<Crc> {
 protected:
  CrcForms() : random_(seed()), bytes_(300'000) {
    for (std::byte& b : bytes_)
      b = static_cast<std::byte>(random_());
  }

  std::size_t up_to(std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random_);
  }

  std::mt19937_64 random_;
  std::vector<std::byte> bytes_;
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed())};
};

INSTANTIATE_TEST_SUITE_P(All, CrcForms, ::testing::ValuesIn(kCrcs),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(CrcForms, CheckValue) {
  EXPECT_EQ(GetParam().fast(0, bytes_of("123456789")), GetParam().check);
  EXPECT_EQ(GetParam().portable(0, bytes_of("123456789")), GetParam().check);
  EXPECT_EQ(GetParam().fast(0, {}), 0u);
}

TEST_P(CrcForms, EveryShortLengthAtEveryAlignment) {
  for (std::size_t offset = 0; offset < 17; ++offset) {
    for (std::size_t length = 0; length <= 600; ++length) {
      const Bytes piece = Bytes(bytes_).subspan(offset, length);
      ASSERT_EQ(GetParam().fast(offset, piece), GetParam().portable(offset, piece))
          << length << " bytes at " << offset;
    }
  }
}

TEST_P(CrcForms, RandomPiecesAndStarts) {
  for (int round = 0; round < 300; ++round) {
    const std::size_t offset = up_to(bytes_.size());
    const Bytes piece = Bytes(bytes_).subspan(offset, up_to(bytes_.size() - offset));
    const std::uint64_t start = GetParam().portable(0, Bytes(bytes_).first(up_to(100)));
    ASSERT_EQ(GetParam().fast(start, piece), GetParam().portable(start, piece)) << piece.size();
  }
}

TEST_P(CrcForms, ContinuesWhereItStopped) {
  const std::uint64_t whole = GetParam().fast(0, bytes_);
  for (int round = 0; round < 50; ++round) {
    const std::size_t at = up_to(bytes_.size());
    const std::uint64_t front = GetParam().fast(0, Bytes(bytes_).first(at));
    ASSERT_EQ(GetParam().fast(front, Bytes(bytes_).subspan(at)), whole) << "cut at " << at;
  }
}

TEST_P(CrcForms, CombinedEqualsWhole) {
  for (int round = 0; round < 300; ++round) {
    const Bytes whole = Bytes(bytes_).first(up_to(round % 2 == 0 ? 64 : bytes_.size()));
    const std::size_t at = up_to(whole.size());
    const std::uint64_t a = GetParam().fast(0, whole.first(at));
    const std::uint64_t b = GetParam().fast(0, whole.subspan(at));
    ASSERT_EQ(GetParam().combined(a, b, whole.size() - at), GetParam().fast(0, whole))
        << at << " of " << whole.size();
  }
}

TEST_P(CrcForms, CombiningIsAssociativeForLengthsBeyondMemory) {
  for (int round = 0; round < 100; ++round) {
    const std::uint64_t a = GetParam().fast(0, Bytes(bytes_).first(up_to(100)));
    const std::uint64_t b = GetParam().fast(0, Bytes(bytes_).first(up_to(100)));
    const std::uint64_t c = GetParam().fast(0, Bytes(bytes_).first(up_to(100)));
    const std::uint64_t length_b = random_() >> 1;
    const std::uint64_t length_c = random_() >> 1;
    const auto combined = GetParam().combined;
    ASSERT_EQ(combined(combined(a, b, length_b), c, length_c),
              combined(a, combined(b, c, length_c), length_b + length_c))
        << length_b << " " << length_c;
  }
  EXPECT_EQ(GetParam().combined(GetParam().check, 0, 0), GetParam().check);
}

/// The instruction is only reached for the tail of long input, and where folding is impossible.
TEST(Crc32cInstruction, EqualsTheTable) {
  if (!detail::cpu_has_crc32c()) GTEST_SKIP() << "this CPU has no CRC32C instruction";
  std::mt19937_64 random(seed());
  std::vector<std::byte> bytes(1000);
  for (std::byte& b : bytes)
    b = static_cast<std::byte>(random());
  for (std::size_t length = 0; length <= 900; ++length) {
    const auto state = static_cast<std::uint32_t>(random());
    const std::byte* from = bytes.data() + length % 13;
    ASSERT_EQ(detail::instruction_crc32c(state, from, length),
              detail::Crc32c::by_table(state, from, length))
        << length << " bytes, seed " << seed();
  }
}

TEST(CrcPolynomial, MultiplicationByPowersOfX) {
  using detail::Crc32;
  EXPECT_EQ(Crc32::x_to(0), Crc32::kOne);
  EXPECT_EQ(Crc32::x_to(31), 1u);
  EXPECT_EQ(Crc32::x_to(32), 0xEDB88320u);  // x^32 is the rest of the polynomial
  EXPECT_EQ(Crc32::x_to(5, 3), Crc32::x_to(40));
  EXPECT_EQ(Crc32::product(Crc32::x_to(100), Crc32::x_to(23)), Crc32::x_to(123));
}

}  // namespace
}  // namespace sluice::crypto
