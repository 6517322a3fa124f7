#include "async/group.hpp"

#include "async/deadline.hpp"
#include "async/queue.hpp"
#include "both_runtimes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

class Group : public BothRuntimes {};
SLUICE_ON_BOTH_RUNTIMES(Group);

struct CountsDown {
  explicit CountsDown(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~CountsDown() { --alive_; }
  CountsDown(const CountsDown&) = delete;
  CountsDown& operator=(const CountsDown&) = delete;
  std::atomic<int>& alive_;
};

Task<void> sleep_long(Runtime& runtime, std::atomic<int>& alive) {
  const CountsDown here(alive);
  co_await runtime.sleep_for(1h);
}

Task<void> fail_after(Runtime& runtime, SteadyClock::duration delay) {
  co_await runtime.sleep_for(delay);
  throw std::runtime_error("boom");
}

TEST_P(Group, CancelUnwindsEveryChildBeforeJoinReturns) {
  auto runtime = make_runtime();
  std::atomic<int> alive = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    for (unsigned i = 0; i < 10; ++i)
      group.spawn(runtime->executor(Role::data, i), sleep_long(*runtime, alive));
    co_await runtime->sleep_for(1ms);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(alive, 0);
  });
}

TEST_P(Group, FailureOfOneCancelsTheOthersAndIsRethrown) {
  auto runtime = make_runtime();
  std::atomic<int> alive = 0;
  EXPECT_THROW(runtime->run([&]() -> Task<void> {
    TaskGroup group;
    group.spawn(runtime->executor(Role::verify), sleep_long(*runtime, alive));
    group.spawn(runtime->executor(Role::data, 1), fail_after(*runtime, 1ms));
    co_await group.join();
  }),
               std::runtime_error);
  EXPECT_EQ(alive, 0);
}

Task<void> parent_of_sleepers(Runtime& runtime, std::atomic<int>& alive, bool& unwound) {
  TaskGroup inner;
  inner.spawn(runtime.executor(Role::data, 0), sleep_long(runtime, alive));
  inner.spawn(runtime.executor(Role::data, 1), sleep_long(runtime, alive));
  try {
    co_await inner.join();
  } catch (...) {
    unwound = alive == 0 && is_cancellation(std::current_exception());
    throw;
  }
}

TEST_P(Group, CancelledParentWaitsForItsChildren) {
  auto runtime = make_runtime();
  std::atomic<int> alive = 0;
  bool unwound = false;
  runtime->run([&]() -> Task<void> {
    TaskGroup outer;
    outer.spawn(runtime->executor(Role::decide), parent_of_sleepers(*runtime, alive, unwound));
    co_await runtime->sleep_for(1ms);
    outer.cancel();
    co_await outer.join();
  });
  EXPECT_TRUE(unwound);
  EXPECT_EQ(alive, 0);
}

Task<void> note(std::atomic<int>& started) {
  ++started;
  co_return;
}

Task<void> cancel_when(std::atomic<bool>& begun, TaskGroup& group) {
  while (!begun)
    ;
  group.cancel();
  co_return;
}

TEST(ThreadedGroup, CancelledByAnotherThreadWhileItSpawns) {
  constexpr int kTimes = 2000;
  auto runtime = make_threaded_runtime({.data_shards = 2});
  std::atomic<int> alive = 0;
  runtime->run([&]() -> Task<void> {
    for (int time = 0; time < kTimes; ++time) {
      std::atomic<bool> begun = false;
      TaskGroup group;
      TaskGroup canceller;
      canceller.spawn(runtime->executor(Role::verify), cancel_when(begun, group));
      for (unsigned i = 0; i < 4; ++i) {
        begun = true;
        group.spawn(runtime->executor(Role::data, i), sleep_long(*runtime, alive));
      }
      co_await canceller.join();
      co_await group.join();  // for an hour, should one child not hear of it
      EXPECT_EQ(alive, 0);
    }
  });
}

TEST_P(Group, EmptyGroupJoinsAtOnceAndMayBeUsedAgain) {
  auto runtime = make_runtime();
  std::atomic<int> started = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    co_await group.join();
    group.spawn(runtime->executor(Role::publish), note(started));
    co_await group.join();
  });
  EXPECT_EQ(started, 1);
}

Task<int> answer_after(Runtime& runtime, SteadyClock::duration delay) {
  co_await runtime.sleep_for(delay);
  co_return 42;
}

TEST_P(Group, DeadlineGivesTheValueOrNothing) {
  auto runtime = make_runtime();
  runtime->run([&]() -> Task<void> {
    const auto soon = co_await until(*runtime, runtime->now() + 10s, answer_after(*runtime, 1ms));
    EXPECT_EQ(soon, 42);
    const auto late = co_await until(*runtime, runtime->now() + 2ms, answer_after(*runtime, 1h));
    EXPECT_EQ(late, std::nullopt);
  });
}

TEST(DeterministicRuntime, SameSeedSameOrder) {
  const auto trace = [](std::uint64_t seed) {
    auto runtime = make_deterministic_runtime({.seed = seed, .data_shards = 3});
    std::vector<int> order;
    runtime->run([&]() -> Task<void> {
      TaskGroup group;
      for (int i = 0; i < 12; ++i)
        group.spawn(runtime->executor(Role::data, static_cast<unsigned>(i)),
                    [](std::vector<int>& seen, int id) -> Task<void> {
                      seen.push_back(id);
                      co_return;
                    }(order, i));
      co_await group.join();
    });
    return order;
  };
  EXPECT_EQ(trace(7), trace(7));
  bool differs = false;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    differs = differs || trace(seed) != trace(7);
  EXPECT_TRUE(differs);
}

TEST(DeterministicRuntime, VirtualTimeIsNotWaitedFor) {
  auto runtime = make_deterministic_runtime({.seed = 1});
  const auto before = SteadyClock::now();
  runtime->run([&]() -> Task<void> { co_await runtime->sleep_for(std::chrono::hours(1000)); });
  EXPECT_LT(SteadyClock::now() - before, std::chrono::seconds(10));
  EXPECT_GE(runtime->now().time_since_epoch(), std::chrono::hours(1000));
}

TEST(DeterministicRuntime, DeadlockNamesTheSeed) {
  auto runtime = make_deterministic_runtime({.seed = 4711});
  BoundedQueue<int> queue(1);
  try {
    runtime->run([&]() -> Task<void> { co_await queue.pop(); });
    FAIL() << "a deadlock went unnoticed";
  } catch (const std::logic_error& e) {
    EXPECT_NE(std::string(e.what()).find("4711"), std::string::npos);
  }
  queue.close();  // frees the task that waits for it
}

}  // namespace
}  // namespace sluice::async
