#include "mirror/timetable.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace sluice::mirror {
namespace {

constexpr unsigned at(unsigned day, unsigned hour, unsigned minute = 0) {
  return (day * 24 + hour) * 60 + minute;
}

TEST(Timetable, TheLastSlotBeforeNowCounts) {
  const std::vector<RateSlot> slots = {{at(0, 8), 10}, {at(0, 18), 0}, {at(4, 23, 59), 30}};
  EXPECT_EQ(rate_at(slots, at(0, 8)), 10u);
  EXPECT_EQ(rate_at(slots, at(0, 17, 59)), 10u);
  EXPECT_EQ(rate_at(slots, at(0, 18)), 0u);
  EXPECT_EQ(rate_at(slots, at(3, 12)), 0u);
  EXPECT_EQ(rate_at(slots, at(4, 23, 59)), 30u);
  EXPECT_EQ(rate_at(slots, at(6, 23, 59)), 30u);
  EXPECT_EQ(rate_at(slots, at(0, 0)), 30u) << "around the end of the week";
  EXPECT_EQ(rate_at({}, 0), std::nullopt);
  const std::vector<RateSlot> unsorted = {{at(5, 0), 5}, {at(1, 0), 1}, {at(1, 0), 2}};
  EXPECT_EQ(rate_at(unsorted, at(2, 0)), 2u);
  EXPECT_EQ(rate_at(unsorted, at(0, 0)), 5u);
}

TEST(Timetable, TheWeekBeginsOnMondayInLocalTime) {
  const char* before = std::getenv("TZ");
  const std::string saved = before == nullptr ? "" : before;
  const auto monday = WallClock::from_time_t(1'795'392'000);  // 2026-11-23 00:00 UTC
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(minute_of_week(monday), 0u);
  EXPECT_EQ(minute_of_week(monday - std::chrono::minutes(1)), at(6, 23, 59));
  EXPECT_EQ(minute_of_week(monday + std::chrono::hours(24 * 5 + 13)), at(5, 13));
  ::setenv("TZ", "XXX-2", 1);  // two hours ahead
  ::tzset();
  EXPECT_EQ(minute_of_week(monday), at(0, 2));
  if (before == nullptr)
    ::unsetenv("TZ");
  else
    ::setenv("TZ", saved.c_str(), 1);
  ::tzset();
}

}  // namespace
}  // namespace sluice::mirror
