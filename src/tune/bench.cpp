#include "sluice/bench.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "mirror/connect.hpp"
#include "mirror/engine.hpp"
#include "tune/scratch.hpp"
#include "tune/space.hpp"
#include "tune/sweep.hpp"
#include "tune/trial.hpp"

#include <algorithm>
#include <sched.h>
#include <thread>
#include <utility>

namespace sluice {

namespace {

using namespace tune;

/// Of the keys, only so many are looked at.
constexpr std::size_t kMostKeys = 3000;
/// A listing that is timed ends after so many pages.
constexpr std::uint64_t kMostPages = 256;
/// Smaller buckets do not tell how fast listing is.
constexpr std::uint64_t kLeastPages = 8;
/// Of the time, what each listing may take, and what remains for the last trials at least.
constexpr int kListShare = 20;
constexpr auto kShortestTrial = std::chrono::milliseconds(500);
/// Shorter trials measure connecting more than transferring.
constexpr double kTooShort = 0.5;

unsigned cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    return static_cast<unsigned>(std::max(CPU_COUNT(&allowed), 1));
  return std::max(std::thread::hardware_concurrency(), 1U);
}

Machine this_machine(const TuningOptions& tuning) {
  const std::uint64_t for_bodies = tuning.memory_bytes - mirror::bytes_for_pages(tuning);
  Machine machine;
  machine.cores = cores();
  machine.default_threads = mirror::resolved_threads(tuning);
  machine.most_transfers = static_cast<unsigned>(
      std::clamp<std::uint64_t>(for_bodies / mirror::kBytesPerTransfer, 1, 4096));
  return machine;
}

std::string source_of(const SourceOptions& source) {
  return "s3://" + text::escaped(source.bucket) +
         (source.prefix.empty() ? "" : '/' + text::escaped(source.prefix));
}

Error nothing_to_fetch(const BenchOptions& options, const Survey& survey) {
  std::string why = source_of(options.source);
  if (!survey.is_whole && survey.keys == 0) {
    why += " could not be listed within " + units::format_duration(options.time) +
           ": give more --time-limit";
    return Error(ErrorKind::transient, std::move(why));
  }
  why += survey.archived > 0 ? " shows only archived and empty objects"
         : survey.keys > 0   ? " shows only empty objects"
                             : " has no object that could be fetched";
  if (!options.filters.empty()) why += " and that the filters include";
  return Error(ErrorKind::usage, why + ": there is nothing to measure with");
}

Result<void> validate(const BenchOptions& options) {
  if (options.budget_bytes < units::MiB)
    return Error(ErrorKind::usage, "--budget must be at least 1MiB");
  if (options.time < std::chrono::seconds(1))
    return Error(ErrorKind::usage, "--time-limit must be at least 1s");
  return mirror::validate(options.tuning);
}

/// One run, from the look at the bucket to the advice.
class Run {
 public:
  Run(const BenchOptions& options, Observer& observer, StopSwitch& stop,
      const BenchListener& listener)
      : options_(options),
        listener_(listener),
        stop_(stop),
        bed_{options, observer, stop, report_.requests},
        machine_(this_machine(options.tuning)),
        allowance_(options.budget_bytes),
        end_(SteadyClock::now() + options.time) {}

  BenchReport take_report() { return std::move(report_); }
  Result<void> go(const Scratch& scratch);

 private:
  Result<void> prepare(const std::string& scratch);
  Result<void> measure_listings();
  Result<void> measure_passes(const Scratch& scratch);
  Result<void> measure_defaults(const Scratch& scratch);
  /// False: there is no more time, or no more budget.
  Result<bool> measure(const Scratch& scratch, const BenchSetting& setting, BenchTrial::Kind kind);
  void conclude();
  void compare_with_defaults();
  void remark(std::string text) { report_.remarks.push_back(std::move(text)); }

