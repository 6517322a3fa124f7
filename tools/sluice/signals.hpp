#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace sluice::cli {

/// SIGINT, SIGTERM and SIGHUP: the first asks for an orderly stop, the second ends the process at
/// once with 128 + its number. SIGUSR1 and a SIGHUP for which somebody else asked do not count.
/// SIGPIPE and SIGXFSZ (a file at the limit of its size) are ignored: writes fail instead.
///
/// To be made before any other thread, since threads inherit the blocked signals. A SIGHUP that the
/// parent set to be ignored (nohup) stays so.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// From now on the first signal calls `stop`, on a thread of its own, and ends the process itself
  /// after `most`: what is stopped may wait for somebody who does not read what we write. Until
  /// then, and if it was called before, a signal ends the process at once.
  void on_first(std::function<void(int signal)> stop, std::chrono::milliseconds most);

  /// From now on SIGUSR1 calls `call`; until then it is ignored.
  void on_user_signal(std::function<void()> call);
  /// From now on SIGHUP calls `call`, and does what it did before if that returns false. Both are
  /// called on one thread, one after the other; other signals do not wait for them.
  void on_hangup(std::function<bool()> call);

  /// 128 + the number of the first signal, 0 if there was none.
  int exit_status() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< shared with threads that live as long as the process
};

/// Ends the process without running destructors, once both streams are flushed: taking the engine
/// down waits for name look-ups that hang, and there is nothing left to lose.
[[noreturn]] void leave(int status);

}  // namespace sluice::cli
