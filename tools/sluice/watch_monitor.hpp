#pragma once

#include "report/watch_view.hpp"

#include "sluice/mirror.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::cli {

/// Remembers what a page about the watch shows: the last passes, changes and failures, and an hour
/// of throughput. Bounded, whatever happens. Any thread.
class WatchMonitor final : public Observer {
 public:
  static constexpr std::size_t kPasses = 12;
  static constexpr std::size_t kFailures = 50;
  static constexpr std::size_t kChanges = 12;
  static constexpr std::size_t kTransfers = 20;
  static constexpr std::chrono::seconds kStep{10};  ///< of the throughput
  static constexpr std::size_t kSteps = 360;

  WatchMonitor(const Mirror& mirror, std::string source, std::string dir, const LiveOptions& live,
               std::optional<report::RequestPrices> prices);

  void on_object(const ObjectEvent& event) override;
  void on_message(Level, std::string_view) override {}
  void on_pass_started() override;
  void on_pass(const PassSummary& summary, const Outlook& outlook);
  void on_reload(const LiveOptions& live);
  /// About once a second.
  void tick();

  report::WatchView view() const;

 private:
  void forget(std::string_view key);

  const Mirror& mirror_;
  mutable std::mutex mutex_;  ///< of what follows
  report::WatchView kept_;    ///< all but what is asked of the mirror, and these:
  std::deque<report::PassView> passes_;
  std::deque<report::ObjectView> failures_;
  std::deque<report::ObjectView> changes_;
  std::deque<std::uint64_t> rates_;
  std::uint64_t sampled_bytes_ = 0;
  std::chrono::steady_clock::time_point sampled_ = std::chrono::steady_clock::now();
  std::int64_t pass_started_ms_ = 0;
  bool is_running_ = false;
};

}  // namespace sluice::cli
