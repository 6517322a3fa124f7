#include "async/runtime.hpp"
#include "async/waiter.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::async {

namespace asio = boost::asio;

namespace {

/// A move-only handler with its type erased.
class Ready {
 public:
  virtual ~Ready() = default;
  virtual void run() = 0;
};

template <class F>
class ReadyOf final : public Ready {
 public:
  explicit ReadyOf(F f) : f_(std::move(f)) {}
  void run() override { std::move(f_)(); }

 private:
  F f_;
};

/// The ready handlers of each role, first in first out as on a thread of its own; which role runs
/// next is drawn at random.
class Scheduler final : public asio::execution_context {
 public:
  Scheduler(std::uint64_t seed, std::size_t roles) : random_(seed), ready_(roles) {}

  ~Scheduler() {
    stopped_ = true;
    shutdown();
    // Destroying a coroutine may post what is then dropped at once.
    for (auto& queue : ready_) {
      const auto doomed = std::move(queue);
      queue.clear();
    }
    destroy();
  }

  void push(std::size_t role, std::unique_ptr<Ready> handler) {
    if (!stopped_) ready_[role].push_back(std::move(handler));
  }

  /// Runs one ready handler; false if there is none.
  bool step() {
    std::size_t busy = 0;
    for (const auto& queue : ready_)
      busy += queue.empty() ? 0 : 1;
    if (busy == 0) return false;
    std::size_t chosen = random_() % busy;
    for (auto& queue : ready_) {
      if (queue.empty() || chosen-- != 0) continue;
      const auto handler = std::move(queue.front());
      queue.pop_front();
      current_ = static_cast<std::size_t>(&queue - ready_.data());
      handler->run();
      current_ = kNone;
      return true;
    }
    return false;
  }

  bool is_running(std::size_t role) const noexcept { return current_ == role; }
  std::uint64_t random() { return random_(); }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t current_ = kNone;
  std::mt19937_64 random_;
  std::vector<std::deque<std::unique_ptr<Ready>>> ready_;
  bool stopped_ = false;
};

/// An Asio executor for one role of the scheduler. As on an io_context, `dispatch` runs at once
/// when it is called on the role itself: co_spawn's cancellation handler depends on it.
class RoleExecutor {
 public:
  using Blocking = asio::execution::blocking_t;

  RoleExecutor(Scheduler& scheduler, std::size_t role) : scheduler_(&scheduler), role_(role) {}

  asio::execution_context& query(asio::execution::context_t) const noexcept { return *scheduler_; }
  Blocking query(Blocking) const noexcept {
    return may_block_ ? Blocking(Blocking::possibly) : Blocking(Blocking::never);
  }
  RoleExecutor require(Blocking::never_t) const noexcept { return with(false); }
  RoleExecutor require(Blocking::possibly_t) const noexcept { return with(true); }

  template <class F>
  void execute(F f) const {
    if (may_block_ && scheduler_->is_running(role_))
      std::move(f)();
    else
      scheduler_->push(role_, std::make_unique<ReadyOf<F>>(std::move(f)));
  }

  bool operator==(const RoleExecutor&) const noexcept = default;

 private:
  RoleExecutor with(bool may_block) const noexcept {
    RoleExecutor copy = *this;
    copy.may_block_ = may_block;
    return copy;
  }

  Scheduler* scheduler_;
  std::size_t role_;
  bool may_block_ = true;
};

class DeterministicRuntime final : public Runtime {
 public:
  explicit DeterministicRuntime(DeterministicOptions options)
      : seed_(options.seed),
        shards_(std::clamp(options.data_shards, 1u, 64u)),
        scheduler_(options.seed, static_cast<std::size_t>(Role::data) + shards_) {}

  Executor executor(Role role, unsigned shard) override {
    const auto base = static_cast<std::size_t>(role);
    return RoleExecutor(scheduler_, role == Role::data ? base + shard % shards_ : base);
  }

  unsigned data_shards() const noexcept override { return shards_; }
  SteadyTime now() const noexcept override { return now_; }
  std::chrono::nanoseconds processor_time() const noexcept override { return {}; }
  WallTime wall_now() const noexcept override {
    // 2024-01-01T00:00:00Z plus the virtual time that has passed.
    return WallTime(std::chrono::seconds(1'704'067'200)) +
           std::chrono::duration_cast<WallClock::duration>(now_.time_since_epoch());
  }

  Task<void> sleep_until(SteadyTime when) override {
    auto waiter = std::make_shared<Waiter>();
    timers_.emplace(when, waiter);
    const Waiter::Outcome outcome = co_await waiter->wait();
    if (outcome == Waiter::Outcome::notified) co_return;
    // A timer left behind would move the clock for nobody.
    const auto [first, last] = timers_.equal_range(when);
    const auto mine =
        std::find_if(first, last, [&waiter](const auto& timer) { return timer.second == waiter; });
    if (mine != last) timers_.erase(mine);
    throw_cancelled();
  }

  std::uint64_t random() override { return scheduler_.random(); }

  void run(std::function<Task<void>()> main) override {
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(executor(Role::control, 0), main(), [&done, &failure](std::exception_ptr error) {
      failure = std::move(error);
      done = true;
    });
    while (!done) {
      if (scheduler_.step())
        now_ += std::chrono::microseconds(1);
      else
        advance();
    }
    if (failure) std::rethrow_exception(failure);
  }

 private:
  void advance() {
    if (timers_.empty())
      throw std::logic_error("every task waits and no timer is left; seed " +
                             std::to_string(seed_));
    const auto first = timers_.begin();
    now_ = std::max(now_, first->first);
    const auto waiter = first->second;
    timers_.erase(first);
    waiter->notify();
  }

  const std::uint64_t seed_;
  const unsigned shards_;
  SteadyTime now_{};
  std::multimap<SteadyTime, std::shared_ptr<Waiter>> timers_;
  Scheduler scheduler_;
};

}  // namespace

std::unique_ptr<Runtime> make_deterministic_runtime(DeterministicOptions options) {
  return std::make_unique<DeterministicRuntime>(options);
}

}  // namespace sluice::async
