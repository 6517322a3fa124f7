#include "async/queue.hpp"

#include "async/group.hpp"
#include "both_runtimes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

class Queue : public BothRuntimes {};
SLUICE_ON_BOTH_RUNTIMES(Queue);

Task<void> produce(BoundedQueue<int>& queue, int first, int count, std::atomic<int>& producers) {
  for (int i = 0; i < count; ++i) {
    int item = first + i;
    EXPECT_TRUE(co_await queue.push(item));
  }
  if (--producers == 0) queue.close();
}

Task<void> consume(BoundedQueue<int>& queue, std::atomic<long>& sum, std::atomic<int>& count,
                   std::size_t limit) {
  for (;;) {
    EXPECT_LE(queue.size(), limit);
    const auto item = co_await queue.pop();
    if (!item) co_return;
    sum += *item;
    ++count;
  }
}

TEST_P(Queue, EveryItemArrivesOnceBetweenRoles) {
  auto runtime = make_runtime();
  BoundedQueue<int> queue(7);
  std::atomic<long> sum = 0;
  std::atomic<int> count = 0;
  std::atomic<int> producers = 3;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    group.spawn(runtime->executor(Role::control), produce(queue, 0, 1000, producers));
    group.spawn(runtime->executor(Role::decide), produce(queue, 1000, 1000, producers));
    group.spawn(runtime->executor(Role::publish), produce(queue, 2000, 1000, producers));
    for (unsigned i = 0; i < 6; ++i)
      group.spawn(runtime->executor(Role::data, i), consume(queue, sum, count, 7));
    co_await group.join();
  });
  EXPECT_EQ(count, 3000);
  EXPECT_EQ(sum, 2999L * 3000 / 2);
}

TEST_P(Queue, KeepsOrderAndDrainsAfterClose) {
  auto runtime = make_runtime();
  BoundedQueue<int> queue(10);
  std::vector<int> seen;
  bool refused = false;
  runtime->run([&]() -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      int item = i;
      co_await queue.push(item);
    }
    queue.close();
    int late = 9;
    refused = !co_await queue.push(late);
    while (const auto item = co_await queue.pop())
      seen.push_back(*item);
  });
  EXPECT_TRUE(refused);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
}

Task<void> pop_until_closed(BoundedQueue<int>& queue, std::atomic<int>& count) {
  for (;;) {
    const auto item = co_await queue.pop();
    if (!item) co_return;
    ++count;
  }
}

TEST_P(Queue, WakeUpOfACancelledConsumerIsNotLost) {
  auto runtime = make_runtime();
  BoundedQueue<int> queue(100);
  std::atomic<int> count = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup doomed;
    TaskGroup staying;
    for (unsigned i = 0; i < 8; ++i)
      doomed.spawn(runtime->executor(Role::data, i), pop_until_closed(queue, count));
    staying.spawn(runtime->executor(Role::data, 0), pop_until_closed(queue, count));
    co_await runtime->sleep_for(1ms);
    for (int i = 0; i < 50; ++i) {
      int item = i;
      co_await queue.push(item);
      if (i == 20) doomed.cancel();
    }
    co_await doomed.join();
    queue.close();
    co_await staying.join();
  });
  EXPECT_EQ(count, 50);
}

Task<void> push_one(BoundedQueue<int>& queue, std::atomic<int>& pushed) {
  int item = 1;
  if (co_await queue.push(item)) ++pushed;
}

TEST_P(Queue, CloseWakesProducersThatWait) {
  auto runtime = make_runtime();
  BoundedQueue<int> queue(1);
  std::atomic<int> pushed = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    for (unsigned i = 0; i < 4; ++i)
      group.spawn(runtime->executor(Role::data, i), push_one(queue, pushed));
    co_await runtime->sleep_for(5ms);
    queue.close();
    co_await group.join();
  });
  EXPECT_EQ(pushed, 1);
}

TEST_P(Queue, WithoutWaitingItTakesWhatHasRoom) {
  auto runtime = make_runtime();
  BoundedQueue<int> queue(2);
  std::atomic<long> sum = 0;
  std::atomic<int> count = 0;
  runtime->run([&]() -> Task<void> {
    TaskGroup group;
    group.spawn(runtime->executor(Role::data), consume(queue, sum, count, 2));
    co_await runtime->sleep_for(5ms);
    int item = 1;
    EXPECT_TRUE(queue.try_push(item));  // wakes the consumer
    while (count == 0)
      co_await runtime->sleep_for(1ms);
    queue.close();
    EXPECT_FALSE(queue.try_push(item));
    co_await group.join();
  });
  EXPECT_EQ(sum, 1);
  BoundedQueue<int> full(2);
  int item = 3;
  EXPECT_TRUE(full.try_push(item));
  EXPECT_TRUE(full.try_push(item));
  EXPECT_FALSE(full.try_push(item));
  EXPECT_EQ(full.size(), 2u);
}

}  // namespace
}  // namespace sluice::async
