#include "async/group.hpp"

#include "async/condition.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <list>
#include <mutex>
#include <utility>

namespace sluice::async {

namespace asio = boost::asio;

namespace {

/// The signal of one child. It is emitted on the child's own executor only, where its slot is used.
struct Child {
  explicit Child(Executor on) : executor(std::move(on)) {}
  Executor executor;
  asio::cancellation_signal signal;
  bool ended = false;  ///< touched on the executor only, as is the signal once it is bound
  bool bound = false;  ///< somebody listens to the signal; under the group's mutex
};

void emit_on_own_thread(const std::shared_ptr<Child>& child) {
  asio::post(child->executor, [child] {
    if (!child->ended) child->signal.emit(asio::cancellation_type::terminal);
  });
}

}  // namespace

struct TaskGroup::State {
  std::mutex mutex;
  Condition ended;
  std::list<std::shared_ptr<Child>> children;
  std::exception_ptr failure;
  bool cancelled = false;

  void cancel() {
    std::lock_guard lock(mutex);
    cancel_all();
  }

  /// A child whose signal is not bound yet hears of it from spawn(). Needs the mutex.
  void cancel_all() {
    cancelled = true;
    for (const auto& child : children)
      if (child->bound) emit_on_own_thread(child);
  }

  void finish(const std::shared_ptr<Child>& child, std::exception_ptr error) {
    std::lock_guard lock(mutex);
    children.remove(child);
    if (error && !failure && !is_cancellation(error)) {
      failure = std::move(error);
      cancel_all();
    }
    if (children.empty()) ended.notify_all();
  }
};

TaskGroup::TaskGroup() : state_(std::make_shared<State>()) {}
TaskGroup::~TaskGroup() {
  state_->cancel();
}

void TaskGroup::spawn(const Executor& executor, Task<void> task) {
  const auto state = state_;
  auto child = std::make_shared<Child>(executor);
  {
    std::lock_guard lock(state->mutex);
    state->children.push_back(child);
  }
  auto on_end = [state, child](std::exception_ptr error) {
    child->ended = true;
    state->finish(child, std::move(error));
  };
  asio::co_spawn(executor, std::move(task),
                 asio::bind_cancellation_slot(child->signal.slot(), std::move(on_end)));
  std::lock_guard lock(state->mutex);
  child->bound = true;
  if (state->cancelled) emit_on_own_thread(child);
}

void TaskGroup::cancel() {
  state_->cancel();
}

Task<void> TaskGroup::join() {
  const auto state = state_;
  bool parent_cancelled = false;
  std::unique_lock lock(state->mutex);
  while (!state->children.empty()) {
    bool unwound = false;
    try {
      co_await state->ended.wait(lock);
    } catch (...) {
      if (!is_cancellation(std::current_exception())) throw;
      unwound = true;
    }
    if (unwound) {
      parent_cancelled = true;
      co_await asio::this_coro::throw_if_cancelled(false);
      state->cancel();
      lock.lock();
    }
  }
  const auto failure = state->failure;
  lock.unlock();
  if (parent_cancelled) co_await asio::this_coro::throw_if_cancelled(true);
  if (failure) std::rethrow_exception(failure);
  if (parent_cancelled) throw_cancelled();
}

}  // namespace sluice::async
