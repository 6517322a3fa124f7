#include "async/budget.hpp"

#include "async/group.hpp"
#include "both_runtimes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

class Budget : public BothRuntimes {};
SLUICE_ON_BOTH_RUNTIMES(Budget);

Task<void> hold(Runtime& runtime, ByteBudget& budget, std::uint64_t bytes, int times,
                std::atomic<std::uint64_t>& most) {
  for (int i = 0; i < times; ++i) {
    const ByteLease lease = co_await budget.acquire(bytes);
    std::uint64_t seen = most;
    const std::uint64_t now = budget.in_use();
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    co_await runtime.sleep_for(50us);
  }
}

TEST_P(Budget, NeverExceedsItsLimit) {
  auto runtime = make_runtime();
  ByteBudget budget(100);
  std::atomic<std::uint64_t> most = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    for (unsigned i = 0; i < 10; ++i)
      group.spawn(runtime->executor(Role::data, i), hold(*runtime, budget, 10 + i * 8, 20, most));
    co_await group.join();
  });
  EXPECT_LE(most, 100u);
  EXPECT_GT(most, 0u);
  EXPECT_EQ(budget.in_use(), 0u);
}

TEST_P(Budget, ARequestBeyondTheLimitIsGrantedAlone) {
  auto runtime = make_runtime();
  ByteBudget budget(100);
  std::atomic<std::uint64_t> most = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    group.spawn(runtime->executor(Role::data, 0), hold(*runtime, budget, 50, 10, most));
    group.spawn(runtime->executor(Role::data, 1), hold(*runtime, budget, 500, 10, most));
    co_await group.join();
  });
  EXPECT_EQ(most, 500u);
  EXPECT_EQ(budget.in_use(), 0u);
}

Task<void> take(ByteBudget& budget, std::uint64_t bytes, int id, std::vector<int>& order) {
  const ByteLease lease = co_await budget.acquire(bytes);
  order.push_back(id);
}

TEST_P(Budget, LargeRequestIsNotOvertaken) {
  auto runtime = make_runtime();
  ByteBudget budget(100);
  std::vector<int> order;
  runtime->run([&]() -> Task<void> {
    ByteLease held = co_await budget.acquire(60);
    TaskGroup group;
    const auto control = runtime->executor(Role::control);
    group.spawn(control, take(budget, 80, 1, order));
    co_await runtime->sleep_for(1ms);
    group.spawn(control, take(budget, 10, 2, order));
    co_await runtime->sleep_for(1ms);
    EXPECT_TRUE(order.empty());
    held.release();
    co_await group.join();
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_P(Budget, CancelledRequestsGiveBackWhatTheyHad) {
  auto runtime = make_runtime();
  ByteBudget budget(10);
  std::atomic<std::uint64_t> most = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup doomed;
    for (unsigned i = 0; i < 20; ++i)
      doomed.spawn(runtime->executor(Role::data, i), hold(*runtime, budget, 6, 1000, most));
    co_await runtime->sleep_for(2ms);
    doomed.cancel();
    co_await doomed.join();
    const ByteLease all = co_await budget.acquire(10);
    EXPECT_EQ(budget.in_use(), 10u);
  });
  EXPECT_EQ(budget.in_use(), 0u);
}

Task<void> take_and_release(ByteBudget& budget, bool& granted) {
  const ByteLease lease = co_await budget.acquire(30);
  granted = true;
}

TEST_P(Budget, WithoutWaitingThereIsOnlyWhatIsFreeAndNobodyWaitsFor) {
  auto runtime = make_runtime();
  ByteBudget budget(100);
  bool granted = false;
  runtime->run([&]() -> Task<void> {
    auto most = budget.try_acquire(80);
    EXPECT_TRUE(most.has_value());
    EXPECT_FALSE(budget.try_acquire(30).has_value());
    TaskGroup group;
    group.spawn(runtime->executor(Role::control), take_and_release(budget, granted));
    co_await runtime->sleep_for(5ms);
    // 20 are free, but somebody was there first.
    EXPECT_FALSE(budget.try_acquire(10).has_value());
    EXPECT_FALSE(granted);
    most.reset();
    co_await group.join();
  });
  EXPECT_TRUE(granted);
  EXPECT_EQ(budget.in_use(), 0u);
  EXPECT_EQ(budget.try_acquire(500)->bytes(), 500u);
  EXPECT_EQ(budget.in_use(), 0u);
}

}  // namespace
}  // namespace sluice::async
