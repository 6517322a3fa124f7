#pragma once

#include "model/proof.hpp"

#include "sluice/summary.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace sluice::mirror {

/// The counters of one pass, written by every role and read by whoever asks for progress.
struct Counters {
  std::atomic<bool> listing_done = false;
  std::atomic<std::uint64_t> listed = 0;
  std::atomic<std::uint64_t> listed_bytes = 0;
  std::atomic<std::uint64_t> to_fetch = 0;
  std::atomic<std::uint64_t> to_fetch_bytes = 0;
  std::atomic<std::uint64_t> received_bytes = 0;
  std::atomic<std::uint64_t> resumed_bytes = 0;
  std::atomic<std::uint64_t> retries = 0;
  std::atomic<std::uint64_t> unproven = 0;
  std::atomic<std::uint64_t> local_failures = 0;
  std::array<std::atomic<std::uint64_t>, kWhatCount> what{};
  std::array<std::atomic<std::uint64_t>, kProofCount> proofs{};  ///< by Proof

  void reset() noexcept;
  Progress snapshot() const noexcept;
  ProofCounts proof_counts() const noexcept;
};

}  // namespace sluice::mirror
