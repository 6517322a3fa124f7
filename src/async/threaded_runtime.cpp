#include "async/condition.hpp"
#include "async/runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <pthread.h>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluice::async {

namespace asio = boost::asio;

namespace {

/// One thread with an io_context of its own. No handler ever moves to another thread.
struct Loop {
  explicit Loop(std::string thread_name) : name(std::move(thread_name)) {}

  std::string name;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

class ThreadedRuntime final : public Runtime {
 public:
  explicit ThreadedRuntime(ThreadedOptions options)
      : shards_(std::clamp(options.data_shards, 1u, 64u)), random_state_(std::random_device{}()) {
    for (const char* name : {"control", "decide", "verify", "publish"})
      loops_.push_back(std::make_unique<Loop>(name));
    for (unsigned i = 0; i < shards_; ++i)
      loops_.push_back(std::make_unique<Loop>("data-" + std::to_string(i)));
  }

  ~ThreadedRuntime() override { stop(); }

  Executor executor(Role role, unsigned shard) override {
    const auto base = static_cast<unsigned>(role);
    const unsigned index = role == Role::data ? base + shard % shards_ : base;
    return loops_[index]->context.get_executor();
  }

  unsigned data_shards() const noexcept override { return shards_; }
  SteadyTime now() const noexcept override { return SteadyClock::now(); }
  WallTime wall_now() const noexcept override { return WallClock::now(); }

  std::chrono::nanoseconds processor_time() const noexcept override {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  }

  Task<void> sleep_until(SteadyTime when) override {
    asio::steady_timer timer(co_await asio::this_coro::executor, when);
    co_await timer.async_wait(asio::use_awaitable);
  }

  std::uint64_t random() override {
    // SplitMix64 over an atomic counter: thread-safe without a lock.
    std::uint64_t z = random_state_.fetch_add(0x9e3779b97f4a7c15ull, std::memory_order_relaxed);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  void run(std::function<Task<void>()> main) override {
    for (std::size_t i = 1; i < loops_.size(); ++i)
      start(*loops_[i]);
    std::exception_ptr failure;
    asio::io_context& control = loops_.front()->context;
    asio::co_spawn(control, main(), [&failure, &control](std::exception_ptr error) {
      failure = std::move(error);
      control.stop();
    });
    control.run();
    stop();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  static void start(Loop& loop) {
    loop.thread = std::thread([&loop] {
      pthread_setname_np(pthread_self(), loop.name.c_str());
      loop.context.run();
    });
  }

  void stop() {
    for (auto& loop : loops_)
      loop->context.stop();
    for (auto& loop : loops_)
      if (loop->thread.joinable()) loop->thread.join();
  }

  const unsigned shards_;
  std::atomic<std::uint64_t> random_state_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace

std::unique_ptr<Runtime> make_threaded_runtime(ThreadedOptions options) {
  return std::make_unique<ThreadedRuntime>(options);
}

}  // namespace sluice::async
