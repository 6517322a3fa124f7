#include "tune/space.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::tune {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr Machine kMachine{8, 4, 256};

TEST(WholeSpace, GoesAsFarAsMemoryAndCoresDo) {
  const Space space = whole_space({}, {6, 4, 100});
  EXPECT_THAT(space.transfers, ElementsAre(4, 8, 16, 32, 64));
  EXPECT_THAT(space.threads, ElementsAre(1, 2, 4, 6));
  EXPECT_EQ(space.part_bytes.front(), kMiB);
  EXPECT_THAT(whole_space({}, {1, 1, 2}).threads, ElementsAre(1));
  EXPECT_THAT(whole_space({}, {1, 1, 2}).transfers, ElementsAre(2));
}

TEST(WholeSpace, WhatIsGivenIsKept) {
  BenchOptions options;
  options.tuning.transfers = 100;
  options.tuning.threads = 3;
  options.tuning.part_bytes = 5 * kMiB;
  options.keeps_part_bytes = true;
  const Space space = whole_space(options, kMachine);
  EXPECT_THAT(space.transfers, ElementsAre(100));
  EXPECT_THAT(space.threads, ElementsAre(3));
  EXPECT_THAT(space.part_bytes, ElementsAre(5 * kMiB));
  EXPECT_EQ(start_in(space, kMachine), (BenchSetting{100, 5 * kMiB, 3}));
  EXPECT_EQ(most_trials(space), 5U);
}

TEST(ToldApart, NoMoreTransfersThanParts) {
  const std::vector<StandIn> sample(40, StandIn{0, 1000});
  const Space space = told_apart_by(sample, {}, whole_space({}, kMachine));
  EXPECT_EQ(space.transfers.back(), 32U);
  EXPECT_THAT(space.part_bytes, ElementsAre(8 * kMiB)) << "small objects have no parts";
  const Space one = told_apart_by({{0, 5}}, {}, whole_space({}, kMachine));
  EXPECT_THAT(one.transfers, ElementsAre(4));
}

TEST(ToldApart, NoPartsLargerThanTheObjects) {
  const Space space = told_apart_by({{0, 20 * kMiB}, {0, 1}}, {}, whole_space({}, kMachine));
  EXPECT_THAT(space.part_bytes, ElementsAre(kMiB, 2 * kMiB, 4 * kMiB, 8 * kMiB, 16 * kMiB));
}

TEST(FitSample, AllTrialsTogetherLeaveSomethingOfTheBudget) {
  for (const std::uint64_t size : {1000UL, 300'000UL, 5 * kMiB, 4096 * kMiB})
    for (const std::uint64_t budget : {kMiB, 64 * kMiB, 4096 * kMiB}) {
      BenchOptions options;
      options.budget_bytes = budget;
      const std::vector<Candidate> candidates(100, Candidate{"key", {"etag", size, 0}, false});
      const Fitting fitting = fit_sample(candidates, options, whole_space(options, kMachine));
      std::uint64_t bytes = 0;
      for (const StandIn& one : fitting.sample)
        bytes += one.bytes;
      EXPECT_GT(bytes, 0U);
      EXPECT_LT(bytes * (most_trials(fitting.space) + kMoreTrials), budget) << size;
    }
}

TEST(FitSample, WhereThereIsLittleToTryEachTrialIsLarger) {
  const std::vector<Candidate> candidates(1000, Candidate{"key", {"etag", kMiB, 0}, false});
  BenchOptions options;
  const std::size_t all =
      fit_sample(candidates, options, whole_space(options, kMachine)).sample.size();
  options.tuning.transfers = 8;
  const std::size_t few =
      fit_sample(candidates, options, whole_space(options, kMachine)).sample.size();
  EXPECT_GT(few, all);
}

TEST(Judge, RecommendsWhatWasTried) {
  const Space all = whole_space({}, kMachine);
  const Verdict verdict = judge({}, all, all, {64, 16 * kMiB, 2});
  EXPECT_EQ(verdict.advice.transfers, 64U);
  EXPECT_EQ(verdict.advice.part_bytes, 16 * kMiB);
  EXPECT_EQ(verdict.advice.threads, 2U);
  EXPECT_TRUE(verdict.remarks.empty());
}

TEST(Judge, AtTheEndOfTheSampleNobodyKnowsWhetherMoreWouldBeFaster) {
  const Space all = whole_space({}, kMachine);
  const Space tried = told_apart_by(std::vector<StandIn>(40, StandIn{0, 1000}), {}, all);
  const Verdict at_the_end = judge({}, all, tried, {32, 8 * kMiB, 1});
  EXPECT_FALSE(at_the_end.advice.transfers);
  EXPECT_THAT(at_the_end.remarks, Contains(HasSubstr("more than 32 transfers")));
  EXPECT_EQ(judge({}, all, tried, {16, 8 * kMiB, 1}).advice.transfers, 16U);
}

TEST(Judge, WhatIsGivenIsNotRecommended) {
  BenchOptions options;
  options.tuning.transfers = 7;
  options.tuning.threads = 3;
  options.keeps_part_bytes = true;
  const Space all = whole_space(options, kMachine);
  const Verdict verdict = judge(options, all, all, start_in(all, kMachine));
  EXPECT_FALSE(verdict.advice.transfers);
  EXPECT_FALSE(verdict.advice.part_bytes);
  EXPECT_FALSE(verdict.advice.threads);
  EXPECT_THAT(verdict.remarks, Not(Contains(HasSubstr("part size"))));
}

TEST(ListValues, NoneIfOneIsGiven) {
  BenchOptions options;
  EXPECT_THAT(list_values(options), ElementsAre(1, 4, 8, 16, 32));
  options.tuning.list_concurrency = 5;
  EXPECT_TRUE(list_values(options).empty());
}

}  // namespace
}  // namespace sluice::tune
