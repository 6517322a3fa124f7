#include "mirror/counters.hpp"

namespace sluice::mirror {

void Counters::reset() noexcept {
  listing_done = false;
  for (auto* counter : {&listed, &listed_bytes, &to_fetch, &to_fetch_bytes, &received_bytes,
                        &resumed_bytes, &retries, &unproven, &local_failures})
    *counter = 0;
  for (auto& counter : what)
    counter = 0;
  for (auto& counter : proofs)
    counter = 0;
}

Progress Counters::snapshot() const noexcept {
  Progress progress;
  progress.listing_done = listing_done;
  progress.listed = listed;
  progress.listed_bytes = listed_bytes;
  progress.to_fetch = to_fetch;
  progress.to_fetch_bytes = to_fetch_bytes;
  progress.fetched_bytes = received_bytes;
  progress.resumed_bytes = resumed_bytes;
  progress.retries = retries;
  for (std::size_t i = 0; i < kWhatCount; ++i)
    progress.counts[i] = what[i];
  return progress;
}

ProofCounts Counters::proof_counts() const noexcept {
  const auto of = [this](Proof proof) { return proofs[static_cast<std::size_t>(proof)].load(); };
  ProofCounts counts;
  counts.checksum = of(Proof::checksum);
  counts.md5 = of(Proof::md5);
  counts.composite = of(Proof::composite);
  counts.length = of(Proof::length);
  counts.none = of(Proof::none);
  return counts;
}

}  // namespace sluice::mirror
