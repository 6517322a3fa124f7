#include "transfer/limit_finder.hpp"

#include "transfer/concurrency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;

/// A server at the other end of a round trip, that serves requests one after the other and bodies
/// over a line that they share.
struct Place {
  const char* name;
  std::chrono::microseconds round_trip;
  std::chrono::microseconds a_request;  ///< of the server's time, 0: any number at once
  double bytes_per_second;              ///< of the line
  std::uint64_t body_bytes;
  /// The limits from which nearly as much is done as can be, up to those that gain nothing more.
  unsigned good_least;
  unsigned good_most;
};

/// The server, and always as many requests at it as the limit allows; in virtual time.
class World {
 public:
  World(const Place& place, std::uint64_t seed, LimitBounds bounds = {})
      : place_(place), random_(seed), limit_(bounds, received_) {}

  void become(const Place& place) { place_ = place; }
  void turn_away_beyond(std::size_t capacity) { capacity_ = capacity; }
  unsigned limit() const { return limit_.limit(); }
  std::uint64_t done() const { return done_; }
  std::uint64_t turned_away() const { return turned_away_; }

  /// For so long; `look` is called a hundred times on the way.
  void run(
      SteadyClock::duration length, const std::function<void()>& look = [] {}) {
    for (int i = 0; i < 100; ++i) {
      for (const SteadyTime until = now_ + length / 100; now_ < until;) {
        while (under_way_.size() < limit())
          send();
        receive();
      }
      look();
    }
  }

 private:
  struct Request {
    SteadyTime sent;
    SteadyTime answered;
    unsigned slowdowns;
    bool turned_away;
    bool operator>(const Request& other) const { return answered > other.answered; }
  };

  /// It takes its turn at the server and on the line, each free again once this one has passed.
  void send() {
    // Nothing takes always as long: a tenth more or less.
    const double luck = 0.9 + 0.2 * static_cast<double>(random_() % 1000) / 1000;
    const double line = luck * static_cast<double>(place_.body_bytes) / place_.bytes_per_second;
    server_free_ = std::max(server_free_, now_) + place_.a_request;
    line_free_ =
        std::max(line_free_, server_free_) + std::chrono::nanoseconds(std::llround(line * 1e9));
    const auto way = std::chrono::duration_cast<SteadyClock::duration>(luck * place_.round_trip);
    under_way_.push({now_, line_free_ + way, limit_.slowdowns(), under_way_.size() >= capacity_});
  }

  void receive() {
    const Request request = under_way_.top();
    under_way_.pop();
    now_ = request.answered;
    if (request.turned_away) {
      ++turned_away_;
      return limit_.slowed_down(request.slowdowns);
    }
    ++done_;
    received_ += place_.body_bytes;
    limit_.answered(now_, now_ - request.sent);
  }

  Place place_;
  std::mt19937_64 random_;
  std::size_t capacity_ = 1'000'000;
  std::atomic<std::uint64_t> received_ = 0;
  SharedLimit limit_;
  SteadyTime now_{};
  SteadyTime server_free_{};
  SteadyTime line_free_{};
  std::priority_queue<Request, std::vector<Request>, std::greater<>> under_way_;
  std::uint64_t turned_away_ = 0;
  std::uint64_t done_ = 0;
};

constexpr std::uint64_t kSmall = 4096;
constexpr std::uint64_t kLarge = 8 << 20;
constexpr double kFast = 1e11;

const Place kNear{"near, small", 1ms, 500us, kFast, kSmall, 16, 48};
const Place kFar{"30 ms, small", 30ms, 0us, kFast, kSmall, 230, 256};

const Place kPlaces[] = {
    kNear,
    kFar,
    {"200 ms, small", 200ms, 0us, kFast, kSmall, 230, 256},
    {"30 ms, 100 at once are all it can do", 30ms, 300us, kFast, kSmall, 75, 171},
    {"near, large", 1ms, 500us, 2e9, kLarge, 16, 48},
    {"30 ms, large, 1 GB/s", 30ms, 0us, 1e9, kLarge, 16, 48},
    {"200 ms, large, 2 GB/s: 48 parts under way", 200ms, 0us, 2e9, kLarge, 36, 96},
};

class LimitFinderTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(LimitFinderTest, RestsWhereNeitherMoreNorFewerPay) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.name) + ", seed " + std::to_string(GetParam()));
    World world(place, GetParam());
    world.run(10s);
    // What was found, whatever is being tried in this moment: the middle of many looks.
    std::vector<unsigned> limits;
    unsigned changes = 0;
    world.run(15s, [&] {
      if (!limits.empty() && limits.back() != world.limit()) ++changes;
      limits.push_back(world.limit());
    });
    EXPECT_LT(changes, 50u);
    std::nth_element(limits.begin(), limits.begin() + limits.size() / 2, limits.end());
    const unsigned found = limits[limits.size() / 2];
    EXPECT_GE(found, place.good_least);
    EXPECT_LE(found, place.good_most);
  }
}

/// From the first request on, its slow beginning included.
TEST_P(LimitFinderTest, DoesNearlyAsMuchAsTheBestPinnedLimit) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::string(place.name) + ", seed " + std::to_string(GetParam()));
    std::uint64_t best = 0;
    for (const unsigned pinned : {16u, 64u, 256u}) {
      World world(place, GetParam(), {pinned, pinned, pinned});
      world.run(5s);
      best = std::max(best, world.done());
    }
    World world(place, GetParam());
    world.run(5s);
    EXPECT_GE(world.done(), best * 85 / 100);
  }
}

TEST_P(LimitFinderTest, FollowsTheServer) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  World world(kFar, GetParam());
  world.run(10s);
  EXPECT_GE(world.limit(), 170u);
  world.become(kNear);
  world.run(30s);
  EXPECT_LE(world.limit(), 72u);
  world.become(kFar);
  world.run(30s);
  EXPECT_GE(world.limit(), 170u);
}

TEST_P(LimitFinderTest, FallsUnderSlowDownAndStaysNearWhatIsBorne) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  World world(kFar, GetParam());
  world.turn_away_beyond(40);
  world.run(30s);
  const std::uint64_t before = world.done();
  const std::uint64_t turned_away = world.turned_away();
  unsigned most = 0;
  world.run(30s, [&] { most = std::max(most, world.limit()); });
  EXPECT_LE(most, 80u);
  // 40 at once would be 40,000.
  EXPECT_GE(world.done() - before, 20'000u);
  EXPECT_LT(world.turned_away() - turned_away, 4'000u);
  world.turn_away_beyond(1'000'000);
  world.run(30s);
  EXPECT_GE(world.limit(), 170u);
}

TEST(LimitFinder, WindowsInWhichTransfersFoundNothingToDoSayNothing) {
  for (const bool starved : {false, true}) {
    LimitFinder finder({});
    SteadyTime now{};
    std::uint64_t received = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (starved && i % 4 == 0) finder.starved();
      now += std::chrono::nanoseconds(30ms) / finder.limit();
      finder.answered(now, 30ms, received += kSmall);
    }
    EXPECT_EQ(finder.limit() > 64, !starved);
  }
}

TEST(LimitFinder, WhereAnswersComeSoonFewerAreTriedFirst) {
  for (const auto took : {3ms, 30ms}) {
    LimitFinder finder({});
    SteadyTime now{};
    std::uint64_t received = 0;
    for (int i = 0; i < 100'000 && finder.limit() == 64; ++i) {
      now += std::chrono::nanoseconds(took) / 64;
      finder.answered(now, took, received += kSmall);
    }
    EXPECT_EQ(finder.limit(), took == 3ms ? 43u : 128u);
  }
}

/// What the listing tells before the first answer; the answers themselves tell more.
TEST(LimitFinder, BeginsWithTheLeastWhereTheServerIsNear) {
  LimitFinder finder({});
  finder.begin_with_least();
  EXPECT_EQ(finder.limit(), 16u);
  SteadyTime now{};
  std::uint64_t received = 0;
  unsigned tried = 0;
  for (int i = 0; i < 100'000 && tried < 64; ++i) {
    now += std::chrono::nanoseconds(3ms) / finder.limit();
    finder.answered(now, 3ms, received += kSmall);
    tried = finder.limit();
  }
  EXPECT_EQ(tried, 64u) << "that many answers more";
  finder.begin_with_least();
  EXPECT_EQ(finder.limit(), tried) << "what was measured counts";
  LimitFinder pinned({8, 8, 8});
  pinned.begin_with_least();
  EXPECT_EQ(pinned.limit(), 8u);
}