  const BenchOptions& options_;
  const BenchListener& listener_;
  StopSwitch& stop_;
  BenchReport report_;
  const Bed bed_;
  const Machine machine_;
  Allowance allowance_;
  const SteadyTime end_;
  Sample sample_;
  Space all_;
  Space space_;
  std::optional<Sweep> sweep_;
  std::optional<ListSweep> list_sweep_;
  unsigned trials_left_ = 0;
  bool is_aws_ = false;
  std::uint64_t failed_ = 0;
};

Result<void> Run::prepare(const std::string& scratch) {
  auto survey = look_around(bed_, kMostKeys);
  if (!survey) return survey.error();
  if (stop_.is_set()) return {};
  is_aws_ = survey->is_aws;
  all_ = whole_space(options_, machine_);
  BenchPlan plan;
  plan.keys_seen = survey->keys;
  for (const Candidate& candidate : survey->candidates)
    plan.bytes_seen += candidate.version.size;
  Fitting fitting = fit_sample(survey->candidates, options_, all_);
  if (fitting.sample.empty()) return nothing_to_fetch(options_, *survey);
  space_ = std::move(fitting.space);
  sample_ = Sample(std::move(survey->candidates), std::move(fitting.sample));

  trials_left_ = most_trials(space_) + kMoreTrials;
  sweep_.emplace(space_, start_in(space_, machine_), most_trials(space_));
  plan.objects = sample_.objects();
  plan.distinct = sample_.distinct();
  plan.cut_short = sample_.cut_short();
  plan.bytes = sample_.bytes();
  plan.most_trials = trials_left_;
  plan.most_gets = trials_left_ * parts_of(sample_.chosen(), space_.part_bytes.front());
  plan.most_lists = report_.requests.list;
  const auto values = list_values(options_);
  if (!survey->is_whole && !values.empty()) {
    list_sweep_.emplace(values);
    plan.most_listings = static_cast<unsigned>(values.size());
    // Pages that turn out needless come on top: see mirror/parallel_lister.
    plan.most_lists += values.size() * (kMostPages + kMostPages / 8 + 40);
  }
  plan.budget_bytes = options_.budget_bytes;
  plan.time = options_.time;
  plan.scratch = scratch;
  report_.plan = plan;
  if (listener_.on_plan) listener_.on_plan(plan);
  return {};
}

Result<void> Run::measure_listings() {
  if (!list_sweep_) {
    if (options_.tuning.list_concurrency == 0)
      remark("the bucket has too few keys to tell how listing is fastest");
    return {};
  }
  const ListLimits limits{kMostPages, options_.time / kListShare};
  while (const auto concurrency = list_sweep_->next()) {
    if (stop_.is_set()) return {};
    auto listed = time_listing(bed_, *concurrency, limits);
    if (!listed) return listed.error();
    if (stop_.is_set()) return {};
    const BenchListing& listing = listed->listing;
    if (listed->is_whole && listing.requests < kLeastPages) {
      list_sweep_.reset();
      remark("the bucket has too few keys to tell how listing is fastest");
      return {};
    }
    list_sweep_->note(listing.concurrency, listing.keys_per_second());
    report_.listings.push_back(listing);
    if (listener_.on_listing) listener_.on_listing(listing);
  }
  return {};
}

Result<bool> Run::measure(const Scratch& scratch, const BenchSetting& setting,
                          BenchTrial::Kind kind) {
  const auto left = end_ - SteadyClock::now();
  if (stop_.is_set() || left < kShortestTrial) return false;
  const auto time =
      std::max<SteadyClock::duration>(left / std::max(trials_left_, 1U), kShortestTrial);
  const std::string name = "trial";
  auto done = time_pass(bed_, sample_, setting, allowance_, scratch.path() + '/' + name, time);
  const auto removed = scratch.remove(name);
  report_.bytes_asked_for = options_.budget_bytes - allowance_.left();
  if (!done) return done.error();
  if (!removed) return removed.error();
  if (trials_left_ > 0) --trials_left_;
  if (failed_ == 0 && done->failed > 0 && done->first_failure && !done->is_budget_used_up)
    remark("some objects could not be fetched, which spoils the figures: " +
           done->first_failure->message);
  failed_ += done->failed;
  if (done->is_budget_used_up) {
    remark("the budget was used up before the end, since objects had to be asked for again");
    return false;
  }
  if (stop_.is_set()) return false;
  done->trial.kind = kind;
  report_.trials.push_back(done->trial);
  if (listener_.on_trial) listener_.on_trial(done->trial);
  return true;
}

Result<void> Run::measure_passes(const Scratch& scratch) {
  auto setting = sweep_->next();
  auto going = measure(scratch, *setting, BenchTrial::Kind::warm_up);
  while (going && *going && setting) {
    going = measure(scratch, *setting, BenchTrial::Kind::measured);
    if (!going || !*going) break;
    const BenchTrial& trial = report_.trials.back();
    const auto bytes = static_cast<double>(std::max<std::uint64_t>(trial.bytes, 1));
    sweep_->note(*setting, {trial.bytes_per_second(), trial.cpu_seconds / bytes});
    setting = sweep_->next();
  }
  if (!going) return going.error();
  if (!*going && !stop_.is_set() && end_ - SteadyClock::now() < kShortestTrial)
    remark("the time was over before everything had been tried: --time-limit gives more");
  return {};
}

/// With no flag of the three.
Result<void> Run::measure_defaults(const Scratch& scratch) {
  const BenchSetting setting{options_.tuning.transfers, options_.tuning.part_bytes,
                             machine_.default_threads};
  const auto going = measure(scratch, setting, BenchTrial::Kind::automatic);
  if (!going) return going.error();
  return {};
}

void Run::compare_with_defaults() {
  double best = 0;
  double shortest = 1e9;
  for (const BenchTrial& trial : report_.trials) {
    if (trial.kind == BenchTrial::Kind::warm_up) continue;
    shortest = std::min(shortest, trial.seconds);
    if (trial.kind == BenchTrial::Kind::measured && trial.setting == *report_.best)
      best = std::max(best, trial.bytes_per_second());
  }
  if (shortest < kTooShort)
    remark("trials of less than half a second say little: a larger --budget makes them longer");
  const BenchTrial& last = report_.trials.back();
  if (last.kind != BenchTrial::Kind::automatic || best <= 0) return;
  if (last.bytes_per_second() >= best * (1 - report_.tolerance))
    remark("without these flags sluice is as fast here");
}

void Run::conclude() {
  if (list_sweep_) report_.advice.list_concurrency = list_sweep_->recommended();
  if (report_.advice.list_concurrency && !is_aws_)
    remark(
        "sync lists several ranges at once only where the server is known to list in byte "
        "order: of servers other than AWS, from the second pass on");
  if (!sweep_) return;
  report_.best = sweep_->recommended();
  report_.tolerance = sweep_->tolerance();
  if (!report_.best) return;
  const BenchAdvice lists = report_.advice;
  Verdict verdict = judge(options_, all_, space_, *report_.best);
  report_.advice = verdict.advice;
  report_.advice.list_concurrency = lists.list_concurrency;
  for (std::string& text : verdict.remarks)
    remark(std::move(text));
  compare_with_defaults();
}

Result<void> Run::go(const Scratch& scratch) {
  auto done = prepare(scratch.path());
  if (done && !stop_.is_set()) done = measure_listings();
  if (done && !stop_.is_set()) done = measure_passes(scratch);
  if (done && !stop_.is_set()) done = measure_defaults(scratch);
  report_.interrupted = stop_.is_set();
  if (done) conclude();
  return done;
}

}  // namespace

struct Bench::Impl {
  const BenchOptions options;
  Observer& observer;
  StopSwitch stop;
};

Bench::Bench(BenchOptions options, Observer& observer)
    : impl_(new Impl{std::move(options), observer, {}}) {}

Bench::~Bench() = default;

BenchReport Bench::run(const BenchListener& listener) {
  BenchReport report;
  if (const auto valid = validate(impl_->options); !valid) {
    report.failure = valid.error();
    return report;
  }
  auto scratch = Scratch::make(impl_->options.scratch_dir);
  if (!scratch) {
    report.failure = scratch.error();
    return report;
  }
  Run run(impl_->options, impl_->observer, impl_->stop, listener);
  const auto done = run.go(*scratch);
  const auto removed = scratch->remove_all();
  report = run.take_report();
  if (!done)
    report.failure = done.error();
  else if (!removed)
    report.failure = removed.error();
  return report;
}

void Bench::stop() noexcept {
  impl_->stop.stop();
}

}  // namespace sluice
