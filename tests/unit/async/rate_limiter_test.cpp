#include "async/rate_limiter.hpp"

#include "async/group.hpp"
#include "both_runtimes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

class Rate : public BothRuntimes {};
SLUICE_ON_BOTH_RUNTIMES(Rate);

class Passed {
 public:
  void note(SteadyTime when) {
    const std::lock_guard lock(mutex_);
    times_.push_back(when);
  }
  std::vector<SteadyTime> sorted() const {
    std::vector<SteadyTime> out = times_;
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::mutex mutex_;
  std::vector<SteadyTime> times_;
};

Task<void> pass_often(Runtime& runtime, RateLimiter& limiter, std::uint64_t amount, int times,
                      Passed& passed) {
  for (int i = 0; i < times; ++i) {
    co_await limiter.pass(runtime, amount);
    passed.note(runtime.now());
  }
}

TEST_P(Rate, IsKeptOverAllShards) {
  auto runtime = make_runtime();
  RateLimiter limiter(1000);
  Passed passed;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    for (unsigned shard = 0; shard < 2; ++shard)
      for (int i = 0; i < 3; ++i)
        group.spawn(runtime->executor(Role::data, shard),
                    pass_often(*runtime, limiter, 10, 10, passed));
    co_await group.join();
  });
  // 60 times 10 of 1000 a second: the last one begins 590 ms after the first, less what the credit
  // gives at the start.
  const std::vector<SteadyTime> times = passed.sorted();
  ASSERT_EQ(times.size(), 60U);
  const auto took = times.back() - times.front();
  EXPECT_GE(took, 590ms - RateLimiter::kCredit - 1ms);
  if (GetParam() >= 0) {
    EXPECT_LE(took, 591ms);
  }
  // In no window do more pass than the rate and the credit allow.
  for (std::size_t i = 0; i + 25 < times.size(); ++i)
    EXPECT_GE(times[i + 25] - times[i], 250ms - RateLimiter::kCredit - 10ms) << i;
}

TEST(RateLimiter, TheFirstGoesAtOnceAndPaysAfterwards) {
  RateLimiter limiter(100);
  const SteadyTime now = SteadyTime() + 10s;
  EXPECT_EQ(limiter.take(100, now), now);
  EXPECT_EQ(limiter.take(1, now), now + 1s - RateLimiter::kCredit);
  EXPECT_EQ(limiter.take(1, now + 5s), now + 5s);
}

TEST(RateLimiter, IdleTimeIsNotSavedUp) {
  RateLimiter limiter(10);
  const SteadyTime now = SteadyTime() + 1h;
  EXPECT_EQ(limiter.take(1, now), now);
  EXPECT_EQ(limiter.take(1, now), now);  // the credit: 100 ms are one of ten a second
  EXPECT_EQ(limiter.take(1, now), now + 100ms);
  EXPECT_EQ(limiter.take(1, now), now + 200ms);
}

}  // namespace
}  // namespace sluice::async
