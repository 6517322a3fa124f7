#include "async/backoff.hpp"

#include <gtest/gtest.h>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMost = ~std::uint64_t{0};

TEST(Backoff, DoublesUpToTheCap) {
  const BackoffOptions options;
  EXPECT_EQ(backoff_delay(options, 1, Pace::normal, 0ms, 0), 0ms);
  EXPECT_EQ(backoff_delay(options, 1, Pace::normal, 0ms, kMost), 49ms);
  EXPECT_EQ(backoff_delay(options, 2, Pace::normal, 0ms, kMost), 99ms);
  EXPECT_EQ(backoff_delay(options, 3, Pace::throttled, 0ms, kMost), 3999ms);
  EXPECT_EQ(backoff_delay(options, 50, Pace::normal, 0ms, kMost), 19'999ms);
}

TEST(Backoff, HonoursRetryAfterWithinItsCap) {
  const BackoffOptions options;
  EXPECT_EQ(backoff_delay(options, 1, Pace::normal, 7s, 0), 7s);
  EXPECT_EQ(backoff_delay(options, 1, Pace::normal, 24h, 0), 5min);
  EXPECT_EQ(backoff_delay(options, 20, Pace::normal, 1ms, kMost), 19'999ms);
}

}  // namespace
}  // namespace sluice::async
