#include "tune/sweep.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <tuple>

namespace sluice::tune {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

Space whole() {
  return {{8, 16, 32, 64, 128, 256},
          {2 * kMebibyte, 4 * kMebibyte, 8 * kMebibyte, 16 * kMebibyte},
          {1, 2, 4}};
}
constexpr BenchSetting kStart{64, 8 * kMebibyte, 2};

using Machine = std::function<Measured(const BenchSetting&, unsigned run)>;

/// Measures what the sweep asks for; how often it did.
unsigned run(Sweep& sweep, const Machine& machine) {
  unsigned runs = 0;
  while (const auto setting = sweep.next()) {
    sweep.note(*setting, machine(*setting, runs));
    if (++runs > 100) break;
  }
  return runs;
}

TEST(Sweep, FindsTheTopOfEachLine) {
  Sweep sweep(whole(), kStart, 40);
  // Faster up to 128 transfers, up to 16 MiB, with 4 threads; more CPU with more transfers.
  const unsigned runs = run(sweep, [](const BenchSetting& s, unsigned) {
    const double transfers = std::min(s.transfers, 128U);
    const double part = static_cast<double>(s.part_bytes) / (8.0 * kMebibyte);
    return Measured{transfers * part * s.threads, 1.0};
  });
  EXPECT_EQ(sweep.recommended(), (BenchSetting{128, 16 * kMebibyte, 4}));
  EXPECT_LE(runs, 14U);
}

TEST(Sweep, OfTheEquallyFastItTakesTheFewestTransfersAndThreads) {
  Sweep sweep(whole(), kStart, 40);
  run(sweep, [](const BenchSetting& s, unsigned) {
    return Measured{s.transfers >= 16 ? 100.0 : 50.0, 1.0};
  });
  EXPECT_EQ(sweep.recommended(), (BenchSetting{16, 8 * kMebibyte, 1}));
}

TEST(Sweep, FivePercentAreEqualAndSixAreNot) {
  for (const auto& [rate, expected] : {std::pair(95.5, 8U), std::pair(94.0, 16U)}) {
    Sweep sweep({{8, 16}, {8 * kMebibyte}, {1}}, {16, 8 * kMebibyte, 1}, 40);
    run(sweep, [rate = rate](const BenchSetting& s, unsigned) {
      return Measured{s.transfers == 8 ? rate : 100.0, 1.0};
    });
    EXPECT_EQ(sweep.recommended()->transfers, expected) << rate;
  }
}

TEST(Sweep, OfTheEquallyFastTheOneThatTakesLessCpuIsCheaper) {
  Sweep sweep({{8}, {8 * kMebibyte}, {1, 2}}, {8, 8 * kMebibyte, 2}, 40);
  run(sweep, [](const BenchSetting& s, unsigned) {
    return Measured{100.0, s.threads == 1 ? 1.5 : 1.0};
  });
  EXPECT_EQ(sweep.recommended()->threads, 2U);
}

TEST(Sweep, WhatIsRecommendedWasMeasuredThreeTimes) {
  Sweep sweep({{8}, {8 * kMebibyte}, {1}}, {8, 8 * kMebibyte, 1}, 40);
  EXPECT_EQ(run(sweep, [](const BenchSetting&, unsigned) { return Measured{1, 1}; }), 3U);
}

TEST(Sweep, NoiseWidensWhatCountsAsEqual) {
  Sweep sweep({{8, 16}, {8 * kMebibyte}, {1}}, {16, 8 * kMebibyte, 1}, 40);
  // The fastest differs from itself by 15 % either way; the other is 10 % slower.
  run(sweep, [](const BenchSetting& s, unsigned run) {
    if (s.transfers == 8) return Measured{90, 1};
    return Measured{run == 0 ? 100.0 : run % 2 == 0 ? 115.0 : 85.0, 1};
  });
  EXPECT_GT(sweep.tolerance(), 0.10);
  EXPECT_LE(sweep.tolerance(), kMostTolerance);
  EXPECT_EQ(sweep.recommended()->transfers, 8U);
}

TEST(Sweep, MeasuresNoMoreThanItMay) {
  for (const unsigned most : {1U, 2U, 5U}) {
    Sweep sweep(whole(), kStart, most);
    EXPECT_EQ(run(sweep,
                  [](const BenchSetting& s, unsigned) {
                    return Measured{static_cast<double>(s.transfers), 1};
                  }),
              most);
    EXPECT_TRUE(sweep.recommended());
  }
  EXPECT_FALSE(Sweep(whole(), kStart, 5).recommended());
}

TEST(Sweep, StaysInItsSpace) {
  std::set<std::tuple<unsigned, std::uint64_t, unsigned>> asked;
  Sweep sweep(whole(), kStart, 100);
  run(sweep, [&](const BenchSetting& s, unsigned) {
    asked.insert({s.transfers, s.part_bytes, s.threads});
    return Measured{1.0 / s.transfers, 1};
  });
  for (const auto& [transfers, part, threads] : asked) {
    EXPECT_GE(transfers, 8U);
    EXPECT_GE(part, 2 * kMebibyte);
    EXPECT_LE(threads, 4U);
  }
  EXPECT_EQ(sweep.recommended()->transfers, 8U);
}

TEST(Sweep, NothingMovedIsNoReasonToFail) {
  Sweep sweep(whole(), kStart, 20);
  EXPECT_LE(run(sweep, [](const BenchSetting&, unsigned) { return Measured{0, 0}; }), 20U);
  EXPECT_TRUE(sweep.recommended());
}

std::optional<unsigned> best_listing(const std::vector<double>& rates, std::size_t& asked) {
  ListSweep sweep({1, 4, 8, 16, 32});
  asked = 0;
  while (const auto concurrency = sweep.next())
    sweep.note(*concurrency, rates[asked++]);
  return sweep.recommended();
}

TEST(ListSweep, TakesTheFewestOfTheFastest) {
  std::size_t asked = 0;
  EXPECT_EQ(best_listing({10, 40, 80, 160, 320}, asked), 32U);
  EXPECT_EQ(asked, 5U);
  EXPECT_EQ(best_listing({10, 40, 41, 41, 41}, asked), 4U);
  EXPECT_EQ(asked, 4U) << "two steps that gain nothing are enough";
  EXPECT_EQ(best_listing({10, 10, 10, 10, 10}, asked), 1U);
  EXPECT_EQ(best_listing({10, 40, 39, 80, 81}, asked), 16U);
}

TEST(ListSweep, OneIsNothingToCompare) {
  ListSweep sweep({1, 4});
  EXPECT_FALSE(sweep.recommended());
  sweep.note(1, 10);
  EXPECT_FALSE(sweep.recommended());
}

}  // namespace
}  // namespace sluice::tune
