#include "transfer/crawl.hpp"

#include <algorithm>

namespace sluice::transfer {

namespace {

double per_second(std::uint64_t bytes, SteadyClock::duration time) noexcept {
  return static_cast<double>(bytes) / std::chrono::duration<double>(time).count();
}

}  // namespace

void PeerRates::ended(SteadyTime now, std::uint64_t bytes, SteadyClock::duration took) noexcept {
  if (bytes < kLeastBytes || took <= SteadyClock::duration::zero()) return;
  peers_[count_ % kPeers] = {now, per_second(bytes, took)};
  ++count_;
}

std::optional<double> PeerRates::median_since(SteadyTime since) const {
  std::array<double, kPeers> rates{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < std::min(count_, kPeers); ++i)
    if (peers_[i].ended >= since) rates[found++] = peers_[i].rate;
  if (found < kLeastPeers) return std::nullopt;
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(found / 2);
  std::nth_element(rates.begin(), middle, rates.begin() + static_cast<std::ptrdiff_t>(found));
  return *middle;
}

void CrawlWatch::begin(SteadyTime now, std::uint64_t done) noexcept {
  begun_ = now;
  done_before_ = done;
  open_window(now, done);
}

void CrawlWatch::open_window(SteadyTime now, std::uint64_t done) noexcept {
  window_begun_ = now;
  window_done_ = done;
}

std::optional<double> CrawlWatch::crawls(SteadyTime now, std::uint64_t done, Others others) {
  if (now - window_begun_ < kWindow || times_ == kMostTimes) return std::nullopt;
  rate_ = per_second(done - window_done_, now - window_begun_);
  const SteadyTime since = others == Others::idle ? SteadyTime::min() : window_begun_;
  const auto median = peers_.median_since(since);
  open_window(now, done);
  if (!median || rate_ * kTimesSlower >= *median) return std::nullopt;
  ++times_;
  return median;
}

}  // namespace sluice::transfer
