#pragma once

#include "async/runtime.hpp"
#include "async/waiter.hpp"

#include <memory>

namespace sluice::async {

/// Children that end before their parent does: structured concurrency over any roles.
///
/// Threads: spawn, cancel and join from any thread; join is awaited once, at the end. If a group is
/// destroyed without a join, its children are cancelled but not waited for: they must not refer to
/// anything that dies with the parent.
class TaskGroup {
 public:
  TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  /// Starts `task` on `executor`. After `cancel` it starts cancelled.
  void spawn(const Executor& executor, Task<void> task);

  /// Asks every child to unwind.
  void cancel();

  /// Waits until every child has ended. The first exception of a child that is not cancellation
  /// cancels the others and is rethrown here. If the parent itself is cancelled, the children are
  /// cancelled and waited for, and then the parent unwinds.
  Task<void> join();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice::async
