#pragma once

#include "report/status_text.hpp"

#include "sluice/mirror.hpp"
#include "sluice/observer.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::cli {

/// What a watch says of itself to `sluice status`: DIR/.sluice/watch, lines of a name and a value,
/// written anew when a pass begins or ends; its time is the last sign of life. Only for people:
/// failures to write it are ignored. It counts as long as the process that it names holds the lock
/// of DIR, so that what a killed one left misleads nobody. Any thread.
class WatchState final : public Observer {
 public:
  /// Without passes the file's time is set so often.
  static constexpr std::chrono::seconds kBeat{60};

  /// `url` of --listen, or empty.
  WatchState(const std::string& dir, std::chrono::milliseconds interval, std::string url);

  void on_object(const ObjectEvent&) override {}
  void on_message(Level, std::string_view) override {}
  void on_pass_started() override;  ///< DIR is ours from now on
  void on_pass(const PassSummary& summary, const Outlook& outlook);
  void on_reload(const LiveOptions& live);
  void beat();  ///< often, while all is well
  void end();   ///< the file goes, and is not written again

 private:
  void write_locked();

  const std::string path_;
  std::mutex mutex_;  ///< of what follows
  bool is_ours_ = false;
  report::LiveWatch now_;
  std::chrono::steady_clock::time_point written_;
};

/// What the watch of this process has left; nullopt if there is nothing, or it is not of that
/// process.
std::optional<report::LiveWatch> read_watch_state(const std::string& dir, std::uint64_t pid);

}  // namespace sluice::cli
