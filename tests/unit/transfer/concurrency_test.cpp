#include "transfer/concurrency.hpp"

#include "async/group.hpp"
#include "async/runtime.hpp"
#include "transfer/retry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <vector>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;

/// A limit from `least` to `most` that begins at its most, over `shards` data shards.
struct Limited {
  explicit Limited(LimitBounds bounds, unsigned shards = 1, std::uint64_t seed = 1)
      : runtime(async::make_deterministic_runtime({.seed = seed, .data_shards = shards})),
        limit(bounds, received) {
    for (unsigned shard = 0; shard < shards; ++shard)
      of_shard.emplace_back(*runtime, limit, shard, shards);
  }

  std::unique_ptr<async::Runtime> runtime;
  std::atomic<std::uint64_t> received = 0;
  SharedLimit limit;
  std::deque<Concurrency> of_shard;
};

TEST(Concurrency, IsHalvedOnceARoundAndGrowsByOneARound) {
  Limited limited({1, 8, 8});
  Concurrency& concurrency = limited.of_shard[0];
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
  Limited limited({1, 8, 8});
  for (const ErrorKind kind :
       {ErrorKind::transient, ErrorKind::unreachable, ErrorKind::missing_key})
    limited.of_shard[0].try_enter()->failed(kind);
  EXPECT_EQ(limited.limit.limit(), 8u);
  Limited pinned({8, 8, 8});
  pinned.of_shard[0].try_enter()->failed(ErrorKind::throttled);
  EXPECT_EQ(pinned.limit.limit(), 8u);
}

TEST(Concurrency, ShardsShareTheWholeAndEachHasOne) {
  for (const unsigned whole : {1u, 2u, 3u, 7u, 64u}) {
    const Limited limited({whole, whole, whole}, 3);
    unsigned sum = 0;
    for (const Concurrency& share : limited.of_shard) {
      EXPECT_GE(share.limit(), 1u);
      EXPECT_LE(share.limit(), (whole + 2) / 3);
      sum += share.limit();
    }
    EXPECT_EQ(sum, std::max(whole, 3u));
  }
}

TEST(Concurrency, SlowDownOfOneShardIsFeltByAll) {
  Limited limited({1, 16, 16}, 2);
  Concurrency::Slot one = *limited.of_shard[0].try_enter();
  Concurrency::Slot other = *limited.of_shard[1].try_enter();
  one.failed(ErrorKind::throttled);
  other.failed(ErrorKind::throttled);  // sent before the first was turned away
  EXPECT_EQ(limited.limit.limit(), 8u);
  EXPECT_EQ(limited.of_shard[1].limit(), 4u);
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
    Limited limited({1, 32, 32}, 1, seed);
    async::Runtime* const runtime = limited.runtime.get();
    Concurrency& concurrency = limited.of_shard[0];
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
  Limited limited({1, 1, 1});
  async::Runtime* const runtime = limited.runtime.get();
  Concurrency& concurrency = limited.of_shard[0];
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
