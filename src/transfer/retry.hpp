#pragma once

#include "async/backoff.hpp"
#include "async/runtime.hpp"
#include "base/result.hpp"

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

/// Told of every retry before its pause. Called from any role.
class RetryListener {
 public:
  virtual ~RetryListener() = default;
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
/// tries; it must outlive the call, and remembers itself what it has already got.
template <class T>
async::Task<Result<T>> with_retry(async::Runtime& runtime, const RetryPolicy& policy,
                                  RetryListener& listener,
                                  const std::function<async::Task<Result<T>>()>& attempt) {
  Failures failures;
  for (;;) {
    Result<T> result = co_await attempt();
    if (result.has_value()) co_return result;
    ++failures.all;
    if (result.error().kind == ErrorKind::invalid_answer) ++failures.invalid;
    const auto pause = next_pause(policy, result.error(), failures, runtime.random());
    if (!pause) co_return result;
    listener.on_retry(result.error(), failures.all, *pause);
    co_await runtime.sleep_for(*pause);
  }
}

}  // namespace sluice::transfer
