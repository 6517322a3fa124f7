#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::async {

/// Full jitter: a uniform share of min(base * 2^attempt, cap), as botocore's standard mode does it.
/// Figures: catalogue of retry behaviour, AWS "retry v2.1" (2026): 50 ms base, 1 s after
/// throttling, cap 20 s.
struct BackoffOptions {
  std::chrono::milliseconds base{50};
  std::chrono::milliseconds throttled_base{1000};
  std::chrono::milliseconds cap{20'000};
  std::chrono::milliseconds retry_after_cap{300'000};  ///< what a server may ask for at most
};

enum class Pace : std::uint8_t { normal, throttled };

/// The pause before try number `attempt + 1` (`attempt` counts failures so far, from 1). `random`
/// is 64 uniform bits. A server's Retry-After, if longer, is kept, clamped to `retry_after_cap`.
std::chrono::milliseconds backoff_delay(const BackoffOptions& options, unsigned attempt, Pace pace,
                                        std::chrono::milliseconds retry_after,
                                        std::uint64_t random) noexcept;

}  // namespace sluice::async
