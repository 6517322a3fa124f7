#include "sluice/mirror.hpp"

#include "mirror/connect.hpp"
#include "mirror/engine.hpp"
#include "mirror/pass.hpp"
#include "mirror/run_pass.hpp"
#include "mirror/watch_loop.hpp"

#include <mutex>
#include <optional>
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

  std::mutex mutex;  ///< of what follows
  bool stopping = false;
  mirror::Pass* pass = nullptr;         ///< the one that runs now
  mirror::WatchLoop* loop = nullptr;    ///< that of `watch`
  std::optional<LiveOptions> reloaded;  ///< for the next pass

  Result<void> open();
  void set_pass(mirror::Pass* now);
  void set_loop(mirror::WatchLoop* now);
  void interrupt_pass();
  void apply_reloaded();
  async::Task<PassSummary> one_pass();
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
  set_pass(&fresh);
  PassSummary summary = co_await mirror::run_pass(*engine, fresh);
  set_pass(nullptr);
  summary.requests = difference(counts_of(*session), before);
  co_return summary;
}

async::Task<void> Mirror::Impl::run_once(PassSummary& summary) {
  summary = co_await one_pass();
}

async::Task<void> Mirror::Impl::run_loop(mirror::WatchLoop& watching, PassSummary& summary) {
  summary = co_await watching.run();
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
  mirror::set_rates(*impl_->session, options.bytes_per_second, options.requests_per_second);
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

}  // namespace sluice
