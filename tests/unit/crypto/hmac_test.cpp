#include "crypto/hmac.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace sluice::crypto {
namespace {

struct Case {
  std::string key;
  std::string data;
  const char* expected;
};

/// RFC 4231 section 4, cases 1 to 4, 6 and 7 (5 is about truncation).
std::vector<Case> rfc4231() {
  return {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
       "\x17\x18\x19",
       std::string(50, '\xcd'), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
}

TEST(Hmac, Rfc4231) {
  for (const Case& c : rfc4231()) {
    EXPECT_EQ(text::hex(hmac_sha256(bytes_of(c.key), bytes_of(c.data))), c.expected);
    const HmacKey key(bytes_of(c.key));
    EXPECT_EQ(text::hex(key.sign(bytes_of(c.data))), c.expected);
    EXPECT_EQ(text::hex(key.sign(bytes_of(c.data))), c.expected) << "second use of the key";
  }
}

TEST(Hmac, KeysAroundTheBlockSize) {
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string key(size, 'k');
    EXPECT_EQ(HmacKey(bytes_of(key)).sign(bytes_of("data")),
              hmac_sha256(bytes_of(key), bytes_of("data")));
  }
  // A key of more than one block is replaced by its digest (RFC 2104 section 2), one of 64 is not.
  const std::string longer(65, 'k');
  const Sha256 shorter = sha256(bytes_of(longer));
  EXPECT_EQ(hmac_sha256(bytes_of(longer), {}), hmac_sha256(shorter, {}));
  const std::string block(64, 'k');
  EXPECT_NE(hmac_sha256(bytes_of(block), {}), hmac_sha256(sha256(bytes_of(block)), {}));
}

TEST(Hmac, Sha256OfNothing) {
  EXPECT_EQ(text::hex(sha256({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hmac, OneKeyOnManyThreads) {
  const HmacKey key(bytes_of("Jefe"));
  const Sha256 expected = hmac_sha256(bytes_of("Jefe"), bytes_of("message"));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i)
        wrong[t] += key.sign(bytes_of("message")) != expected;
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace sluice::crypto
