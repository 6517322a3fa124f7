#include "plan/filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

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

TEST(CommonBeginning, IsWhatAllIncludesAfterTheLastExcludeOfEverythingShare) {
  struct Case {
    std::vector<FilterRule> rules;
    std::string beginning;
  };
  const Case cases[] = {
      {{}, ""},
      {{include("logs/*")}, ""},
      {{exclude("*")}, ""},
      {{exclude("*.tmp"), include("logs/*")}, ""},
      {{exclude("*"), include("logs/2024/*")}, "logs/2024/"},
      {{exclude("**"), include("logs/2024/*")}, "logs/2024/"},
      {{include("logs/*"), exclude("*")}, ""},
      {{include("a"), exclude("*"), include("logs/x"), include("logs/yy")}, "logs/"},
      {{exclude("*"), include("logs/*"), exclude("logs/*.tmp")}, "logs/"},
      {{exclude("*"), include("logs/*"), include("*.jpg")}, ""},
      {{exclude("*"), include("logs/*"), exclude("*"), include("data/?")}, "data/"},
      {{exclude("*"), include("a/[bc]/*")}, "a/"},
      {{exclude("*"), include("a[b")}, "a"},
      {{exclude("*"), include("exact/key")}, "exact/key"},
      {{exclude("*"), include("\xc3\xa9/1"), include("\xc3\xa8/1")}, ""},  // é and è
      {{exclude("*"), include("x\xc3\xa9/1"), include("x\xc3\xa8/1")}, "x"},
      {{exclude("*"), include("x\xff*")}, "x"},
  };
  for (const Case& each : cases) {
    std::string shown;
    for (const FilterRule& rule : each.rules)
      shown += (rule.kind == FilterRule::Kind::include ? " +" : " -") + rule.pattern;
    EXPECT_EQ(common_beginning(each.rules), each.beginning) << shown;
  }
}

TEST(CommonBeginning, IsThatOfEveryIncludedKey) {
  constexpr unsigned kSeed = 20'240'102;
  std::mt19937 random(kSeed);
  const auto draw = [&random](std::string_view alphabet, std::size_t most) {
    std::string out;
    for (std::size_t n = random() % (most + 1); n > 0; --n)
      out += alphabet[random() % alphabet.size()];
    return out;
  };
  int narrowed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<FilterRule> rules;
    for (auto n = random() % 5; n > 0; --n) {
      const std::string pattern = random() % 3 == 0 ? "*" : draw("ab/*?[]!", 5);
      rules.push_back(random() % 2 == 0 ? include(pattern) : exclude(pattern));
    }
    const Filter filter(rules);
    const std::string beginning = filter.common_beginning();
    if (!beginning.empty()) ++narrowed;
    for (int n = 0; n < 10; ++n) {
      const std::string key = draw("ab/[", 6);
      if (filter.includes(key)) {
        ASSERT_TRUE(key.starts_with(beginning))
            << key << " in round " << round << ", seed " << kSeed;
      }
    }
  }
  EXPECT_GT(narrowed, 100);
}

}  // namespace
}  // namespace sluice::plan
