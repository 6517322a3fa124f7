#include "tune/sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::tune {
namespace {

std::vector<Candidate> of_sizes(const std::vector<std::uint64_t>& sizes) {
  std::vector<Candidate> out;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    out.push_back({"key-" + std::to_string(i), {"etag-" + std::to_string(i), sizes[i], 1000}});
  return out;
}

std::uint64_t bytes_of(const std::vector<StandIn>& sample) {
  std::uint64_t sum = 0;
  for (const StandIn& one : sample)
    sum += one.bytes;
  return sum;
}

TEST(ChooseSample, WhatFitsIsTakenWholeAndAgain) {
  const auto sample = choose_sample(of_sizes({10, 20, 30}), {200, 1000});
  EXPECT_EQ(sample.size(), 9U);
  EXPECT_EQ(bytes_of(sample), 180U);
  EXPECT_EQ(choose_sample(of_sizes({10, 20, 30}), {200, 7}).size(), 6U);
}

TEST(ChooseSample, KeepsTheMixOfSizes) {
  std::vector<std::uint64_t> sizes(900, 100);
  sizes.insert(sizes.end(), 100, 10'000);
  const auto sample = choose_sample(of_sizes(sizes), {120'000, 1000});
  const auto large =
      std::count_if(sample.begin(), sample.end(), [](const StandIn& s) { return s.bytes > 100; });
  EXPECT_GE(large, 9);
  EXPECT_LE(large, 11);
  EXPECT_NEAR(static_cast<double>(sample.size()), 100, 10);
  EXPECT_LE(bytes_of(sample), 120'000U);
}

TEST(ChooseSample, IsNeverMoreThanTheLimits) {
  const std::vector<std::vector<std::uint64_t>> mixes = {
      {1}, {5'000'000'000}, {1, 1, 1, 1'000'000'000}, std::vector<std::uint64_t>(3000, 1'000'000)};
  for (const auto& sizes : mixes)
    for (const std::uint64_t most : {1ULL, 1000ULL, 999'999ULL, 64ULL << 20}) {
      const auto sample = choose_sample(of_sizes(sizes), {most, 2000});
      EXPECT_FALSE(sample.empty());
      EXPECT_LE(bytes_of(sample), most);
      EXPECT_LE(sample.size(), 2000U);
    }
}

TEST(ChooseSample, ALargeObjectIsCutShort) {
  const auto sample = choose_sample(of_sizes({5, 4'000'000}), {1000, 10});
  ASSERT_EQ(sample.size(), 1U);
  EXPECT_EQ(sample[0].candidate, 1U);
  EXPECT_EQ(sample[0].bytes, 1000U);
}

TEST(ChooseSample, EmptyObjectsAreNothingToFetch) {
  EXPECT_TRUE(choose_sample(of_sizes({0, 0}), {1000, 10}).empty());
  EXPECT_TRUE(choose_sample({}, {1000, 10}).empty());
  EXPECT_EQ(choose_sample(of_sizes({0, 7}), {7, 10}).size(), 1U);
}

TEST(PartsOf, CountsTheLastOfEach) {
  EXPECT_EQ(parts_of({{0, 10}, {0, 11}, {0, 1}}, 10), 4U);
}

TEST(Sample, IsListedInOrderPageByPage) {
  const Sample sample(of_sizes({1, 2}), std::vector<StandIn>(2500, StandIn{1, 2}));
  std::string token;
  std::vector<std::string> names;
  for (;;) {
    const ListPage page = sample.list_page(token);
    for (const ListedObject& object : page.objects) {
      names.emplace_back(object.key);
      EXPECT_EQ(object.etag, "etag-1");
      EXPECT_EQ(object.size, 2U);
      EXPECT_EQ(sample.source_of(object.key).object.key, "key-1");
    }
    if (!page.truncated) break;
    token = page.next_token;
  }
  EXPECT_EQ(names.size(), 2500U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_EQ(sample.distinct(), 1U);
  EXPECT_EQ(sample.cut_short(), 0U);
}

TEST(Sample, ABeginningHasAnotherVersion) {
  const Sample sample(of_sizes({100}), {{0, 40}});
  const auto source = sample.source_of("00000000");
  EXPECT_TRUE(source.is_cut());
  EXPECT_EQ(source.version.size, 40U);
  EXPECT_NE(source.version.etag, "etag-0");
  EXPECT_EQ(source.object.version.size, 100U);
  EXPECT_EQ(sample.cut_short(), 1U);
}

}  // namespace
}  // namespace sluice::tune
