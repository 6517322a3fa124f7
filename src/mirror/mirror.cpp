#include "sluice/mirror.hpp"

#include "mirror/connect.hpp"
#include "mirror/engine.hpp"
#include "mirror/pass.hpp"
#include "mirror/run_pass.hpp"

#include <atomic>
#include <mutex>
#include <utility>

namespace sluice {

struct Mirror::Impl {
  Impl(MirrorOptions o, Observer& observer_) : options(std::move(o)), observer(observer_) {}

  const MirrorOptions options;
  Observer& observer;
  mirror::Counters counters;

  std::unique_ptr<async::Runtime> runtime;
  std::shared_ptr<s3::Session> session;
  std::unique_ptr<mirror::Engine> engine;

  std::atomic<bool> stopping = false;
  std::mutex pass_mutex;
  mirror::Pass* pass = nullptr;  ///< the one that runs now
  async::TaskGroup sleeping;     ///< the pause between two passes

  Result<void> open();
  void set_pass(mirror::Pass* now);
  async::Task<PassSummary> one_pass();
  async::Task<void> run_once(PassSummary& summary);
  async::Task<void> run_for_ever(const WatchOptions& watch, PassSummary& summary,
                                 const std::function<void(const PassSummary&)>& on_pass);
  async::Task<void> pause_until(SteadyTime when);
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

async::Task<void> sleep_once(async::Runtime& runtime, SteadyTime when) {
  co_await runtime.sleep_until(when);
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
  return {};
}

void Mirror::Impl::set_pass(mirror::Pass* now) {
  std::lock_guard lock(pass_mutex);
  pass = now;
  if (pass != nullptr && stopping) pass->interrupt();
}

async::Task<PassSummary> Mirror::Impl::one_pass() {
  const RequestCounts before = counts_of(*session);
  mirror::Pass fresh(*engine);
  set_pass(&fresh);
  PassSummary summary = co_await mirror::run_pass(*engine, fresh);
  set_pass(nullptr);
  summary.requests = difference(counts_of(*session), before);
  co_return summary;
}

async::Task<void> Mirror::Impl::pause_until(SteadyTime when) {
  sleeping.spawn(runtime->executor(async::Role::control), sleep_once(*runtime, when));
  co_await sleeping.join();
}

async::Task<void> Mirror::Impl::run_once(PassSummary& summary) {
  summary = co_await one_pass();
}

async::Task<void> Mirror::Impl::run_for_ever(
    const WatchOptions& watch, PassSummary& summary,
    const std::function<void(const PassSummary&)>& on_pass) {
  while (!stopping) {
    const SteadyTime started = runtime->now();
    summary = co_await one_pass();
    on_pass(summary);
    if (!stopping) co_await pause_until(started + watch.interval);
  }
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
                          const std::function<void(const PassSummary&)>& on_pass) {
  const auto opened = impl_->open();
  if (!opened) return failed_to_open(opened.error());
  PassSummary summary;
  impl_->runtime->run([&]() { return impl_->run_for_ever(options, summary, on_pass); });
  summary.interrupted = true;  // only a stop ends a watch
  return summary;
}

void Mirror::stop() noexcept {
  std::lock_guard lock(impl_->pass_mutex);
  impl_->stopping = true;
  if (impl_->pass != nullptr) impl_->pass->interrupt();
  impl_->sleeping.cancel();
}

Progress Mirror::progress() const noexcept {
  return impl_->counters.snapshot();
}

}  // namespace sluice
