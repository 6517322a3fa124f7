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

/// Eight streams of one length against OpenSSL.
void expect_as_openssl(std::mt19937& random, std::size_t bytes) {
  std::vector<std::string> texts;
  std::array<Md5State, kMd5Lanes> state;
  std::array<Md5State*, kMd5Lanes> states{};
  std::array<const std::byte*, kMd5Lanes> data{};
  for (std::size_t lane = 0; lane < kMd5Lanes; ++lane)
    texts.push_back(random_text(random, bytes));
  for (std::size_t lane = 0; lane < kMd5Lanes; ++lane) {
    states[lane] = &state[lane];
    data[lane] = bytes_of(texts[lane]).data();
  }
  const std::size_t blocks = bytes / kMd5BlockBytes;
  md5_blocks(states, data, blocks);
  for (std::size_t lane = 0; lane < kMd5Lanes; ++lane) {
    const auto tail = bytes_of(texts[lane]).subspan(blocks * kMd5BlockBytes);
    EXPECT_EQ(md5_finish(state[lane], tail, bytes), digest(Algorithm::md5, bytes_of(texts[lane])))
        << "lane " << lane << ", " << bytes << " bytes";
  }
}

TEST(Md5Lanes, AgreesWithOpenSslAtEveryShortLength) {
  std::mt19937 random(1);
  for (std::size_t bytes = 0; bytes <= 300; ++bytes)
    expect_as_openssl(random, bytes);
}

TEST(Md5Lanes, AgreesWithOpenSslOnLongStreams) {
  std::mt19937 random(2);
  for (int i = 0; i < 20; ++i)
    expect_as_openssl(random, random() % 300'000);
}

TEST(Md5Lanes, OneStreamAloneAgreesToo) {
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    const std::string text = random_text(random, random() % 100'000);
    const std::size_t blocks = text.size() / kMd5BlockBytes;
    Md5State state;
    md5_blocks(state, bytes_of(text).data(), blocks);
    const auto tail = bytes_of(text).subspan(blocks * kMd5BlockBytes);
    EXPECT_EQ(md5_finish(state, tail, text.size()), digest(Algorithm::md5, bytes_of(text)));
  }
}

}  // namespace
}  // namespace sluice::crypto
