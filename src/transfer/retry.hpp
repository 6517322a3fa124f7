#pragma once

#include "async/backoff.hpp"
#include "async/runtime.hpp"
#include "base/result.hpp"
#include "transfer/concurrency.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace sluice::transfer {

struct RetryPolicy {
  unsigned max_attempts = 10;  ///< tries of one request
  /// An answer that breaks the protocol may be a cut one or a captive portal: fewer tries.
  unsigned max_invalid_attempts = 3;
  async::BackoffOptions backoff;
};

/// Told how requests fare. Called from any role.
class RetryListener {
 public:
  virtual ~RetryListener() = default;
  virtual void on_success() noexcept {}
  /// Before the pause.
  virtual void on_retry(const Error& error, unsigned attempt, std::chrono::milliseconds pause) = 0;
};

enum class RetryAction : std::uint8_t { give_up, pause, pause_throttled, pause_few };

/// THE function from what went wrong to what the retry loop does.
RetryAction retry_action(ErrorKind kind) noexcept;

/// The failures of one request so far, the last one included.
struct Failures {
  unsigned all = 0;
  unsigned invalid = 0;  ///< of these: answers that broke the protocol
};

/// The pause before the next try, or nullopt to give up.
std::optional<std::chrono::milliseconds> next_pause(const RetryPolicy& policy, const Error& error,
                                                    const Failures& failures,
                                                    std::uint64_t random) noexcept;

/// THE retry loop. `attempt` is called again until it succeeds, fails for good, or has had its
/// tries; it must outlive the call, and remembers itself what it has already got. With
/// `concurrency` each try takes a slot of it, and leaves it to others during the pauses.
template <class T>
async::Task<Result<T>> with_retry(async::Runtime& runtime, const RetryPolicy& policy,
                                  RetryListener& listener,
                                  const std::function<async::Task<Result<T>>()>& attempt,
                                  Concurrency* concurrency = nullptr) {
  Failures failures;
  for (;;) {
    std::optional<Concurrency::Slot> slot;
    if (concurrency != nullptr) {
      slot = concurrency->try_enter();
      if (!slot) {
        Concurrency::Slot waited_for = co_await concurrency->enter();
        slot.emplace(std::move(waited_for));
      }
    }
    Result<T> result = co_await attempt();
    if (result.has_value()) {
      if (slot) slot->succeeded();
      listener.on_success();
      co_return result;
    }
    if (slot) slot->failed(result.error().kind);
    slot.reset();
    if (result.error().code == kCrawls) {  // whoever gave it up sees to it that this has an end
      listener.on_retry(result.error(), failures.all + 1, std::chrono::milliseconds(0));
      continue;
    }
    ++failures.all;
    if (result.error().kind == ErrorKind::invalid_answer) ++failures.invalid;
    const auto pause = next_pause(policy, result.error(), failures, runtime.random());
    if (!pause) co_return result;
    listener.on_retry(result.error(), failures.all, *pause);
    co_await runtime.sleep_for(*pause);
  }
}

}  // namespace sluice::transfer
