#include "signals.hpp"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::cli {

struct Signals::State {
  sigset_t caught{};
  std::atomic<int> first{0};
  std::mutex mutex;  ///< of what follows
  std::condition_variable has_asked;
  std::function<void(int)> stop;
  std::chrono::milliseconds most_to_stop{0};
  std::function<void()> user_signal;
  std::function<bool()> hangup;
  bool user_asked = false;
  bool hangup_asked = false;

  /// Never calls anybody: whom it calls may hang.
  void wait_for_ever() {
    for (;;) {
      int signal = 0;
      if (::sigwait(&caught, &signal) != 0) continue;
      const std::lock_guard lock(mutex);
      if (signal == SIGUSR1)
        user_asked = user_signal != nullptr;
      else if (signal == SIGHUP && hangup)
        hangup_asked = true;
      else
        end(signal);
      has_asked.notify_one();
    }
  }

  void serve_for_ever() {
    for (;;) {
      std::function<void()> on_user;
      std::function<bool()> on_hangup;
      {
        std::unique_lock lock(mutex);
        has_asked.wait(lock, [this] { return user_asked || hangup_asked; });
        if (std::exchange(user_asked, false)) on_user = user_signal;
        if (std::exchange(hangup_asked, false)) on_hangup = hangup;
      }
      if (on_user) on_user();
      if (!on_hangup || on_hangup()) continue;
      const std::lock_guard lock(mutex);
      end(SIGHUP);
    }
  }

 private:
  /// With the mutex.
  void end(int signal) {
    const auto call = std::exchange(stop, nullptr);
    if (!call) {
      // The prompt should not follow a progress line.
      if (::isatty(STDERR_FILENO) == 1) [[maybe_unused]]
        const auto written = ::write(STDERR_FILENO, "\n", 1);
      ::_exit(128 + signal);
    }
    first = signal;
    std::thread([call, signal] { call(signal); }).detach();
    std::thread([most = most_to_stop, signal] {
      std::this_thread::sleep_for(most);
      ::_exit(128 + signal);
    }).detach();
  }
};

Signals::Signals() : state_(std::make_shared<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigemptyset(&state_->caught);
  sigaddset(&state_->caught, SIGINT);
  sigaddset(&state_->caught, SIGTERM);
  sigaddset(&state_->caught, SIGUSR1);
  // A blocked signal is queued even where it is ignored, so nohup must be looked for.
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    sigaddset(&state_->caught, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &state_->caught, nullptr);
  std::thread([state = state_] { state->wait_for_ever(); }).detach();
  std::thread([state = state_] { state->serve_for_ever(); }).detach();
}

void Signals::on_first(std::function<void(int)> stop, std::chrono::milliseconds most) {
  const std::lock_guard lock(state_->mutex);
  state_->stop = std::move(stop);
  state_->most_to_stop = most;
}

void Signals::on_user_signal(std::function<void()> call) {
  const std::lock_guard lock(state_->mutex);
  state_->user_signal = std::move(call);
}

void Signals::on_hangup(std::function<bool()> call) {
  const std::lock_guard lock(state_->mutex);
  state_->hangup = std::move(call);
}

int Signals::exit_status() const noexcept {
  const int signal = state_->first;
  return signal == 0 ? 0 : 128 + signal;
}

void leave(int status) {
  std::fflush(stdout);
  std::fflush(stderr);
  ::_exit(status);
}

}  // namespace sluice::cli
