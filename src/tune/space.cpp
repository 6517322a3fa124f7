#include "tune/space.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <utility>

namespace sluice::tune {

namespace {

constexpr unsigned kTransfers[] = {4, 8, 16, 32, 64, 128, 256, 512, 1024};
constexpr unsigned kMostThreads = 16;
constexpr unsigned kStartTransfers = 64;
constexpr unsigned kListValues[] = {1, 4, 8, 16, 32};

/// The last that is not above `wanted`, else the first.
template <class T>
T nearest_below(const std::vector<T>& values, T wanted) {
  const auto above = std::upper_bound(values.begin(), values.end(), wanted);
  return above == values.begin() ? values.front() : *std::prev(above);
}

}  // namespace

Space whole_space(const BenchOptions& options, const Machine& machine) {
  Space space;
  for (const unsigned transfers : kTransfers)
    if (transfers <= machine.most_transfers) space.transfers.push_back(transfers);
  if (space.transfers.empty()) space.transfers = {machine.most_transfers};
  if (options.tuning.transfers != 0) space.transfers = {options.tuning.transfers};

  for (std::uint64_t part = units::MiB; part <= 64 * units::MiB; part *= 2)
    space.part_bytes.push_back(part);
  if (options.keeps_part_bytes) space.part_bytes = {options.tuning.part_bytes};

  const unsigned most = std::min(machine.cores, kMostThreads);
  for (unsigned threads = 1; threads < most; threads *= 2)
    space.threads.push_back(threads);
  space.threads.push_back(most);
  if (options.tuning.threads != 0) space.threads = {options.tuning.threads};
  return space;
}

Space told_apart_by(const std::vector<StandIn>& sample, const BenchOptions& options, Space space) {
  std::uint64_t all = 0;
  std::uint64_t largest = 0;
  for (const StandIn& one : sample) {
    all += one.bytes;
    largest = std::max(largest, one.bytes);
  }
  const std::uint64_t usual = options.tuning.part_bytes;
  if (space.part_bytes.size() > 1) {
    // Where most bytes come in objects of one part anyway, there is nothing to find.
    std::uint64_t in_parts = 0;
    for (const StandIn& one : sample)
      if (one.bytes > space.part_bytes.front()) in_parts += one.bytes;
    const bool is_worth_it = in_parts * 4 >= all;
    std::erase_if(space.part_bytes, [&](std::uint64_t part) {
      return part != usual && (!is_worth_it || part > largest);
    });
  }
  if (space.transfers.size() > 1) {
    const std::uint64_t parts = parts_of(sample, nearest_below(space.part_bytes, usual));
    const unsigned least = space.transfers.front();
    std::erase_if(space.transfers,
                  [&](unsigned transfers) { return transfers > parts && transfers != least; });
  }
  return space;
}

BenchSetting start_in(const Space& space, const Machine& machine) {
  return BenchSetting{nearest_below(space.transfers, kStartTransfers),
                      nearest_below(space.part_bytes, TuningOptions{}.part_bytes),
                      nearest_below(space.threads, machine.default_threads)};
}

unsigned most_trials(const Space& space) {
  const std::size_t on_lines =
      space.transfers.size() + space.part_bytes.size() + space.threads.size() - 2;
  return std::min<unsigned>(kMostTrials,
                            static_cast<unsigned>(on_lines) + 2 * (kConfirmations - 1));
}

Fitting fit_sample(const std::vector<Candidate>& candidates, const BenchOptions& options,
                   const Space& whole) {
  const unsigned most = most_trials(whole) + kMoreTrials;
  Fitting fitting;
  for (unsigned trials = 1 + kMoreTrials; trials <= most; ++trials) {
    const std::uint64_t bytes = options.budget_bytes / (trials + 1);
    fitting.sample = choose_sample(candidates, {bytes, kMostObjects});
    fitting.space = told_apart_by(fitting.sample, options, whole);
    if (most_trials(fitting.space) + kMoreTrials <= trials) break;
  }
  return fitting;
}

std::vector<unsigned> list_values(const BenchOptions& options) {
  if (options.tuning.list_concurrency != 0) return {};
  return {std::begin(kListValues), std::end(kListValues)};
}

Verdict judge(const BenchOptions& options, const Space& all, const Space& tried,
              const BenchSetting& best) {
  Verdict verdict;
  const bool is_cut_off = tried.transfers.back() < all.transfers.back();
  if (is_cut_off && best.transfers == tried.transfers.back()) {
    const std::uint64_t times = all.transfers.back() / std::max(tried.transfers.back(), 1U);
    verdict.remarks.push_back(
        "the sample has too few parts to tell whether more than " +
        std::to_string(tried.transfers.back()) +
        " transfers would be faster, so none are recommended (sluice finds a number by itself); "
        "--budget " +
        units::format_size(options.budget_bytes * times) +
        " would tell, or a bucket with more objects");
  } else if (tried.transfers.size() > 1) {
    verdict.advice.transfers = best.transfers;
  }
  if (tried.part_bytes.size() > 1)
    verdict.advice.part_bytes = best.part_bytes;
  else if (!options.keeps_part_bytes)
    verdict.remarks.push_back("the objects are too small for the part size to matter");
  if (tried.threads.size() > 1) verdict.advice.threads = best.threads;
  return verdict;
}

}  // namespace sluice::tune
