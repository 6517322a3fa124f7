#include "sluice/mirror.hpp"

#include "base/units.hpp"
#include "mirror/connect.hpp"
#include "mirror/engine.hpp"
#include "mirror/pass.hpp"
#include "mirror/run_pass.hpp"
#include "mirror/timetable.hpp"
#include "mirror/watch_loop.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sluice {

struct Mirror::Impl {
  Impl(MirrorOptions o, Observer& observer_) : options(std::move(o)), observer(observer_) {}

  const MirrorOptions options;
  Observer& observer;
  mirror::Counters counters;

  std::unique_ptr<async::Runtime> runtime;
  std::shared_ptr<s3::Session> session;
  std::unique_ptr<mirror::Engine> engine;
  bool tracks_transfers = false;

  std::mutex mutex;  ///< of what follows
  bool stopping = false;
  mirror::Pass* pass = nullptr;         ///< the one that runs now
  mirror::WatchLoop* loop = nullptr;    ///< that of `watch`
  std::optional<LiveOptions> reloaded;  ///< for the next pass
  std::vector<RateSlot> timetable;
  std::uint64_t rate = 0;  ///< of bodies, that counts now

  Result<void> open();
  void set_pass(mirror::Pass* now);
  void set_loop(mirror::WatchLoop* now);
  void interrupt_pass();
  void apply_reloaded();
  async::Task<PassSummary> one_pass();
  /// What the timetable says now, if there is one.
  void look_at_the_clock();
  async::Task<void> keep_the_timetable();
  async::Task<void> run_once(PassSummary& summary);
  async::Task<void> run_loop(mirror::WatchLoop& watching, PassSummary& summary);
};

namespace {

PassSummary failed_to_open(Error error) {
  PassSummary summary;
  summary.failure = std::move(error);
  return summary;
}

RequestCounts counts_of(const s3::Session& session) {
  RequestCounts counts;
  counts.list = session.requests(s3::RequestKind::list);
  counts.head = session.requests(s3::RequestKind::head);
  counts.get = session.requests(s3::RequestKind::get);
  counts.probe = session.requests(s3::RequestKind::probe);
  return counts;
}

RequestCounts difference(const RequestCounts& now, const RequestCounts& before) {
  return RequestCounts{now.list - before.list, now.head - before.head, now.get - before.get,
                       now.probe - before.probe};
}

}  // namespace

Result<void> Mirror::Impl::open() {
  const auto valid = mirror::validate(options.tuning);
  if (!valid) return valid.error();
  auto opened = mirror::open_session(options.source, options.tuning, observer);
  if (!opened) return opened.error();
  session = std::move(*opened);
  runtime = async::make_threaded_runtime(
      async::ThreadedOptions{.data_shards = mirror::resolved_threads(options.tuning)});
  auto made = mirror::Engine::open(options, observer, *runtime, counters,
                                   mirror::record_source(*session, options.source),
                                   mirror::http_stores(session));
  if (!made) return made.error();
  engine = std::move(*made);
  timetable = options.tuning.timetable;
  rate = options.tuning.bytes_per_second;
  look_at_the_clock();  // before the first byte
  return {};
}

void Mirror::Impl::set_pass(mirror::Pass* now) {
  const std::lock_guard lock(mutex);
  pass = now;
  if (pass != nullptr && stopping) pass->interrupt();
}

void Mirror::Impl::set_loop(mirror::WatchLoop* now) {
  const std::lock_guard lock(mutex);
  loop = now;
  if (loop != nullptr && stopping) loop->stop();
}

void Mirror::Impl::interrupt_pass() {
  const std::lock_guard lock(mutex);
  if (pass != nullptr) pass->interrupt();
}

void Mirror::Impl::apply_reloaded() {
  const std::lock_guard lock(mutex);
  if (reloaded) engine->set_filters(std::move(reloaded->filters));
  reloaded.reset();
}

async::Task<PassSummary> Mirror::Impl::one_pass() {
  apply_reloaded();
  const RequestCounts before = counts_of(*session);
  mirror::Pass fresh(*engine);
  if (tracks_transfers) fresh.active.emplace();
  set_pass(&fresh);
  PassSummary summary = co_await mirror::run_pass(*engine, fresh);
  set_pass(nullptr);
  summary.requests = difference(counts_of(*session), before);
  co_return summary;
}

void Mirror::Impl::look_at_the_clock() {
  const unsigned minute = mirror::minute_of_week(runtime->wall_now());
  std::uint64_t now = 0;
  {
    const std::lock_guard lock(mutex);
    const auto wanted = mirror::rate_at(timetable, minute);
    if (!wanted || *wanted == rate) return;
    rate = now = *wanted;
    mirror::set_body_rate(*session, now);
  }
  observer.on_message(Level::info, now == 0 ? "by the timetable there is no --bwlimit now"
                                            : "by the timetable --bwlimit is " +
                                                  units::format_size(now) + "/s now");
}

async::Task<void> Mirror::Impl::keep_the_timetable() {
  // Looked at each minute: clocks are set, and daylight saving begins.
  while (true) {
    look_at_the_clock();
    const auto now = runtime->wall_now();
    const auto next = std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes(1);
    co_await runtime->sleep_for(next - now);
  }
}

