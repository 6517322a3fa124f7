#include "crypto/md5_lanes.hpp"

#include "crypto/digest.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::crypto {
namespace {

std::string random_text(std::mt19937& random, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

/// All that this processor has.
std::vector<Simd> ways() {
  std::vector<Simd> out;
  for (const Simd simd : {Simd::baseline, Simd::avx2, Simd::avx512})
    if (simd <= widest_simd()) out.push_back(simd);
  return out;
}

/// So many streams of one length against OpenSSL.
void expect_as_openssl(std::mt19937& random, std::size_t streams, std::size_t bytes, Simd simd) {
  std::vector<std::string> texts;
  std::array<Md5State, kMd5Lanes> states;
  std::vector<Md5Lane> lanes;
  for (std::size_t i = 0; i < streams; ++i)
    texts.push_back(random_text(random, bytes));
  for (std::size_t i = 0; i < streams; ++i)
    lanes.push_back({&states[i], bytes_of(texts[i]).data()});
  const std::size_t blocks = bytes / kMd5BlockBytes;
  md5_blocks(lanes, blocks, simd);
  for (std::size_t i = 0; i < streams; ++i) {
    const auto tail = bytes_of(texts[i]).subspan(blocks * kMd5BlockBytes);
    EXPECT_EQ(md5_finish(states[i], tail, bytes), digest(Algorithm::md5, bytes_of(texts[i])))
        << "stream " << i << " of " << streams << ", " << bytes << " bytes, way " << int(simd);
  }
}

TEST(Md5Lanes, AgreesWithOpenSslAtEveryShortLength) {
  std::mt19937 random(1);
  for (const Simd simd : ways())
    for (std::size_t bytes = 0; bytes <= 300; ++bytes)
      expect_as_openssl(random, kMd5Lanes, bytes, simd);
}

TEST(Md5Lanes, AgreesWithOpenSslOnLongStreams) {
  std::mt19937 random(2);
  for (const Simd simd : ways())
    for (int i = 0; i < 10; ++i)
      expect_as_openssl(random, kMd5Lanes, random() % 300'000, simd);
}

TEST(Md5Lanes, AgreesWithOpenSslForAnyNumberOfStreams) {
  std::mt19937 random(3);
  for (const Simd simd : ways())
    for (std::size_t streams = 1; streams <= kMd5Lanes; ++streams)
      for (int i = 0; i < 5; ++i)
        expect_as_openssl(random, streams, random() % 20'000, simd);
}

}  // namespace
}  // namespace sluice::crypto
