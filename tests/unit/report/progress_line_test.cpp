#include "report/progress_line.hpp"

#include <gtest/gtest.h>

namespace sluice::report {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

Progress halfway() {
  Progress progress;
  progress.listing_done = true;
  progress.listed = 10'000;
  progress.to_fetch = 5000;
  progress.to_fetch_bytes = 4 * kGiB;
  progress.fetched_bytes = 2 * kGiB;
  progress.counts[static_cast<std::size_t>(What::fetched)] = 2500;
  progress.counts[static_cast<std::size_t>(What::kept)] = 2500;
  return progress;
}

TEST(ProgressLine, ShowsObjectsBytesRateAndTimeLeft) {
  ProgressLine line;
  EXPECT_EQ(line.render(halfway(), 4s, 100),
            "  5,000 of 10,000 objects  2.0 of 4.0 GiB  512 MiB/s  ETA 4s");
}

TEST(ProgressLine, ShowsErrors) {
  Progress progress = halfway();
  progress.counts[static_cast<std::size_t>(What::failed)] = 2;
  ProgressLine line;
  EXPECT_EQ(line.render(progress, 4s, 100),
            "  5,002 of 10,000 objects  2.0 of 4.0 GiB  512 MiB/s  ETA 4s  2 errors");
}

TEST(ProgressLine, PromisesNothingWhileListing) {
  Progress progress = halfway();
  progress.listing_done = false;
  EXPECT_EQ(ProgressLine().render(progress, 4s, 100),
            "  5,000 of 10,000+ objects  2.0 of 4.0+ GiB  512 MiB/s");
  EXPECT_EQ(ProgressLine().render(Progress{}, 0s, 100), "  listing");
}

TEST(ProgressLine, WhileListingGoesByTheLastPass) {
  Progress progress = halfway();
  progress.listing_done = false;
  progress.listed = 6'000;
  progress.listed_before = 10'000;
  // 750 keys a second of the listing, 625 objects, 256 MiB.
  EXPECT_EQ(ProgressLine().render(progress, 8s, 100),
            "  5,000 of ~10,000 objects  2.0 of 4.0+ GiB  256 MiB/s  ETA ~8s");
  progress.counts[static_cast<std::size_t>(What::kept)] = 0;
  EXPECT_EQ(ProgressLine().render(progress, 8s, 100),
            "  2,500 of ~10,000 objects  2.0 of 4.0+ GiB  256 MiB/s  ETA ~24s");
  // More than then: nobody knows how many more.
  progress.listed = 10'001;
  EXPECT_EQ(ProgressLine().render(progress, 8s, 100),
            "  2,500 of 10,001+ objects  2.0 of 4.0+ GiB  256 MiB/s");
  progress = Progress{};
  progress.listed_before = 10'000;
  EXPECT_EQ(ProgressLine().render(progress, 8s, 100), "  listing");
}

TEST(ProgressLine, TimeLeftIsThatOfSmallObjectsToo) {
  Progress progress = halfway();
  progress.fetched_bytes = progress.to_fetch_bytes;  // only empty objects are left
  EXPECT_EQ(ProgressLine().render(progress, 10s, 100),
            "  5,000 of 10,000 objects  4.0 of 4.0 GiB  410 MiB/s  ETA 10s");
}

TEST(ProgressLine, TimeLeftIsThatOfTheBytesBeforeAnyObjectIsPublished) {
  Progress progress = halfway();
  progress.counts = {};
  EXPECT_EQ(ProgressLine().render(progress, 4s, 100),
            "  0 of 10,000 objects  2.0 of 4.0 GiB  512 MiB/s  ETA 4s");
}

TEST(ProgressLine, NeverWiderThanTheTerminal) {
  Progress progress = halfway();
  progress.counts[static_cast<std::size_t>(What::failed)] = 2;
  for (unsigned columns = 1; columns <= 120; ++columns) {
    ProgressLine line;
    EXPECT_LE(line.render(progress, 4s, columns).size(), columns) << columns;
  }
  // What matters most stays longest.
  EXPECT_EQ(ProgressLine().render(progress, 4s, 40), "  5,002 of 10,000 objects  2 errors");
  EXPECT_EQ(ProgressLine().render(progress, 4s, 10), "  5,002 of");
  EXPECT_LE(ProgressLine().render(progress, 4s, 0).size(), 80U);
}

TEST(ProgressLine, SurvivesRetriedBytesAndStalls) {
  Progress progress = halfway();
  progress.fetched_bytes = 5 * kGiB;  // parts fetched twice
  EXPECT_NE(ProgressLine().render(progress, 4s, 100).find("4.0 of 4.0 GiB"), std::string::npos);
  ProgressLine line;
  Progress stalled = halfway();
  stalled.fetched_bytes = 0;
  stalled.counts = {};
  EXPECT_EQ(line.render(stalled, 0s, 100), "  0 of 10,000 objects  0.0 of 4.0 GiB  0 B/s");
  EXPECT_EQ(line.render(stalled, 60s, 100), "  0 of 10,000 objects  0.0 of 4.0 GiB  0 B/s");
}

TEST(RateMeter, FollowsTheRecentPast) {
  RateMeter meter;
  meter.add(0, 0ms);
  EXPECT_EQ(meter.per_second(), 0);
  for (int second = 1; second <= 60; ++second)
    meter.add(static_cast<std::uint64_t>(second) * 100, std::chrono::seconds(second));
  EXPECT_NEAR(meter.per_second(), 100, 0.01);
  for (int second = 61; second <= 90; ++second)
    meter.add(6000, std::chrono::seconds(second));
  EXPECT_LT(meter.per_second(), 1);
}

TEST(RateMeter, StartsAnewWithAnotherPass) {
  RateMeter meter;
  meter.add(1000, 10s);
  meter.add(10, 11s);
  EXPECT_NEAR(meter.per_second(), 10.0 / 11, 0.01);
  meter.add(20, 1s);  // time ran back
  EXPECT_NEAR(meter.per_second(), 20, 0.01);
}

}  // namespace
}  // namespace sluice::report
