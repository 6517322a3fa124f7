#include "plan/key_shape.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sluice::plan {
namespace {

using namespace std::string_literals;

std::string counter(int n) {
  std::string digits = std::to_string(n);
  return "item-" + std::string(12 - digits.size(), '0') + digits;
}

std::string hex(int n) {
  char text[32];
  std::snprintf(text, sizeof text, "%04x.bin", static_cast<unsigned>(n) * 13u % 65536u);
  return text;
}

std::string dated(int n) {
  char text[64];
  std::snprintf(text, sizeof text, "logs/%04d/%02d/%02d/%02d/%02d.json", 2024 + n / 178560,
                n / 14880 % 12 + 1, n / 480 % 31 + 1, n / 20 % 24, n % 20 * 3);
  return text;
}

std::string chinese(int n) {
  const int point = 0x4E00 + n % 20'000;
  std::string key = "資料/";
  key += static_cast<char>(0xE0 | (point >> 12));
  key += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
  key += static_cast<char>(0x80 | (point & 0x3F));
  return key;
}

struct KeySet {
  const char* name;
  std::string (*key)(int n);
  int count;
};
const KeySet kSets[] = {
    {"counter", counter, 10'000},
    {"hexadecimal", hex, 5'000},
    {"dates", dated, 100'000},
    {"chinese", chinese, 20'000},
};

/// From the first tenth, a key half as far again: how far it really is.
TEST(KeyShape, FindsAKeySoManyKeysFurther) {
  for (const KeySet& set : kSets) {
    SCOPED_TRACE(set.name);
    std::set<std::string> sorted;
    for (int n = 0; n < set.count; ++n)
      sorted.insert(set.key(n));
    const std::vector<std::string> keys(sorted.begin(), sorted.end());
    const std::size_t seen = keys.size() / 10;
    KeyShape shape;
    shape.learn(
        std::vector<std::string_view>(keys.begin(), keys.begin() + static_cast<long>(seen)));
    const std::vector<Stretch> stretch = {{keys[0], keys[seen - 1], seen - 1}};
    const auto scale = KeyScale::make(shape, stretch);
    ASSERT_TRUE(scale);
    const auto key = scale->key_after(keys[seen - 1], seen / 2);
    ASSERT_TRUE(key);
    EXPECT_TRUE(can_start_after(*key)) << *key;
    const auto place = std::lower_bound(keys.begin(), keys.end(), *key) - keys.begin();
    const auto further = static_cast<std::size_t>(place) - seen;
    EXPECT_GT(further, seen / 6) << *key;
    EXPECT_LT(further, seen * 3 / 2) << *key;
    const auto between = scale->keys_between(keys[seen - 1], *key);
    ASSERT_TRUE(between);
    EXPECT_NEAR(*between, static_cast<double>(seen) / 2, static_cast<double>(seen) / 20 + 1);
    EXPECT_FALSE(scale->key_after(keys[seen - 1], seen * 1'000'000'000'000'000u))
        << "beyond all that could be expected";
  }
}

TEST(KeyShape, ACounterIsExpectedToCarry) {
  KeyShape shape;
  std::vector<std::string> keys;
  for (int n = 0; n < 1000; ++n)
    keys.push_back(counter(n));
  shape.learn(std::vector<std::string_view>(keys.begin(), keys.end()));
  const std::vector<Stretch> seen = {{keys.front(), keys.back(), 999}};
  const auto scale = KeyScale::make(shape, seen);
  ASSERT_TRUE(scale);
  const auto key = scale->key_after(keys.back(), 8000);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->substr(0, 14), "item-000000008");
}

TEST(KeyShape, WhatCameRoundIsKnownWhole) {
  KeyShape shape;
  const std::vector<std::string_view> keys = {"a0-x", "a1-x", "a2-x", "a9-x", "b0-x", "b3-x"};
  shape.learn(keys);
  EXPECT_EQ(shape.alphabet(1).size(), 5u) << "it fell to 0 as a became b";
  EXPECT_EQ(shape.alphabet(0).size(), 2u);
  EXPECT_EQ(shape.alphabet(2).size(), 1u);
}

TEST(KeyShape, NothingIsSaidWithoutKnowledge) {
  KeyShape shape;
  EXPECT_FALSE(KeyScale::make(shape, {}));
  shape.learn(std::vector<std::string_view>{"a", "a"});
  const std::vector<Stretch> none = {{"a", "a", 1}};
  EXPECT_FALSE(KeyScale::make(shape, none));
}

/// Keys of any bytes: what comes out may go into a request, and lies behind where it began.
TEST(KeyShape, AnswersAreFitForRequests) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> pieces = {"a",    "b",    "/", "\x01", "\x7f",
                                           "\x80", "\xff", "é", "字",   "文",
                                           "😀",    "0",    "9", " ",    "\xed\xa0\x80"};
  for (int round = 0; round < 3000; ++round) {
    std::set<std::string> keys;
    for (std::size_t n = random() % 40 + 2; n > 0; --n) {
      std::string key;
      for (std::size_t length = random() % 12 + 1; length > 0; --length)
        key += pieces[random() % pieces.size()];
      keys.insert(key);
    }
    KeyShape shape;
    shape.learn(std::vector<std::string_view>(keys.begin(), keys.end()));
    const std::vector<Stretch> seen = {{*keys.begin(), *keys.rbegin(), keys.size()}};
    const auto scale = KeyScale::make(shape, seen);
    if (!scale) continue;
    for (const std::string& key : keys) {
      const auto further = scale->key_after(key, random() % keys.size() + 1);
      if (!further) continue;
      ASSERT_GT(*further, key);
      ASSERT_TRUE(can_start_after(*further)) << text::escaped(*further);
    }
  }
}

TEST(KeyShape, SomeKeysAreNotFitForRequests) {
  EXPECT_TRUE(can_start_after("a b/é字"));
  for (const std::string& key : {"a\x01"s, "a\x7f"s, "\xff"s, "\xed\xa0\x80"s, "a\n"s})
    EXPECT_FALSE(can_start_after(key)) << text::escaped(key);
}

}  // namespace
}  // namespace sluice::plan
