#include "watch_monitor.hpp"

#include "base/time.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluice::cli {
namespace {

std::string reason_of(const PassSummary& summary) {
  if (summary.failure) return summary.failure->message;
  if (summary.guard) return summary.guard->message;
  return {};
}

template <class Item>
void push(std::deque<Item>& items, Item item, std::size_t most) {
  items.push_front(std::move(item));
  if (items.size() > most) items.pop_back();
}

void look_at_process(report::WatchView& view) {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  view.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::error_code failed;
  std::filesystem::directory_iterator entry("/proc/self/fd", failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    ++view.open_descriptors;
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry->path(), gone);
    if (!gone && target.native().starts_with("socket:")) ++view.open_sockets;
  }
}

}  // namespace

WatchMonitor::WatchMonitor(const Mirror& mirror, std::string source, std::string dir,
                           const LiveOptions& live, std::optional<report::RequestPrices> prices)
    : mirror_(mirror) {
  kept_.prices = prices;
  kept_.version = version();
  kept_.source = std::move(source);
  kept_.dir = std::move(dir);
  kept_.started_ms = unix_ms(WallClock::now());
  kept_.throughput.step = kStep;
  on_reload(live);
}

void WatchMonitor::on_reload(const LiveOptions& live) {
  const std::lock_guard lock(mutex_);
  kept_.interval = live.interval;
  kept_.bytes_per_second = live.bytes_per_second;
  kept_.requests_per_second = live.requests_per_second;
}

void WatchMonitor::forget(std::string_view key) {
  std::erase_if(failures_, [key](const report::ObjectView& failure) { return failure.key == key; });
}

void WatchMonitor::on_object(const ObjectEvent& event) {
  const bool is_failure = event.what == What::failed || event.what == What::refused;
  const bool is_change = event.what == What::fetched || event.what == What::deleted;
  if (!is_failure && !is_change) return;
  report::ObjectView object;
  object.time_ms = unix_ms(WallClock::now());
  object.what = event.what;
  object.key = event.key;
  object.size = event.size;
  object.reason = event.error != nullptr ? event.error->message : std::string(event.reason);
  const std::lock_guard lock(mutex_);
  if (!failures_.empty()) forget(event.key);
  if (is_failure)
    push(failures_, std::move(object), kFailures);
  else
    push(changes_, std::move(object), kChanges);
}

void WatchMonitor::on_pass_started() {
  const std::lock_guard lock(mutex_);
  is_running_ = true;
  kept_.next_pass_ms.reset();
  pass_started_ms_ = unix_ms(WallClock::now());
}

void WatchMonitor::on_pass(const PassSummary& summary, const Outlook& outlook) {
  report::PassView pass;
  pass.ended_ms = unix_ms(WallClock::now());
  pass.took = summary.elapsed;
  pass.outcome = report::outcome_of(summary);
  pass.reason = reason_of(summary);
  pass.progress = summary.progress;
  const std::lock_guard lock(mutex_);
  is_running_ = false;
  ++kept_.passes[static_cast<std::size_t>(pass.outcome)];
  if (pass.outcome == report::Outcome::complete) kept_.last_success_ms = pass.ended_ms;
  kept_.failures_in_a_row = outlook.failures;
  if (summary.listing_complete) kept_.lists_a_pass = summary.requests.list;
  if (outlook.next) kept_.next_pass_ms = pass.ended_ms + outlook.next->count();
  // A pass that saw everything would have told of them again.
  if (summary.listing_complete && !summary.interrupted && !summary.failure)
    std::erase_if(failures_, [this](const report::ObjectView& failure) {
      return failure.time_ms < pass_started_ms_;
    });
  push(passes_, std::move(pass), kPasses);
}

void WatchMonitor::tick() {
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t bytes = mirror_.telemetry().total.fetched_bytes;
  const std::lock_guard lock(mutex_);
  const double passed = std::chrono::duration<double>(now - sampled_).count();
  if (passed < std::chrono::duration<double>(kStep).count()) return;
  const double rate = static_cast<double>(bytes - sampled_bytes_) / passed;
  sampled_ = now;
  sampled_bytes_ = bytes;
  rates_.push_back(static_cast<std::uint64_t>(rate));
  if (rates_.size() > kSteps) rates_.pop_front();
}

report::WatchView WatchMonitor::view() const {
  const Telemetry telemetry = mirror_.telemetry();
  const Progress progress = mirror_.progress();
  const auto silence = mirror_.silence();
  WorkInProgress work = mirror_.work(kTransfers);
  report::WatchView out;
  {
    const std::lock_guard lock(mutex_);
    out = kept_;
    out.last_passes.assign(passes_.begin(), passes_.end());
    out.failures.assign(failures_.begin(), failures_.end());
    out.last_changes.assign(changes_.begin(), changes_.end());
    out.throughput.rates.assign(rates_.begin(), rates_.end());
    using State = report::WatchState;
    if (is_running_)
      out.state = progress.listing_done ? State::transferring : State::listing;
    else
      out.state = passes_.empty() ? State::starting : State::idle;
  }
  out.now_ms = unix_ms(WallClock::now());
  out.telemetry = telemetry;
  out.pass = progress;
  out.work = std::move(work);
  out.silence = silence;
  look_at_process(out);
  return out;
}

}  // namespace sluice::cli
