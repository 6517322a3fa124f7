#include "report/polling.hpp"

#include <gtest/gtest.h>

namespace sluice::report {
namespace {

using namespace std::chrono_literals;

TEST(Polling, AMonthHasThirtyDays) {
  EXPECT_EQ(requests_a_month(1, 60s), 43'200U);
  EXPECT_EQ(requests_a_month(1000, 60s), 43'200'000U);
  EXPECT_EQ(requests_a_month(3, 7h), 309U);  // 308.57
  EXPECT_EQ(requests_a_month(1, 0ms), 0U);
}

TEST(Polling, IsToldForOneIntervalOrForSeveral) {
  EXPECT_EQ(polling_text(13, 5min, std::nullopt),
            "a watch asks for 13 LIST a pass; in a month: 112,320 every 5m00s");
  EXPECT_EQ(polling_text(1000, std::nullopt, RequestPrices{0.005, 0.0004}),
            "a watch asks for 1,000 LIST a pass; in a month: 43,200,000 (216.00) every 60s, "
            "8,640,000 (43.20) every 5m, 2,880,000 (14.40) every 15m");
}

TEST(Polling, ADryRunAddsItsDownloads) {
  PassSummary summary;
  summary.listing_complete = true;
  summary.requests.list = 1;
  summary.progress.to_fetch = 2'000;
  const std::string free = dry_run_costs(summary, std::nullopt);
  EXPECT_EQ(free.find("GET"), std::string::npos) << free;
  EXPECT_TRUE(free.ends_with("2,880 every 15m\n")) << free;
  EXPECT_TRUE(dry_run_costs(summary, RequestPrices{1, 0.5})
                  .starts_with("  to fetch them asks for 2,000 GET or more (1.00)\n"));
  summary.listing_complete = false;
  EXPECT_EQ(dry_run_costs(summary, std::nullopt), "");
}

TEST(Polling, PricesAddUpAndAreNotRoundedToNothing) {
  EXPECT_EQ(price_of(RequestCounts{1000, 500, 250, 250}, RequestPrices{0.5, 0.25}), "0.75");
  EXPECT_EQ(price_of(RequestCounts{1, 0, 0, 0}, RequestPrices{0.005, 0}), "less than 0.01");
  EXPECT_EQ(price_of({}, RequestPrices{1, 1}), "0.00");
}

}  // namespace
}  // namespace sluice::report
