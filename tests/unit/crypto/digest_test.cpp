#include "crypto/digest.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice::crypto {
namespace {

std::string hex_digest(Algorithm algorithm, std::string_view text) {
  return text::hex(bytes_of(digest(algorithm, bytes_of(text))));
}

TEST(Digest, PublishedValues) {
  // RFC 1321 A.5, FIPS 180-4 examples, and the catalogue of parametrised CRC algorithms.
  EXPECT_EQ(hex_digest(Algorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_digest(Algorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_digest(Algorithm::sha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_digest(Algorithm::crc32, "123456789"), "cbf43926");
  EXPECT_EQ(hex_digest(Algorithm::crc32c, "123456789"), "e3069283");
  EXPECT_EQ(hex_digest(Algorithm::crc64nvme, "123456789"), "ae8b14860a799888");
}

TEST(Digest, LengthsAreThoseOfTheDigests) {
  for (const Algorithm algorithm : {Algorithm::md5, Algorithm::crc32, Algorithm::crc32c,
                                    Algorithm::crc64nvme, Algorithm::sha1, Algorithm::sha256})
    EXPECT_EQ(digest(algorithm, {}).size(), digest_bytes(algorithm)) << to_string(algorithm);
}

TEST(Digest, AHasherIsAsNewAfterFinish) {
  for (const Algorithm algorithm : {Algorithm::md5, Algorithm::crc64nvme, Algorithm::sha256}) {
    Hasher hasher = Hasher::make(algorithm);
    hasher.update(bytes_of("something else"));
    hasher.finish();
    hasher.update(bytes_of("ab"));
    hasher.update({});
    hasher.update(bytes_of("c"));
    EXPECT_EQ(hasher.finish(), digest(algorithm, bytes_of("abc"))) << to_string(algorithm);
  }
}

TEST(Digest, AMovedHasherGoesOn) {
  Hasher first = Hasher::make(Algorithm::sha1);
  first.update(bytes_of("a"));
  Hasher second = std::move(first);
  second.update(bytes_of("bc"));
  EXPECT_EQ(second.finish(), digest(Algorithm::sha1, bytes_of("abc")));
}

TEST(Digest, CombinedNeedsACombinableAlgorithmAndWholeDigests) {
  const std::string a = digest(Algorithm::crc32c, bytes_of("hello "));
  const std::string b = digest(Algorithm::crc32c, bytes_of("world"));
  EXPECT_EQ(combined(Algorithm::crc32c, a, b, 5),
            digest(Algorithm::crc32c, bytes_of("hello world")));
  EXPECT_NE(combined(Algorithm::crc32c, a, b, 6),
            digest(Algorithm::crc32c, bytes_of("hello world")));
  EXPECT_EQ(combined(Algorithm::crc32c, a, "abc", 5), std::nullopt);
  EXPECT_EQ(combined(Algorithm::crc64nvme, a, b, 5), std::nullopt);
  const std::string md5 = digest(Algorithm::md5, {});
  EXPECT_EQ(combined(Algorithm::md5, md5, md5, 0), std::nullopt);
}

TEST(Digest, ThreadsHashAtOnce) {
  const std::string expected = digest(Algorithm::sha256, bytes_of("abc"));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        wrong[t] += digest(Algorithm::sha256, bytes_of("abc")) != expected;
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace sluice::crypto
