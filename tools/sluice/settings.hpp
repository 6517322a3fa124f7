#pragma once

#include "listen_address.hpp"
#include "report/log.hpp"
#include "report/polling.hpp"

#include "sluice/bench.hpp"
#include "sluice/observer.hpp"
#include "sluice/options.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::cli {

enum class Verb : std::uint8_t { sync, watch, ls, status, changes, doctor, bench };
inline constexpr std::array kVerbs = {Verb::sync,    Verb::watch,  Verb::ls,   Verb::status,
                                      Verb::changes, Verb::doctor, Verb::bench};

struct OutputSettings {
  enum class Verbosity : std::uint8_t { quiet, normal, verbose };
  Verbosity verbosity = Verbosity::normal;
  enum class Progress : std::uint8_t { automatic, always, never };
  Progress progress = Progress::automatic;
  std::optional<Level> log_level;  ///< unset: by the verbosity
  std::string log_file;
  report::LogFormat log_format = report::LogFormat::text;
  bool json = false;  ///< standard output has events as JSON lines
};

struct ListingSettings {
  bool summarize = false;
  bool human_readable = false;
};

struct ChangesSettings {
  std::optional<std::uint64_t> since;  ///< unset: from where the journal begins
  bool follow = false;
};

/// What is done after passes that changed something.
struct HookSettings {
  std::string command;  ///< for /bin/sh; empty: none
  std::chrono::milliseconds timeout{600'000};
  enum class OnFailure : std::uint8_t { retry, skip };
  OnFailure on_failure = OnFailure::retry;
  std::string touch_file;  ///< empty: none

  bool operator==(const HookSettings&) const = default;
};

struct BenchSettings {
  std::uint64_t budget_bytes = BenchOptions{}.budget_bytes;
  std::chrono::milliseconds time = BenchOptions{}.time;
  std::string scratch_dir;  ///< empty: TMPDIR, else /tmp
  std::string plot_file;    ///< empty: none
  bool keeps_part_bytes = false;
};

/// Everything that flags, environment and config file can say. `mirror` holds source, tuning and
/// filters for every verb.
struct Settings {
  MirrorOptions mirror;
  WatchOptions watch;
  ListingSettings listing;
  ChangesSettings changes;
  HookSettings hook;
  BenchSettings bench;
  std::optional<ListenAddress> listen;  ///< where a watch serves its state
  std::optional<report::RequestPrices> prices;
  OutputSettings output;
  std::string config_file;

  /// Filters are one list: those of a stronger layer (config file, environment, command line)
  /// replace those of the weaker ones, as any other flag's value does.
  void begin_layer() { filters_are_older_ = true; }
  void add_filter(FilterRule rule);

 private:
  bool filters_are_older_ = true;
};

struct Command {
  Verb verb = Verb::sync;
  Settings settings;
};

}  // namespace sluice::cli
