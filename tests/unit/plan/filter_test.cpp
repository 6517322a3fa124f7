#include "plan/filter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::plan {
namespace {

TEST(Matches, FollowsFnmatch) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "a/b/c"));
  EXPECT_TRUE(matches("*.txt", "dir/a.txt"));
  EXPECT_FALSE(matches("*.txt", "a.txt.gz"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_TRUE(matches("[abc]x", "bx"));
  EXPECT_FALSE(matches("[!abc]x", "bx"));
  EXPECT_TRUE(matches("[!abc]x", "dx"));
  EXPECT_TRUE(matches("[a-f0-9]", "7"));
  EXPECT_FALSE(matches("[a-f]", "g"));
  EXPECT_TRUE(matches("[]]", "]"));
  EXPECT_TRUE(matches("a[b", "a[b"));
  EXPECT_TRUE(matches("*a*b*c", "xxaxxbxxbxc"));
  EXPECT_FALSE(matches("*a*b*c", "xxaxxbxxbxcd"));
  EXPECT_TRUE(matches("logs/*", "logs/2024/x"));
}

TEST(Matches, IsNotExponential) {
  const std::string pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*b";
  const std::string text(5'000, 'a');
  EXPECT_FALSE(matches(pattern, text));
}

FilterRule include(std::string pattern) {
  return FilterRule{FilterRule::Kind::include, std::move(pattern)};
}
FilterRule exclude(std::string pattern) {
  return FilterRule{FilterRule::Kind::exclude, std::move(pattern)};
}

TEST(Filter, LastMatchWins) {
  const Filter none({});
  EXPECT_TRUE(none.includes("x"));
  const Filter only_txt({exclude("*"), include("*.txt")});
  EXPECT_TRUE(only_txt.includes("a/b.txt"));
  EXPECT_FALSE(only_txt.includes("a/b.jpg"));
  const Filter undone({include("*.txt"), exclude("*")});
  EXPECT_FALSE(undone.includes("a/b.txt"));
}

}  // namespace
}  // namespace sluice::plan
