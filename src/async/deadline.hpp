#pragma once

#include "async/group.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
#include <utility>

namespace sluice::async {

namespace detail {

template <class T>
Task<void> keep_value(Task<T> task, std::optional<T>& value, TaskGroup& group) {
  value = co_await std::move(task);
  group.cancel();
}

inline Task<void> cancel_at(Runtime& runtime, SteadyTime when, TaskGroup& group) {
  co_await runtime.sleep_until(when);
  group.cancel();
}

}  // namespace detail

/// Runs `task` on the caller's executor until it ends or `when` is reached: then it is cancelled,
/// waited for, and the answer is nullopt. `T` is a value type; not void.
template <class T>
Task<std::optional<T>> until(Runtime& runtime, SteadyTime when, Task<T> task) {
  // The children refer to locals of this frame, so from here to the join nothing may unwind.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) throw_cancelled();
  const Executor executor = co_await boost::asio::this_coro::executor;
  std::optional<T> value;
  TaskGroup group;
  group.spawn(executor, detail::keep_value<T>(std::move(task), value, group));
  group.spawn(executor, detail::cancel_at(runtime, when, group));
  co_await group.join();
  co_return value;
}

}  // namespace sluice::async
