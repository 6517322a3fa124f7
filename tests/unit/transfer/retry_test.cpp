#include "transfer/retry.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;

class CountsRetries final : public RetryListener {
 public:
  void on_retry(const Error&, unsigned attempt, std::chrono::milliseconds pause) override {
    attempts.push_back(attempt);
    total += pause;
  }
  std::vector<unsigned> attempts;
  std::chrono::milliseconds total{0};
};

async::Task<Result<int>> answer(Result<int> value) {
  co_return value;
}

/// Fails `failures` times with `kind`, then succeeds.
struct Script {
  ErrorKind kind;
  int failures;
  int calls = 0;
  std::chrono::milliseconds retry_after{0};

  async::Task<Result<int>> next() {
    if (++calls > failures) return answer(42);
    Error error(kind, "no");
    error.retry_after = retry_after;
    return answer(error);
  }
};

Result<int> run(Script& script, CountsRetries& listener, const RetryPolicy& policy,
                SteadyClock::duration* took = nullptr) {
  auto runtime = async::make_deterministic_runtime({.seed = 1});
  Result<int> result = 0;
  const std::function<async::Task<Result<int>>()> attempt = [&script] { return script.next(); };
  const SteadyTime before = runtime->now();
  runtime->run([&]() -> async::Task<void> {
    result = co_await with_retry<int>(*runtime, policy, listener, attempt);
  });
  if (took != nullptr) *took = runtime->now() - before;
  return result;
}

TEST(Retry, TriesUntilItSucceeds) {
  Script script{ErrorKind::transient, 3};
  CountsRetries listener;
  const auto result = run(script, listener, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 42);
  EXPECT_EQ(listener.attempts, (std::vector<unsigned>{1, 2, 3}));
}

TEST(Retry, GivesUpAfterItsTries) {
  Script script{ErrorKind::transient, 1000};
  CountsRetries listener;
  RetryPolicy policy;
  policy.max_attempts = 5;
  EXPECT_FALSE(run(script, listener, policy));
  EXPECT_EQ(script.calls, 5);
}

TEST(Retry, WhatIsFinalIsNotRetried) {
  for (const ErrorKind kind :
       {ErrorKind::denied, ErrorKind::missing_key, ErrorKind::changed, ErrorKind::local,
        ErrorKind::credentials, ErrorKind::archived, ErrorKind::corrupt, ErrorKind::usage}) {
    Script script{kind, 1000};
    CountsRetries listener;
    EXPECT_FALSE(run(script, listener, {}));
    EXPECT_EQ(script.calls, 1) << to_string(kind);
  }
}

TEST(Retry, AnInvalidAnswerHasFewTries) {
  Script script{ErrorKind::invalid_answer, 1000};
  CountsRetries listener;
  EXPECT_FALSE(run(script, listener, {}));
  EXPECT_EQ(script.calls, 3);
}

TEST(Retry, OtherFailuresDoNotUseUpTheTriesOfInvalidAnswers) {
  const RetryPolicy policy;
  const Error invalid(ErrorKind::invalid_answer, "no");
  EXPECT_TRUE(next_pause(policy, invalid, Failures{.all = 7, .invalid = 1}, 0));
  EXPECT_FALSE(next_pause(policy, invalid, Failures{.all = 7, .invalid = 3}, 0));
  EXPECT_FALSE(next_pause(policy, invalid, Failures{.all = 10, .invalid = 1}, 0));
}

TEST(Retry, RetryAfterIsWaitedFor) {
  Script script{ErrorKind::throttled, 2};
  script.retry_after = 7s;
  CountsRetries listener;
  SteadyClock::duration took{};
  EXPECT_TRUE(run(script, listener, {}, &took));
  EXPECT_GE(took, 14s);
  EXPECT_EQ(listener.total, 14s);
}

}  // namespace
}  // namespace sluice::transfer
