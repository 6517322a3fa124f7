#pragma once

#include "report/log.hpp"
#include "settings.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace sluice::cli {

/// What --exec and --touch-file ask for: acts after passes that changed something, by the journal.
/// How far it has come is kept in DIR/.sluice/exec-cursor, so that no change is missed over
/// restarts; one may be handed out twice.
///
/// Threads: a thread of its own, so that passes go on while the command runs. The command is the
/// leader of a group of processes, which is ended with it.
class Hook {
 public:
  /// `log` must outlive it.
  Hook(const Settings& settings, report::Log& log);
  ~Hook();  ///< ends a command that runs: SIGTERM, and 2 s later SIGKILL
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  /// Whether there is anything to do at all.
  static bool is_wanted(const HookSettings& settings) noexcept {
    return !settings.command.empty() || !settings.touch_file.empty();
  }

  void pass_ended();
  /// Waits until all is done that passes have asked for, or until `is_over`.
  void finish(const std::function<bool()>& is_over);

 private:
  /// Changes after `since` up to `until`, as lines in a file that has no name.
  struct Batch {
    int file = -1;
    std::uint64_t since = 0;
    std::uint64_t until = 0;
    std::uint64_t count = 0;
    bool has_gap = false;
  };

  void run();
  void act();
  std::optional<Batch> collect();
  void touch();
  bool run_command(const Batch& batch);
  int start(const Batch& batch);
  std::optional<int> wait_for(int pid);
  void end_group(int pid);
  void load_cursor();
  void save_cursor();
  bool is_ending();

  const MirrorOptions mirror_;
  const HookSettings settings_;
  report::Log& log_;
  std::optional<std::uint64_t> cursor_;  ///< all up to here was handed out; unset: nothing known

  std::mutex mutex_;
  std::condition_variable wake_;
  bool has_work_ = false;
  bool is_busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sluice::cli
