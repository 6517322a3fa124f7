#pragma once

#include "sluice/error.hpp"
#include "sluice/observer.hpp"
#include "sluice/options.hpp"
#include "sluice/summary.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Measures which settings suit a bucket, a network and this machine.
namespace sluice {

struct BenchOptions {
  SourceOptions source;
  /// `transfers`, `threads` and `list_concurrency` that are not 0 are kept and not tried; so is
  /// `part_bytes` if `keeps_part_bytes`. The rest applies to every trial.
  TuningOptions tuning;
  bool keeps_part_bytes = false;
  std::vector<FilterRule> filters;  ///< of which keys the sample is drawn
  MirrorOptions::Verify verify = MirrorOptions::Verify::automatic;
  std::string scratch_dir;  ///< a folder of its own is made below this one, and removed
  /// Ceiling on the bytes of objects that are asked for, over all trials; at least 1 MiB. List
  /// pages are not counted.
  std::uint64_t budget_bytes = std::uint64_t{2} << 30;
  std::chrono::milliseconds time{120'000};  ///< about so long in all; at least 1 s
};

/// One setting of what is tried.
struct BenchSetting {
  unsigned transfers = 0;  ///< 0: found by the engine
  std::uint64_t part_bytes = 0;
  unsigned threads = 0;
  bool operator==(const BenchSetting&) const = default;
};

/// What will be done, before it is.
struct BenchPlan {
  std::uint64_t keys_seen = 0;  ///< the first of the bucket, of which the sample was drawn
  std::uint64_t bytes_seen = 0;
  std::uint64_t objects = 0;  ///< fetched in each trial, some several times
  std::uint64_t distinct = 0;
  std::uint64_t cut_short = 0;  ///< of the distinct: only their beginning is fetched
  std::uint64_t bytes = 0;      ///< in each trial
  unsigned most_trials = 0;
  unsigned most_listings = 0;  ///< 0: the bucket is too small to tell, or one is given
  std::uint64_t most_gets = 0;
  std::uint64_t most_lists = 0;
  std::uint64_t budget_bytes = 0;
  std::chrono::milliseconds time{0};
  std::string scratch;
};

/// Milliseconds from a request to the head of its answer.
struct BenchLatency {
  double mean_ms = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

struct BenchTrial {
  enum class Kind : std::uint8_t { warm_up, automatic, measured };
  Kind kind = Kind::measured;
  BenchSetting setting;
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
  double seconds = 0;
  double cpu_seconds = 0;  ///< user and system, of the whole process
  BenchLatency first_byte;

  double bytes_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  }
};

struct BenchListing {
  unsigned concurrency = 0;
  std::uint64_t keys = 0;
  std::uint64_t requests = 0;
  double seconds = 0;
  double cpu_seconds = 0;

  double keys_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(keys) / seconds : 0;
  }
};

/// What is recommended; nothing where nothing was found out, or the flag was given.
struct BenchAdvice {
  std::optional<unsigned> transfers;
  std::optional<std::uint64_t> part_bytes;
  std::optional<unsigned> threads;
  std::optional<unsigned> list_concurrency;
};

struct BenchReport {
  std::optional<BenchPlan> plan;
  std::vector<BenchTrial> trials;
  std::vector<BenchListing> listings;
  std::optional<BenchSetting> best;  ///< what the advice is taken from
  BenchAdvice advice;
  double tolerance = 0;               ///< rates that differ by less count as equal: 0.05 is 5 %
  std::vector<std::string> remarks;   ///< sentences for people
  std::uint64_t bytes_asked_for = 0;  ///< of objects; at most the budget
  RequestCounts requests;             ///< all of them
  bool interrupted = false;
  std::optional<Error> failure;
};

/// Told while it goes on, on the thread of `run`.
struct BenchListener {
  std::function<void(const BenchPlan&)> on_plan;
  std::function<void(const BenchTrial&)> on_trial;
  std::function<void(const BenchListing&)> on_listing;
};

/// Fetches a sample of the bucket again and again, into a scratch folder and through the engine of
/// `Mirror`, each time with other settings.
///
/// Threads: `run` is called once, and blocks; `stop` may be called from any thread meanwhile. The
/// process should do nothing else: its CPU time is what is measured. The observer must outlive it,
/// and hears messages only.
class Bench {
 public:
  Bench(BenchOptions options, Observer& observer);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// The scratch folder is gone when it returns.
  BenchReport run(const BenchListener& listener);
  void stop() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