async::Task<void> Mirror::Impl::run_once(PassSummary& summary) {
  async::TaskGroup timers;
  if (!timetable.empty())
    timers.spawn(runtime->executor(async::Role::control), keep_the_timetable());
  summary = co_await one_pass();
  timers.cancel();
  co_await timers.join();
}

async::Task<void> Mirror::Impl::run_loop(mirror::WatchLoop& watching, PassSummary& summary) {
  async::TaskGroup timers;  // a timetable may come with a reload
  timers.spawn(runtime->executor(async::Role::control), keep_the_timetable());
  summary = co_await watching.run();
  timers.cancel();
  co_await timers.join();
}

Mirror::Mirror(MirrorOptions options, Observer& observer)
    : impl_(std::make_unique<Impl>(std::move(options), observer)) {}

Mirror::~Mirror() {
  // The stores' connections live on the runtime's threads, which have ended by now.
  impl_->engine.reset();
  impl_->runtime.reset();
}

PassSummary Mirror::sync() {
  const auto opened = impl_->open();
  if (!opened) return failed_to_open(opened.error());
  PassSummary summary;
  impl_->runtime->run([&]() { return impl_->run_once(summary); });
  return summary;
}

PassSummary Mirror::watch(const WatchOptions& options,
                          const std::function<void(const PassSummary&, const Outlook&)>& on_pass) {
  const auto opened = impl_->open();
  if (!opened) return failed_to_open(opened.error());
  impl_->tracks_transfers = options.track_transfers;
  mirror::WatchLoop::Actions actions;
  actions.pass = [this] { return impl_->one_pass(); };
  actions.cut_short = [this] { impl_->interrupt_pass(); };
  actions.on_pass = on_pass;
  mirror::WatchLoop loop(*impl_->runtime, options, std::move(actions));
  impl_->set_loop(&loop);
  PassSummary summary;
  impl_->runtime->run([&]() { return impl_->run_loop(loop, summary); });
  impl_->set_loop(nullptr);
  return summary;
}

void Mirror::stop() noexcept {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  if (impl_->pass != nullptr) impl_->pass->interrupt();
  if (impl_->loop != nullptr) impl_->loop->stop();
}

void Mirror::pass_now() noexcept {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->loop != nullptr) impl_->loop->pass_now();
}

void Mirror::reload(LiveOptions options) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->loop == nullptr) return;
  impl_->timetable = options.timetable;
  const auto by_clock =
      mirror::rate_at(impl_->timetable, mirror::minute_of_week(impl_->runtime->wall_now()));
  impl_->rate = by_clock.value_or(options.bytes_per_second);
  mirror::set_body_rate(*impl_->session, impl_->rate);
  mirror::set_request_rate(*impl_->session, options.requests_per_second);
  impl_->loop->set_interval(options.interval, options.jitter_percent);
  impl_->reloaded = std::move(options);
}

std::chrono::milliseconds Mirror::silence() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->loop == nullptr) return {};
  const auto silent = SteadyClock::now() - impl_->loop->last_beat();
  return std::chrono::duration_cast<std::chrono::milliseconds>(silent);
}

Progress Mirror::progress() const noexcept {
  return impl_->counters.snapshot();
}

Telemetry Mirror::telemetry() const noexcept {
  Telemetry telemetry;
  telemetry.total = impl_->counters.total();
  telemetry.oldest_change_ms = impl_->counters.oldest_change_ms();
  const std::lock_guard lock(impl_->mutex);
  if (impl_->loop == nullptr) return telemetry;  // there may be no session yet
  for (std::size_t i = 0; i < kRequestKindCount; ++i)
    telemetry.requests[i] = impl_->session->telemetry(static_cast<s3::RequestKind>(i));
  return telemetry;
}

WorkInProgress Mirror::work(std::size_t most_transfers) const {
  using mirror::Pass;
  WorkInProgress out;
  constexpr std::array<std::size_t, kQueueCount> kLimits = {
      Pass::kPagesWaiting, Pass::kAdoptionsWaiting, Pass::kPartsWaiting,
      Pass::kPublicationsWaiting};
  for (std::size_t i = 0; i < kQueueCount; ++i)
    out.queues[i].limit = kLimits[i];
  const std::lock_guard lock(impl_->mutex);  // the pass stays as long as we look at it
  const Pass* pass = impl_->pass;
  if (pass == nullptr) return out;
  const std::array<std::size_t, kQueueCount> waiting = {
      pass->pages.size(), pass->adoptions.size(), pass->parts.size(), pass->publications.size()};
  for (std::size_t i = 0; i < kQueueCount; ++i)
    out.queues[i].waiting = waiting[i];
  if (!pass->active) return out;
  out.transfers = pass->active->count();
  const SteadyTime now = impl_->runtime->now();
  for (transfer::ActiveTransfers::Seen& seen : pass->active->oldest(most_transfers))
    out.oldest.push_back({std::move(seen.key), seen.size_bytes, seen.received_bytes,
                          std::chrono::duration_cast<std::chrono::milliseconds>(now - seen.begun)});
  return out;
}

}  // namespace sluice
