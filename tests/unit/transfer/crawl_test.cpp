#include "transfer/crawl.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;
using Others = CrawlWatch::Others;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr SteadyTime kStart{100s};

/// So many bodies of 8 MiB end at `when`, each after a second.
void end(PeerRates& peers, int count, SteadyTime when) {
  for (int i = 0; i < count; ++i)
    peers.ended(when, 8 * kMiB, 1s);
}

TEST(PeerRates, TheMedianOfThoseThatEndedLately) {
  PeerRates peers;
  EXPECT_FALSE(peers.median_since(SteadyTime::min()));
  for (const std::uint64_t bytes : {8 * kMiB, kMiB, 4 * kMiB})
    peers.ended(kStart, bytes, 1s);
  peers.ended(kStart, 4096, 10s);  // small: not counted
  EXPECT_FALSE(peers.median_since(SteadyTime::min()));
  peers.ended(kStart + 1s, 2 * kMiB, 1s);
  EXPECT_EQ(peers.median_since(kStart), 4.0 * kMiB);
  EXPECT_FALSE(peers.median_since(kStart + 1s));
  end(peers, PeerRates::kPeers, kStart + 2s);  // those before are forgotten
  EXPECT_EQ(peers.median_since(kStart), 8.0 * kMiB);
}

TEST(CrawlWatch, GivesUpWhatIsFarBelowItsPeers) {
  struct Case {
    const char* name;
    SteadyClock::duration peers_ended;  ///< after the body began
    int peers;
    SteadyClock::duration looked;
    std::uint64_t done;
    Others others;
    bool given_up;
  };
  const Case cases[] = {
      {"an eighth and a bit", 2s, 16, 4s, 4 * kMiB + 1, Others::busy, false},
      {"less than an eighth", 2s, 16, 4s, 4 * kMiB - 1, Others::busy, true},
      {"nothing", 2s, 16, 30s, 1, Others::busy, true},
      {"too early to say", 2s, 16, 3999ms, 1, Others::busy, false},
      {"too few peers", 2s, 3, 4s, 1, Others::busy, false},
      {"all may have become slow", -1s, 16, 4s, 1, Others::busy, false},
      {"but nobody else wants the line", -1s, 16, 4s, 1, Others::idle, true},
  };
  for (const Case& row : cases) {
    PeerRates peers;
    end(peers, row.peers, kStart + row.peers_ended);
    CrawlWatch watch(peers);
    watch.begin(kStart, 0);
    EXPECT_EQ(watch.crawls(kStart + row.looked, row.done, row.others).has_value(), row.given_up)
        << row.name;
  }
}

TEST(CrawlWatch, WindowByWindowAndNoMoreThanThreeTimes) {
  PeerRates peers;
  CrawlWatch watch(peers);
  SteadyTime now = kStart;
  std::uint64_t done = 100 * kMiB;
  watch.begin(now, done);  // what it had before does not count
  end(peers, 16, now += 4s);
  EXPECT_FALSE(watch.crawls(now, done += 32 * kMiB, Others::busy));
  for (unsigned times = 0; times < 10; ++times) {
    end(peers, 16, now += 4s);
    EXPECT_EQ(watch.crawls(now, ++done, Others::busy).has_value(), times < CrawlWatch::kMostTimes);
    watch.begin(now, done);
  }
}

}  // namespace
}  // namespace sluice::transfer
