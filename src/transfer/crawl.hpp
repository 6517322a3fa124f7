#pragma once

#include "base/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::transfer {

/// The code of the error that ends a try whose body crawls: it is repeated at once, and not
/// counted.
inline constexpr std::string_view kCrawls = "crawls";

/// How fast the bodies of one data shard came lately.
class PeerRates {
 public:
  /// Shorter ones are all latency.
  static constexpr std::uint64_t kLeastBytes = 256 * 1024;
  static constexpr std::size_t kPeers = 16;
  static constexpr std::size_t kLeastPeers = 4;

  void ended(SteadyTime now, std::uint64_t bytes, SteadyClock::duration took) noexcept;
  /// The median, bytes a second, of the last kPeers bodies, as far as they ended after `since`;
  /// nullopt if fewer than kLeastPeers did.
  std::optional<double> median_since(SteadyTime since) const;

 private:
  struct Peer {
    SteadyTime ended{};
    double rate = 0;
  };
  std::array<Peer, kPeers> peers_;
  std::size_t count_ = 0;  ///< ever
};

/// Tells whether the body of one part crawls far below its peers: then its connection, or the
/// server at the other end of it, is ill, and asking again is worth the request. Pure.
class CrawlWatch {
 public:
  /// Looked at once so much time has gone by.
  static constexpr std::chrono::seconds kWindow{4};
  /// Crawls: slower than so many times less than the median.
  static constexpr double kTimesSlower = 8;
  /// A part is given up so often; after that it may take its time.
  static constexpr unsigned kMostTimes = 3;

  explicit CrawlWatch(const PeerRates& peers) : peers_(peers) {}

  /// A body begins, after `done` bytes of the part.
  void begin(SteadyTime now, std::uint64_t done) noexcept;
  /// Bytes came. Returns the rate of the peers if the part should be given up. Peers count that
  /// ended in the meantime, or else everybody may have become slow; if others are idle, all do:
  /// nothing but a request can be lost.
  enum class Others : std::uint8_t { busy, idle };
  std::optional<double> crawls(SteadyTime now, std::uint64_t done, Others others);

  double rate() const noexcept { return rate_; }  ///< of the last window, bytes a second
  SteadyTime begun() const noexcept { return begun_; }
  std::uint64_t done_before() const noexcept { return done_before_; }

 private:
  void open_window(SteadyTime now, std::uint64_t done) noexcept;

  const PeerRates& peers_;
  SteadyTime begun_{};
  std::uint64_t done_before_ = 0;
  SteadyTime window_begun_{};
  std::uint64_t window_done_ = 0;
  double rate_ = 0;
  unsigned times_ = 0;
};

}  // namespace sluice::transfer
