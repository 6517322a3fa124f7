#include "model/range.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(KeyRange, TheDefaultHoldsEveryKey) {
  const KeyRange all;
  EXPECT_TRUE(all.contains("a"));
  EXPECT_TRUE(all.contains(std::string(1, '\0')));
  EXPECT_TRUE(all.contains("\xff\xff"));
  EXPECT_FALSE(all.contains("")) << "no key is empty";
  EXPECT_FALSE(all.ends_before("\xff"));
}

TEST(KeyRange, ExcludesAfterAndIncludesLast) {
  const auto range = KeyRange::make("b", "d");
  ASSERT_TRUE(range);
  EXPECT_FALSE(range->contains("b"));
  EXPECT_TRUE(range->contains(std::string("b\0", 2)));
  EXPECT_TRUE(range->contains("d"));
  EXPECT_FALSE(range->contains("da"));
  EXPECT_FALSE(range->ends_before("d"));
  EXPECT_TRUE(range->ends_before("d!"));
}

TEST(KeyRange, ComparesBytesAsUnsigned) {
  const auto range = KeyRange::make("z", "\xff");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->contains("\xc3\xa9"));
  EXPECT_FALSE(range->contains("a"));
}

TEST(KeyRange, CannotBeEmptyOrTurned) {
  EXPECT_FALSE(KeyRange::make("b", "b"));
  EXPECT_FALSE(KeyRange::make("c", "b"));
  EXPECT_FALSE(KeyRange::make("", ""));
  EXPECT_TRUE(KeyRange::make("b", std::nullopt));
}

TEST(KeyRange, SplitLosesNoKey) {
  const auto whole = KeyRange::make("a", "z");
  ASSERT_TRUE(whole);
  const auto halves = whole->split("m");
  ASSERT_TRUE(halves);
  for (const auto* key : {"a", "aa", "m", "ma", "n", "z", "za"})
    EXPECT_EQ(whole->contains(key), halves->first.contains(key) != halves->second.contains(key))
        << key;
  EXPECT_TRUE(halves->first.contains("m"));
  EXPECT_EQ(halves->second.after(), "m");
  EXPECT_FALSE(whole->split("a"));
  EXPECT_FALSE(whole->split("z"));
  EXPECT_FALSE(whole->split("zz"));
  const auto open = KeyRange().split("m");
  ASSERT_TRUE(open);
  EXPECT_FALSE(open->second.last());
  EXPECT_FALSE(KeyRange().split(""));
}

TEST(ByteRange, IsNeverEmptyAndNeverWraps) {
  EXPECT_FALSE(ByteRange::make(0, 0));
  EXPECT_FALSE(ByteRange::make(kMax, 1));
  EXPECT_FALSE(ByteRange::make(2, kMax - 1));
  const auto longest = ByteRange::make(1, kMax - 1);
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->last(), kMax - 1);
}

TEST(ByteRange, RestResumesAfterWhatIsDone) {
  const auto range = ByteRange::make(100, 50);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->last(), 149U);
  EXPECT_EQ(range->rest(0), range);
  EXPECT_EQ(range->rest(20), ByteRange::make(120, 30));
  EXPECT_EQ(range->rest(49), ByteRange::make(149, 1));
  EXPECT_EQ(range->rest(50), std::nullopt);
  EXPECT_EQ(range->rest(51), std::nullopt);
}

}  // namespace
}  // namespace sluice
