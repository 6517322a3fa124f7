#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "tune/metered_store.hpp"
#include "tune/sample.hpp"

#include "sluice/bench.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// Doing what is to be measured: passes of the engine and listings, one at a time.
namespace sluice::tune {

/// Ends what runs now, and all that follows. Any thread.
class StopSwitch {
 public:
  void stop() noexcept;
  bool is_set() const noexcept { return set_; }

  /// While it lives, `stop` calls this; it is called at once if the switch is set already.
  class Scope {
   public:
    Scope(StopSwitch& owner, std::function<void()> end);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    StopSwitch& owner_;
  };

 private:
  std::atomic<bool> set_ = false;
  std::mutex mutex_;
  std::function<void()> end_;
};

/// What trials and listings have in common.
struct Bed {
  const BenchOptions& options;
  Observer& observer;
  StopSwitch& stop;
  RequestCounts& requests;  ///< adds to them
};

/// The first keys of the bucket, at most so many.
struct Survey {
  std::vector<Candidate> candidates;
  std::uint64_t keys = 0;
  std::uint64_t archived = 0;
  bool is_whole = false;  ///< there are no more
  bool is_aws = false;
};
Result<Survey> look_around(const Bed& bed, std::size_t most_keys);

struct ListLimits {
  std::uint64_t pages = 0;
  SteadyClock::duration time{};
};

struct Listed {
  BenchListing listing;
  bool is_whole = false;
};
/// Lists with so many requests at once, up to the limits.
Result<Listed> time_listing(const Bed& bed, unsigned concurrency, ListLimits limits);

struct Trialled {
  BenchTrial trial;
  bool is_budget_used_up = false;
  std::uint64_t failed = 0;
  std::optional<Error> first_failure;  ///< of one object
};
/// Mirrors the sample into `dir`, which is new. A pass that takes longer than `time` is cut off and
/// measured as far as it came. An error if nothing could be fetched.
Result<Trialled> time_pass(const Bed& bed, const Sample& sample, const BenchSetting& setting,
                           Allowance& allowance, const std::string& dir,
                           SteadyClock::duration time);

}  // namespace sluice::tune
