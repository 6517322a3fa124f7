#include "transfer/concurrency.hpp"

#include "async/group.hpp"
#include "async/runtime.hpp"
#include "transfer/retry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;

TEST(Concurrency, IsHalvedOnceARoundAndGrowsByOneARound) {
  Concurrency concurrency(8);
  std::vector<Concurrency::Slot> slots;
  for (int i = 0; i < 8; ++i)
    slots.push_back(*concurrency.try_enter());
  EXPECT_FALSE(concurrency.try_enter());
  for (Concurrency::Slot& slot : slots)
    slot.failed(ErrorKind::throttled);  // all were under way when the first was turned away
  EXPECT_EQ(concurrency.limit(), 4u);
  slots.clear();

  for (const unsigned expected : {2u, 1u, 1u}) {
    concurrency.try_enter()->failed(ErrorKind::throttled);
    EXPECT_EQ(concurrency.limit(), expected);
  }
  // 1 + 2 + … + 7 answers bring it back to where it began, and no further.
  for (int i = 0; i < 28; ++i) {
    EXPECT_LT(concurrency.limit(), 8u) << i;
    concurrency.try_enter()->succeeded();
  }
  EXPECT_EQ(concurrency.limit(), 8u);
  concurrency.try_enter()->succeeded();
  EXPECT_EQ(concurrency.limit(), 8u);
}

TEST(Concurrency, OnlySlowDownLowersItAndNothingIfPinned) {
  Concurrency concurrency(8);
  for (const ErrorKind kind :
       {ErrorKind::transient, ErrorKind::unreachable, ErrorKind::missing_key})
    concurrency.try_enter()->failed(kind);
  EXPECT_EQ(concurrency.limit(), 8u);
  Concurrency pinned(8, true);
  pinned.try_enter()->failed(ErrorKind::throttled);
  EXPECT_EQ(pinned.limit(), 8u);
}

/// A server that turns away what exceeds its capacity.
struct Server {
  async::Runtime& runtime;
  unsigned capacity;
  unsigned now = 0;
  unsigned most = 0;
  unsigned turned_away = 0;
  unsigned served = 0;

  async::Task<Result<int>> answer() {
    ++now;
    most = std::max(most, now);
    const bool too_many = now > capacity;
    co_await runtime.sleep_for(10ms);
    --now;
    if (too_many) {
      ++turned_away;
      co_return Error(ErrorKind::throttled, "SlowDown");
    }
    ++served;
    co_return 1;
  }
};

class Silent final : public RetryListener {
 public:
  void on_retry(const Error&, unsigned, std::chrono::milliseconds) override {}
};

async::Task<void> ask(Server& server, Concurrency& concurrency, int times) {
  Silent listener;
  RetryPolicy patient;
  patient.max_attempts = 1000;
  const std::function<async::Task<Result<int>>()> attempt = [&server] { return server.answer(); };
  for (int i = 0; i < times; ++i) {
    const auto got =
        co_await with_retry<int>(server.runtime, patient, listener, attempt, &concurrency);
    EXPECT_TRUE(got);
  }
}

TEST(Concurrency, FallsToWhatTheServerBearsAndRecovers) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    auto runtime = async::make_deterministic_runtime({.seed = seed});
    Concurrency concurrency(32);
    Server server{*runtime, 5};
    runtime->run([&]() -> async::Task<void> {
      const auto executor = runtime->executor(async::Role::data, 0);
      async::TaskGroup group;
      for (int i = 0; i < 32; ++i)
        group.spawn(executor, ask(server, concurrency, 40));
      co_await group.join();
      EXPECT_EQ(server.served, 32u * 40);
      EXPECT_EQ(server.most, 32u);
      // Unlimited, most of what the 32 ask for would be turned away, time and again.
      EXPECT_LT(server.turned_away, server.served / 4) << "seed " << seed;

      server.capacity = 1000;
      server.most = 0;
      async::TaskGroup more;
      for (int i = 0; i < 32; ++i)
        more.spawn(executor, ask(server, concurrency, 40));
      co_await more.join();
      EXPECT_EQ(server.most, 32u) << "seed " << seed;
    });
    EXPECT_EQ(concurrency.limit(), 32u);
    EXPECT_EQ(concurrency.in_use(), 0u);
  }
}

TEST(Concurrency, CancelledWaitersLeaveTheOthersTheirTurn) {
  auto runtime = async::make_deterministic_runtime({.seed = 1});
  Concurrency concurrency(1);
  Server server{*runtime, 1000};
  runtime->run([&]() -> async::Task<void> {
    const auto executor = runtime->executor(async::Role::data, 0);
    async::TaskGroup stays;
    async::TaskGroup goes;
    for (int i = 0; i < 4; ++i) {
      stays.spawn(executor, ask(server, concurrency, 5));
      goes.spawn(executor, ask(server, concurrency, 1000));
    }
    co_await runtime->sleep_for(35ms);
    goes.cancel();
    co_await goes.join();
    co_await stays.join();
  });
  EXPECT_GE(server.served, 20u);
  EXPECT_EQ(server.most, 1u);
  EXPECT_EQ(concurrency.in_use(), 0u);
}

}  // namespace
}  // namespace sluice::transfer
