#pragma once

#include "model/proof.hpp"

#include "sluice/summary.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace sluice::mirror {

/// The counters of one pass, written by every role and read by whoever asks for progress.
struct Counters {
  std::atomic<bool> listing_done = false;
  std::atomic<std::uint64_t> listed = 0;
  std::atomic<std::uint64_t> listed_bytes = 0;
  std::atomic<std::uint64_t> listed_before = 0;  ///< see Progress
  std::atomic<std::uint64_t> excluded = 0;
  std::atomic<std::uint64_t> to_fetch = 0;
  std::atomic<std::uint64_t> to_fetch_bytes = 0;
  std::atomic<std::uint64_t> received_bytes = 0;
  std::atomic<std::uint64_t> resumed_bytes = 0;
  std::atomic<std::uint64_t> retries = 0;
  std::atomic<std::uint64_t> throttles = 0;
  std::atomic<std::uint64_t> unproven = 0;
  std::atomic<std::uint64_t> local_failures = 0;
  std::array<std::atomic<std::uint64_t>, kWhatCount> what{};
  std::array<std::atomic<std::uint64_t>, kProofCount> proofs{};  ///< by Proof

  /// A pass begins. What was counted stays in `total`.
  void reset() noexcept;
  Progress snapshot() const noexcept;
  /// Over all passes.
  Progress total() const noexcept;
  ProofCounts proof_counts() const noexcept;

  /// The listing shows a change of this time that is to be mirrored.
  void note_change(std::int64_t time_ms) noexcept;
  enum class Mirrored : std::uint8_t {
    all,      ///< all that was listed
    not_all,  ///< objects failed, but everything was listed
    unknown,  ///< the pass did not come to its end
  };
  /// A pass has ended.
  void settle_changes(Mirrored mirrored) noexcept;
  /// The oldest change that is not known to be mirrored, 0: none. See Telemetry.
  std::int64_t oldest_change_ms() const noexcept;

 private:
  mutable std::mutex mutex_;                         ///< of what follows, and of `reset`
  Progress before_;                                  ///< what earlier passes counted
  std::atomic<std::int64_t> change_ms_ = 0;          ///< the oldest of this pass
  std::atomic<std::int64_t> earlier_change_ms_ = 0;  ///< of earlier passes
};

}  // namespace sluice::mirror