/// Where our own processors do as much with any number of requests: what each costs does not count.
TEST(LimitFinder, WhereOurProcessorsAreWhatLimitsTheLeastIsTriedFirst) {
  struct Case {
    std::uint64_t body_bytes;
    double busy;  ///< of the time
    unsigned tried;
  };
  for (const Case& place : {Case{kSmall, 0.95, 16}, Case{kSmall, 0.7, 128}, Case{kLarge, 0.95, 4},
                            Case{kLarge, 0.7, 128}}) {
    SteadyTime now{};
    const auto busy_seconds = [&now, &place] {
      return place.busy * std::chrono::duration<double>(now.time_since_epoch()).count();
    };
    LimitFinder finder({}, busy_seconds);
    std::uint64_t received = 0;
    const auto answers = [&](int count) {
      for (int i = 0; i < count; ++i) {
        now += 1ms;
        finder.answered(now, std::chrono::milliseconds(finder.limit()),
                        received += place.body_bytes);
      }
    };
    for (int i = 0; i < 100'000 && finder.limit() == 64; ++i)
      answers(1);
    EXPECT_EQ(finder.limit(), place.tried);
    if (place.tried == 128) continue;
    answers(1000);
    EXPECT_EQ(finder.limit(), place.tried) << "fewer did as much";
  }
}

/// The answers to what was asked before come slowly, those to what is asked now as fast as ever.
TEST(LimitFinder, ALeapIsJudgedByTheAnswersAfterIt) {
  SteadyTime now{};
  LimitFinder finder(
      {}, [&now] { return std::chrono::duration<double>(now.time_since_epoch()).count(); });
  std::uint64_t received = 0;
  const auto answer = [&](SteadyClock::duration after) {
    now += after;
    finder.answered(now, 640ms, received += kLarge);
  };
  for (int i = 0; i < 100'000 && finder.limit() == 64; ++i)
    answer(10ms);
  ASSERT_EQ(finder.limit(), 4u);
  for (int i = 0; i < 64; ++i)
    answer(25ms);
  for (int i = 0; i < 100; ++i)
    answer(10ms);
  EXPECT_EQ(finder.limit(), 4u);
}

/// Work that our processors bound differs from window to window where they are shared with others.
TEST(LimitFinder, WhereOurProcessorsAreWhatLimitsMoreIsNeverTried) {
  SteadyTime now{};
  LimitFinder finder(
      {}, [&now] { return std::chrono::duration<double>(now.time_since_epoch()).count(); });
  std::uint64_t received = 0;
  std::mt19937_64 random(1);
  unsigned most = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += std::chrono::microseconds(500 + random() % 1000);
    finder.answered(now, 64ms, received += kSmall);
    most = std::max(most, finder.limit());
  }
  EXPECT_EQ(most, 64u);
}

/// The leap lost much of the work: back, and then only a step.
TEST(LimitFinder, ALeapThatLosesIsNotMadeAgain) {
  SteadyTime now{};
  LimitFinder finder(
      {}, [&now] { return std::chrono::duration<double>(now.time_since_epoch()).count(); });
  std::uint64_t received = 0;
  unsigned leaps = 0;
  bool stepped = false;
  for (int i = 0; i < 200'000; ++i) {
    const unsigned before = finder.limit();
    now += before < 32 ? 2ms : 1ms;
    finder.answered(now, 64ms, received += kSmall);
    if (finder.limit() == 16) ++leaps;
    if (before == 64 && finder.limit() == 43) stepped = true;
  }
  EXPECT_GT(leaps, 0u);
  EXPECT_LT(leaps, 200u) << "answers while at the least";
  EXPECT_TRUE(stepped);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LimitFinderTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace sluice::transfer
