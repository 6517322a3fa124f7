#include "http/watchdog.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using Phase = PhaseClock::Phase;

const SteadyTime t0{1h};

TEST(PhaseClock, IdleNeverEnds) {
  PhaseClock clock;
  EXPECT_FALSE(clock.is_over(t0));
  clock.enter(Phase::awaiting, t0, 1s);
  clock.enter(Phase::idle, t0, {});
  EXPECT_FALSE(clock.is_over(t0 + 1h));
}

TEST(PhaseClock, APhaseEndsAtItsLimit) {
  PhaseClock clock;
  clock.enter(Phase::connecting, t0, 5s);
  EXPECT_FALSE(clock.is_over(t0 + 4999ms));
  EXPECT_TRUE(clock.is_over(t0 + 5s));
  EXPECT_EQ(clock.limit(), 5s);
}

TEST(PhaseClock, BodyMustKeepComing) {
  PhaseClock clock;
  clock.enter_body(t0, 30s, 1024);
  clock.set_body_bytes(1024);
  EXPECT_FALSE(clock.is_over(t0 + 30s));
  clock.set_body_bytes(1024 + 1023);
  EXPECT_FALSE(clock.is_over(t0 + 59s));
  EXPECT_TRUE(clock.is_over(t0 + 60s));
}

TEST(PhaseClock, BytesOfOneBodyDoNotCountForTheNext) {
  PhaseClock clock;
  clock.enter_body(t0, 30s, 1024);
  clock.set_body_bytes(5000);
  clock.enter_body(t0 + 1s, 30s, 1024);
  EXPECT_TRUE(clock.is_over(t0 + 31s));
}

TEST(PhaseClock, BlockedTimeIsGivenBack) {
  PhaseClock clock;
  clock.enter(Phase::awaiting, t0, 10s);
  clock.extend(3s);
  EXPECT_FALSE(clock.is_over(t0 + 12s));
  EXPECT_TRUE(clock.is_over(t0 + 13s));
}

TEST(PhaseClock, NoTimeGoesByWhileSuspended) {
  PhaseClock clock;
  clock.enter_body(t0, 30s, 1024);
  clock.suspend(t0 + 10s);
  EXPECT_FALSE(clock.is_over(t0 + 1h));
  clock.resume(t0 + 1h);
  EXPECT_FALSE(clock.is_over(t0 + 1h + 19s));
  EXPECT_TRUE(clock.is_over(t0 + 1h + 20s));
}

struct Fake final : Watched {
  PhaseClock& phase_clock() noexcept override { return clock; }
  void give_up() noexcept override { given_up = true; }
  PhaseClock clock;
  bool given_up = false;
};

class WatchdogTest : public ::testing::Test {
 protected:
  std::shared_ptr<Watchdog> make(std::function<void(SteadyTime)> sweep = [](SteadyTime) {}) {
    return std::make_shared<Watchdog>(*runtime_, runtime_->executor(async::Role::control), 10ms,
                                      std::move(sweep));
  }
  std::unique_ptr<async::Runtime> runtime_ = async::make_threaded_runtime({});
};

TEST_F(WatchdogTest, EndsWhatIsOverAndRunsOnlyWhileSomethingIsWatched) {
  runtime_->run([&]() -> async::Task<void> {
    unsigned sweeps = 0;
    const auto dog = make([&sweeps](SteadyTime) { ++sweeps; });
    EXPECT_FALSE(dog->is_running());
    Fake slow;
    Fake fine;
    slow.clock.enter(Phase::awaiting, runtime_->now(), 30ms);
    fine.clock.enter(Phase::awaiting, runtime_->now(), 1h);
    dog->add(slow);
    dog->add(fine);
    EXPECT_TRUE(dog->is_running());
    for (int tries = 0; !(slow.given_up && sweeps > 1) && tries < 2000; ++tries)
      co_await runtime_->sleep_for(5ms);
    EXPECT_TRUE(slow.given_up);
    EXPECT_FALSE(fine.given_up);
    EXPECT_GT(sweeps, 1u);
    dog->remove(slow);
    dog->remove(fine);
    for (int tries = 0; dog->is_running() && tries < 2000; ++tries)
      co_await runtime_->sleep_for(5ms);
    EXPECT_FALSE(dog->is_running());
    const unsigned before = sweeps;
    co_await runtime_->sleep_for(50ms);
    EXPECT_EQ(sweeps, before);
  });
}

TEST_F(WatchdogTest, TimeInWhichTheThreadWasBlockedIsNotCounted) {
  runtime_->run([&]() -> async::Task<void> {
    const auto dog = make();
    Fake fake;
    dog->add(fake);
    co_await runtime_->sleep_for(20ms);
    fake.clock.enter(Phase::awaiting, runtime_->now(), 300ms);
    std::this_thread::sleep_for(900ms);
    co_await runtime_->sleep_for(50ms);
    EXPECT_FALSE(fake.given_up);
    for (int tries = 0; !fake.given_up && tries < 2000; ++tries)
      co_await runtime_->sleep_for(10ms);
    EXPECT_TRUE(fake.given_up);
    dog->remove(fake);
  });
}

TEST_F(WatchdogTest, MayBeDestroyedAtAnyTime) {
  runtime_->run([&]() -> async::Task<void> {
    Fake fake;
    auto dog = make();
    dog->add(fake);
    dog->remove(fake);
    dog.reset();
    co_await runtime_->sleep_for(30ms);
  });
}

}  // namespace
}  // namespace sluice::http
