#include "tune/trial.hpp"

#include "async/group.hpp"
#include "mirror/connect.hpp"
#include "mirror/engine.hpp"
#include "mirror/parallel_lister.hpp"
#include "mirror/pass.hpp"
#include "mirror/run_pass.hpp"
#include "mirror/tells_retries.hpp"
#include "plan/filter.hpp"
#include "s3/client.hpp"

#include <memory>
#include <sys/resource.h>
#include <utility>

namespace sluice::tune {

namespace {

double seconds_of(SteadyClock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void add_requests(RequestCounts& sum, const s3::Session& session) {
  sum.list += session.requests(s3::RequestKind::list);
  sum.head += session.requests(s3::RequestKind::head);
  sum.get += session.requests(s3::RequestKind::get);
  sum.probe += session.requests(s3::RequestKind::probe);
}

/// Objects are nobody's business; what becomes of them is counted.
class TrialObserver final : public Observer {
 public:
  explicit TrialObserver(Observer& observer) : observer_(observer) {}

  void on_object(const ObjectEvent& event) override {
    if (event.error == nullptr) return;
    const std::lock_guard lock(mutex_);
    if (!first_failure_) first_failure_ = *event.error;
  }
  void on_message(Level, std::string_view text) override {
    observer_.on_message(Level::debug, text);
  }
  std::optional<Error> first_failure() {
    const std::lock_guard lock(mutex_);
    return first_failure_;
  }

 private:
  Observer& observer_;
  std::mutex mutex_;
  std::optional<Error> first_failure_;
};

async::Task<void> call_at(async::Runtime& runtime, SteadyTime when, std::function<void()> call) {
  co_await runtime.sleep_until(when);
  call();
}

// --- Listings ---

/// One listing, as far as `sink` lets it go.
struct ListRun {
  unsigned concurrency = 1;
  SteadyClock::duration time{};
  std::function<bool(ListPage&)> sink;
  std::optional<Error> failure;
  bool is_whole = false;
  bool is_aws = false;
  double seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t requests = 0;
};

async::Task<bool> ready(bool value) {
  co_return value;
}

async::Task<void> list_everything(mirror::ListContext& context,
                                  const mirror::ParallelOptions& parallel, ListRun& run) {
  const mirror::PageSink sink = [&run](ListPage& page) { return ready(run.sink(page)); };
  const auto listed = co_await mirror::list_in_ranges(context, parallel, sink);
  if (!listed) run.failure = listed.error();
  run.is_whole = listed && *listed;
}

async::Task<void> list_until_stopped(async::Runtime& runtime, StopSwitch& stop,
                                     mirror::ListContext& context,
                                     const mirror::ParallelOptions& parallel, ListRun& run) {
  async::TaskGroup listing;
  async::TaskGroup timer;
  const std::function<void()> end = [&listing] { listing.cancel(); };
  const StopSwitch::Scope scope(stop, end);
  const async::Executor control = runtime.executor(async::Role::control);
  timer.spawn(control, call_at(runtime, runtime.now() + run.time, end));
  const double cpu = cpu_seconds();
  const SteadyTime begun = runtime.now();
  listing.spawn(control, list_everything(context, parallel, run));
  co_await listing.join();
  run.seconds = seconds_of(runtime.now() - begun);
  run.cpu_seconds = cpu_seconds() - cpu;
  timer.cancel();
  co_await timer.join();
}

Result<void> list(const Bed& bed, const std::string& prefix, ListRun& run) {
  TuningOptions tuning = bed.options.tuning;
  tuning.list_concurrency = run.concurrency;
  auto session = mirror::open_session(bed.options.source, tuning, bed.observer);
  if (!session) return session.error();
  run.is_aws = (*session)->is_aws();
  const auto runtime = async::make_threaded_runtime(async::ThreadedOptions{.data_shards = 1});
  auto store = s3::make_client(*runtime, runtime->executor(async::Role::control), *session);
  if (!store) return store.error();

  mirror::TellsRetries listener(bed.observer);
  transfer::RetryPolicy retry;
  retry.max_attempts = tuning.max_attempts;
  mirror::ListContext context{*runtime, **store, retry, listener, prefix};
  mirror::ParallelOptions parallel;
  parallel.concurrency = run.concurrency;
  parallel.bytes_ahead = mirror::bytes_for_pages(tuning);
  runtime->run([&]() { return list_until_stopped(*runtime, bed.stop, context, parallel, run); });
  run.requests = (*session)->requests(s3::RequestKind::list);
  add_requests(bed.requests, **session);
  if (run.failure) return *run.failure;
  return {};
}

// --- Passes ---

struct PassRun {
  PassSummary summary;
  double seconds = 0;
  double cpu_seconds = 0;
};

async::Task<void> pass_until_stopped(mirror::Engine& engine, StopSwitch& stop,
                                     SteadyClock::duration time, PassRun& run) {
  async::Runtime& runtime = engine.runtime();
  mirror::Pass pass(engine);
  async::TaskGroup timer;
  const std::function<void()> end = [&pass] { pass.interrupt(); };
  const StopSwitch::Scope scope(stop, end);
  timer.spawn(runtime.executor(async::Role::control), call_at(runtime, runtime.now() + time, end));
  const double cpu = cpu_seconds();
  const SteadyTime begun = runtime.now();
  run.summary = co_await mirror::run_pass(engine, pass);
  run.seconds = seconds_of(runtime.now() - begun);
  run.cpu_seconds = cpu_seconds() - cpu;
  timer.cancel();
  co_await timer.join();
}

MirrorOptions mirror_options(const BenchOptions& options, const BenchSetting& setting,
                             const std::string& dir) {
  MirrorOptions mirror;
  mirror.source = options.source;
  mirror.source.prefix.clear();
  mirror.dir = dir;
  mirror.tuning = options.tuning;
  mirror.tuning.transfers = setting.transfers;
  mirror.tuning.part_bytes = setting.part_bytes;
  mirror.tuning.threads = setting.threads;
  mirror.tuning.list_concurrency = 1;
  // What strict refuses could not be measured, and checking what has a proof costs the same.
  mirror.verify = options.verify == MirrorOptions::Verify::strict ? MirrorOptions::Verify::automatic
                                                                  : options.verify;
  mirror.durability = MirrorOptions::Durability::none;
  return mirror;
}

}  // namespace

void StopSwitch::stop() noexcept {
  const std::lock_guard lock(mutex_);
  set_ = true;
  if (end_) end_();
}

StopSwitch::Scope::Scope(StopSwitch& owner, std::function<void()> end) : owner_(owner) {
  const std::lock_guard lock(owner_.mutex_);
  owner_.end_ = std::move(end);
  if (owner_.set_) owner_.end_();
}

StopSwitch::Scope::~Scope() {
  const std::lock_guard lock(owner_.mutex_);
  owner_.end_ = nullptr;
}

Result<Survey> look_around(const Bed& bed, std::size_t most_keys) {
  const plan::Filter filter(bed.options.filters);
  const std::string& prefix = bed.options.source.prefix;
  Survey survey;
  ListRun run;
  run.time = bed.options.time;
  run.sink = [&](ListPage& page) {
    for (const ListedObject& object : page.objects) {
      if (!filter.includes(object.key.substr(prefix.size()))) continue;
      ++survey.keys;
      if (object.storage == StorageClass::archived)
        ++survey.archived;
      else
        survey.candidates.push_back(
            {std::string(object.key), object.version(), object.has_checksum});
    }
    return survey.keys < most_keys;
  };
  const auto listed = list(bed, prefix + filter.common_beginning(), run);
  if (!listed) return listed.error();
  survey.is_whole = run.is_whole;
  survey.is_aws = run.is_aws;
  return survey;
}

Result<Listed> time_listing(const Bed& bed, unsigned concurrency, ListLimits limits) {
  Listed out;
  std::uint64_t pages = 0;
  ListRun run;
  run.concurrency = concurrency;
  run.time = limits.time;
  run.sink = [&](ListPage& page) {
    out.listing.keys += page.objects.size();
    return ++pages < limits.pages;
  };
  const plan::Filter filter(bed.options.filters);
  const auto listed = list(bed, bed.options.source.prefix + filter.common_beginning(), run);
  if (!listed) return listed.error();
  out.listing.concurrency = concurrency;
  out.listing.requests = run.requests;
  out.listing.seconds = run.seconds;
  out.listing.cpu_seconds = run.cpu_seconds;
  out.is_whole = run.is_whole;
  return out;
}

Result<Trialled> time_pass(const Bed& bed, const Sample& sample, const BenchSetting& setting,
                           Allowance& allowance, const std::string& dir,
                           SteadyClock::duration time) {
  const MirrorOptions options = mirror_options(bed.options, setting, dir);
  auto session = mirror::open_session(options.source, options.tuning, bed.observer);
  if (!session) return session.error();
  auto runtime = async::make_threaded_runtime(
      async::ThreadedOptions{.data_shards = mirror::resolved_threads(options.tuning)});
  Meter meter(allowance);
  const mirror::StoreFactory make_store =
      [&](async::Runtime& its,
          async::Executor executor) -> Result<std::unique_ptr<store::ObjectStore>> {
    auto client = s3::make_client(its, std::move(executor), *session);
    if (!client) return client.error();
    return make_metered_store(its, std::move(*client), sample, meter);
  };
  TrialObserver observer(bed.observer);
  mirror::Counters counters;
  auto engine = mirror::Engine::open(options, observer, *runtime, counters,
                                     mirror::record_source(**session, options.source), make_store);
  if (!engine) return engine.error();
  PassRun run;
  runtime->run([&]() { return pass_until_stopped(**engine, bed.stop, time, run); });
  add_requests(bed.requests, **session);
  // The stores' connections live on the runtime's threads, which have ended by now.
  engine->reset();
  runtime.reset();

  if (run.summary.failure && run.summary.failure->kind != ErrorKind::cancelled)
    return *run.summary.failure;
  Trialled out;
  const Progress& progress = run.summary.progress;
  out.trial.setting = setting;
  out.trial.bytes = progress.fetched_bytes;
  out.trial.objects = progress.count(What::fetched);
  out.trial.seconds = run.seconds;
  out.trial.cpu_seconds = run.cpu_seconds;
  out.trial.first_byte = meter.latency();
  out.is_budget_used_up = meter.has_refused();
  out.failed = progress.count(What::failed) + progress.count(What::refused);
  out.first_failure = observer.first_failure();
  const bool is_in_vain = progress.fetched_bytes == 0 && !run.summary.interrupted;
  if (is_in_vain && !out.is_budget_used_up && out.first_failure) return *out.first_failure;
  return out;
}

}  // namespace sluice::tune
