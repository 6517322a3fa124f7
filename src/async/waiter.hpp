#pragma once

#include "async/task.hpp"

#include <memory>

namespace sluice::async {

/// One suspension of one coroutine: the primitive that the queue, the budget, the group and virtual
/// timers are made of. `wait` may be awaited once; `notify` may come from any thread, before or
/// after it, and resumes the coroutine on its own executor.
class Waiter {
 public:
  Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  enum class Outcome : std::uint8_t { notified, cancelled };

  /// Does not throw on cancellation: the caller gives back what it may have been handed, then calls
  /// `throw_cancelled`. (Any further co_await would throw as well.)
  Task<Outcome> wait();

  void notify() noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Unwinds the coroutine as Asio does it: boost::system::system_error(operation_aborted).
[[noreturn]] void throw_cancelled();

/// Whether the exception in flight is that unwind.
bool is_cancellation(const std::exception_ptr& error) noexcept;

}  // namespace sluice::async
