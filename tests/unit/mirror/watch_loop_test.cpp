#include "mirror/watch_loop.hpp"

#include "mirror/watch_schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::mirror {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

WatchOptions every(milliseconds interval, unsigned jitter_percent = 0) {
  WatchOptions options;
  options.interval = interval;
  options.jitter_percent = jitter_percent;
  return options;
}

TEST(WatchSchedule, JitterLiesAroundTheIntervalAndItsMeanIsTheInterval) {
  const WatchOptions options = every(60s, 10);
  EXPECT_EQ(spacing(options, 0, 0.0), 57s);
  EXPECT_EQ(spacing(options, 0, 0.5), 60s);
  EXPECT_LT(spacing(options, 0, 0.999999), 63s);
  EXPECT_GT(spacing(options, 0, 0.999), 62'900ms);
  EXPECT_EQ(spacing(every(60s), 0, 0.9), 60s);
  EXPECT_EQ(spacing(every(60s, 100), 0, 0.0), 30s);
}

TEST(WatchSchedule, FailuresInARowSpreadPassesWithinBounds) {
  const std::vector<milliseconds> expected = {60s, 60s, 120s, 240s, 480s, 600s, 600s, 600s};
  for (unsigned failures = 0; failures < expected.size(); ++failures)
    EXPECT_EQ(spacing(every(60s), failures, 0.5), expected[failures]) << failures;
  EXPECT_EQ(spacing(every(1s), 1000, 0.5), 10s) << "ten intervals at most";
  EXPECT_EQ(spacing(every(1h), 1000, 0.5), 1h) << "never sooner than the interval";
  EXPECT_EQ(spacing(every(24h * 365), 4'000'000'000U, 0.5), 24h * 365);
}

/// A loop whose passes take virtual time and go as the test says.
class WatchLoopTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  struct Seen {
    milliseconds at;
    PassSummary summary;
    Outlook outlook;
  };

  /// What the next pass is like; ends by itself unless it is cut short.
  std::function<PassSummary(std::size_t number)> pass_ = [](std::size_t) { return PassSummary{}; };
  milliseconds takes_ = 10s;
  /// Runs beside the loop.
  std::function<async::Task<void>(async::Runtime&, WatchLoop&)> beside_;
  /// Called after each.
  std::function<void(WatchLoop&, std::size_t number)> after_;

  PassSummary run(const WatchOptions& options) {
    auto runtime = async::make_deterministic_runtime({.seed = GetParam()});
    begun_ = runtime->now();
    WatchLoop::Actions actions;
    actions.pass = [this, &runtime] { return one_pass(*runtime); };
    actions.cut_short = [this] {
      if (running_ != nullptr) running_->cancel();
      was_cut_ = true;
    };
    actions.on_pass = [this](const PassSummary& summary, const Outlook& outlook) {
      seen_.push_back({starts_.back(), summary, outlook});
      if (after_) after_(*loop_, seen_.size());
    };
    WatchLoop loop(*runtime, options, std::move(actions));
    loop_ = &loop;
    PassSummary last;
    runtime->run([&]() { return everything(*runtime, loop, last); });
    return last;
  }

  std::vector<milliseconds> starts_;
  std::vector<Seen> seen_;

 private:
  static async::Task<void> sleep(async::Runtime& runtime, milliseconds time) {
    co_await runtime.sleep_for(time);
  }
  async::Task<PassSummary> one_pass(async::Runtime& runtime) {
    EXPECT_EQ(running_, nullptr) << "two passes at once";
    starts_.push_back(std::chrono::duration_cast<milliseconds>(runtime.now() - begun_));
    async::TaskGroup running;
    running_ = &running;
    was_cut_ = false;
    running.spawn(runtime.executor(async::Role::data), sleep(runtime, takes_));
    co_await running.join();
    running_ = nullptr;
    PassSummary summary = pass_(starts_.size());
    summary.interrupted = was_cut_;
    co_return summary;
  }
  async::Task<void> everything(async::Runtime& runtime, WatchLoop& loop, PassSummary& last) {
    async::TaskGroup others;
    if (beside_) others.spawn(runtime.executor(async::Role::data), beside_(runtime, loop));
    last = co_await loop.run();
    co_await others.join();
  }

  SteadyTime begun_;
  WatchLoop* loop_ = nullptr;
  async::TaskGroup* running_ = nullptr;
  bool was_cut_ = false;
};

PassSummary failed_pass() {
  PassSummary summary;
  summary.failure = Error(ErrorKind::unreachable, "down");
  return summary;
}

using Times = std::vector<milliseconds>;

TEST_P(WatchLoopTest, PassesStartAnIntervalApartAndNeverOverlap) {
  WatchOptions options = every(60s);
  options.max_passes = 4;
  run(options);
  EXPECT_EQ(starts_, (Times{0s, 60s, 120s, 180s}));
  starts_.clear();
  takes_ = 70s;
  run(options);
  EXPECT_EQ(starts_, (Times{0s, 70s, 140s, 210s})) << "one that takes longer delays the next";
}

TEST_P(WatchLoopTest, FailedPassesAreTriedLessAndLessOften) {
  WatchOptions options = every(60s);
  options.max_passes = 6;
  pass_ = [](std::size_t number) { return number <= 4 ? failed_pass() : PassSummary{}; };
  run(options);
  EXPECT_EQ(starts_, (Times{0s, 60s, 180s, 420s, 900s, 960s}));
  EXPECT_EQ(seen_[3].outlook.failures, 4u);
  EXPECT_EQ(seen_[3].outlook.next, 470s) << "from the end of the pass";
  EXPECT_EQ(seen_[4].outlook.failures, 0u);
}

TEST_P(WatchLoopTest, SoManyFailuresInARowEndIt) {
  WatchOptions options = every(1s);
  options.max_failures = 3;
  takes_ = 0s;
  pass_ = [](std::size_t number) { return number == 3 ? PassSummary{} : failed_pass(); };
  const PassSummary last = run(options);
  EXPECT_EQ(seen_.size(), 6u) << "a success in between begins the count anew";
  EXPECT_FALSE(seen_.back().outlook.next);
  EXPECT_TRUE(last.failure);
  EXPECT_FALSE(last.interrupted);
}

TEST_P(WatchLoopTest, AWantedPassBeginsAtOnceAndOnlyOnce) {
  WatchOptions options = every(60s);
  options.max_passes = 4;
  beside_ = [](async::Runtime& runtime, WatchLoop& loop) -> async::Task<void> {
    co_await runtime.sleep_for(25s);
    loop.pass_now();
    co_await runtime.sleep_for(5s);  // while it runs: once more after it
    loop.pass_now();
    loop.pass_now();
  };
  run(options);
  EXPECT_EQ(starts_, (Times{0s, 25s, 35s, 95s}));
  EXPECT_EQ(seen_[1].outlook.next, 0s);
}

TEST_P(WatchLoopTest, ANewIntervalCountsAtOnce) {
  WatchOptions options = every(1h);
  options.max_passes = 3;
  beside_ = [](async::Runtime& runtime, WatchLoop& loop) -> async::Task<void> {
    co_await runtime.sleep_for(20s);
    loop.set_interval(30s, 0);
    co_await runtime.sleep_for(15s);
    loop.set_interval(20s, 0);
  };
  run(options);
  EXPECT_EQ(starts_, (Times{0s, 30s, 50s}));
}

TEST_P(WatchLoopTest, TheTimeLimitCutsAPassShortAndAnswersWithTheOneBefore) {
  WatchOptions options = every(60s);
  options.max_duration = 65s;
  pass_ = [](std::size_t number) {
    PassSummary summary;
    summary.progress.listed = number;
    return summary;
  };
  const PassSummary last = run(options);
  EXPECT_EQ(starts_, (Times{0s, 60s}));
  EXPECT_TRUE(seen_.back().summary.interrupted);
  EXPECT_EQ(last.progress.listed, 1u);
  EXPECT_FALSE(last.interrupted);
}

TEST_P(WatchLoopTest, TheTimeLimitEndsAPause) {
  WatchOptions options = every(60s);
  options.max_duration = 30s;
  const PassSummary last = run(options);
  EXPECT_EQ(starts_, (Times{0s}));
  EXPECT_FALSE(last.interrupted);
}

TEST_P(WatchLoopTest, AStopEndsItInAPauseToo) {
  beside_ = [](async::Runtime& runtime, WatchLoop& loop) -> async::Task<void> {
    co_await runtime.sleep_for(100s);
    loop.stop();
  };
  const PassSummary last = run(every(60s));
  EXPECT_EQ(starts_, (Times{0s, 60s}));
  EXPECT_TRUE(last.interrupted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatchLoopTest, ::testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace sluice::mirror
