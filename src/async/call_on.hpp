#pragma once

#include "async/group.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace sluice::async {

namespace detail {

template <class T>
Task<void> store_value(Task<T> task, std::optional<T>& value) {
  value.emplace(co_await std::move(task));
}

}  // namespace detail

/// Runs `task` on another role and waits for its value. If the caller is cancelled, so is `task`,
/// and it has ended before the caller unwinds.
template <class T>
Task<T> call_on(Executor executor, Task<T> task) {
  // The child refers to locals of this frame: from here to the join nothing may unwind.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) throw_cancelled();
  std::optional<T> value;
  TaskGroup group;
  group.spawn(executor, detail::store_value<T>(std::move(task), value));
  co_await group.join();
  co_return std::move(*value);
}

/// Runs all of `tasks` on one role and waits for them: for children that refer to the caller's
/// locals. If the caller is cancelled, so are they, and they have ended before the caller unwinds.
inline Task<void> run_all(Executor executor, std::vector<Task<void>> tasks) {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) throw_cancelled();
  TaskGroup group;
  for (auto& task : tasks)
    group.spawn(executor, std::move(task));
  co_await group.join();
}

namespace detail {

inline Task<void> lead(Task<void> leader, TaskGroup& group) {
  co_await std::move(leader);
  group.cancel();
}

}  // namespace detail

/// As run_all, but once `leader` has ended, the others are cancelled.
inline Task<void> run_led(Executor executor, Task<void> leader, std::vector<Task<void>> others) {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) throw_cancelled();
  TaskGroup group;
  group.spawn(executor, detail::lead(std::move(leader), group));
  for (auto& other : others)
    group.spawn(executor, std::move(other));
  co_await group.join();
}

}  // namespace sluice::async
