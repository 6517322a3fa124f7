#include "signals.hpp"

#include <atomic>
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
  std::mutex mutex;
  std::function<void(int)> stop;
  std::function<void()> user_signal;
  std::function<bool()> hangup;

  /// Whether somebody has asked for this signal, and it stops nothing.
  bool is_served(int signal) {
    std::function<void()> on_user;
    std::function<bool()> on_hangup;
    {
      const std::lock_guard lock(mutex);
      on_user = user_signal;
      on_hangup = hangup;
    }
    if (signal == SIGHUP) return on_hangup && on_hangup();
    if (signal != SIGUSR1) return false;
    if (on_user) on_user();
    return true;
  }

  void wait_for_ever() {
    for (;;) {
      int signal = 0;
      if (::sigwait(&caught, &signal) != 0 || is_served(signal)) continue;
      std::function<void(int)> call;
      {
        const std::lock_guard lock(mutex);
        call = std::exchange(stop, nullptr);
      }
      if (!call) {
        // The prompt should not follow a progress line.
        if (::isatty(STDERR_FILENO) == 1) [[maybe_unused]]
          const auto written = ::write(STDERR_FILENO, "\n", 1);
        ::_exit(128 + signal);
      }
      first = signal;
      call(signal);
    }
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
}

void Signals::on_first(std::function<void(int)> stop) {
  const std::lock_guard lock(state_->mutex);
  state_->stop = std::move(stop);
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
