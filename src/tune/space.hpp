#pragma once

#include "tune/sample.hpp"
#include "tune/sweep.hpp"

#include "sluice/bench.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What there is to try, for a bucket, a machine and a budget. Pure.
namespace sluice::tune {

/// Passes of the sweep, at most.
inline constexpr unsigned kMostTrials = 14;
/// Objects in a trial, at most: each is a request that may cost something.
inline constexpr std::size_t kMostObjects = 2000;

struct Machine {
  unsigned cores = 1;            ///< that the process may run on
  unsigned default_threads = 1;  ///< what sluice takes by itself
  unsigned most_transfers = 1;   ///< for which --memory has room
};

/// What is given is kept; the rest without a look at the bucket.
Space whole_space(const BenchOptions& options, const Machine& machine);
/// Without what the sample cannot tell apart: more transfers than it has parts, and parts larger
/// than its objects.
Space told_apart_by(const std::vector<StandIn>& sample, const BenchOptions& options, Space space);

/// In the middle of it, near to what sluice does by itself.
BenchSetting start_in(const Space& space, const Machine& machine);
/// How many trials a sweep of it takes, at most.
unsigned most_trials(const Space& space);

/// The trials on top of those of the sweep: one to warm up, and one as sluice does by itself.
inline constexpr unsigned kMoreTrials = 2;

struct Fitting {
  std::vector<StandIn> sample;
  Space space;  ///< told apart by it
};
/// The largest sample of which all trials that it gives rise to fit into the budget, with something
/// left for what has to be asked for twice. Empty if there is nothing to fetch.
Fitting fit_sample(const std::vector<Candidate>& candidates, const BenchOptions& options,
                   const Space& whole);

/// Numbers of list requests at once to try; empty if one is given.
std::vector<unsigned> list_values(const BenchOptions& options);

/// What to recommend, and what to say about it.
struct Verdict {
  BenchAdvice advice;
  std::vector<std::string> remarks;
};
/// `all` is whole_space(), `tried` what was left of it. `best` was recommended by the sweep.
Verdict judge(const BenchOptions& options, const Space& all, const Space& tried,
              const BenchSetting& best);

}  // namespace sluice::tune
