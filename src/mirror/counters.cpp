#include "mirror/counters.hpp"

#include <algorithm>

namespace sluice::mirror {
namespace {

/// Of two times of which 0 is none.
std::int64_t older(std::int64_t a, std::int64_t b) noexcept {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

void add(Progress& total, const Progress& more) noexcept {
  for (const auto field : {&Progress::listed, &Progress::listed_bytes, &Progress::excluded,
                           &Progress::to_fetch, &Progress::to_fetch_bytes, &Progress::fetched_bytes,
                           &Progress::resumed_bytes, &Progress::retries, &Progress::throttles})
    total.*field += more.*field;
  for (std::size_t i = 0; i < kWhatCount; ++i)
    total.counts[i] += more.counts[i];
  total.listing_done = more.listing_done;
  total.listed_before = more.listed_before;
}

}  // namespace

void Counters::reset() noexcept {
  const std::lock_guard lock(mutex_);
  add(before_, snapshot());
  listing_done = false;
  for (auto* counter :
       {&listed, &listed_bytes, &listed_before, &excluded, &to_fetch, &to_fetch_bytes,
        &received_bytes, &resumed_bytes, &retries, &throttles, &unproven, &local_failures})
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
  progress.listed_before = listed_before;
  progress.excluded = excluded;
  progress.to_fetch = to_fetch;
  progress.to_fetch_bytes = to_fetch_bytes;
  progress.fetched_bytes = received_bytes;
  progress.resumed_bytes = resumed_bytes;
  progress.retries = retries;
  progress.throttles = throttles;
  for (std::size_t i = 0; i < kWhatCount; ++i)
    progress.counts[i] = what[i];
  return progress;
}

Progress Counters::total() const noexcept {
  const std::lock_guard lock(mutex_);
  Progress total = before_;
  add(total, snapshot());
  return total;
}

void Counters::note_change(std::int64_t time_ms) noexcept {
  // One role writes: nothing can come between.
  const std::int64_t known = change_ms_.load(std::memory_order_relaxed);
  if (known == 0 || time_ms < known) change_ms_.store(time_ms, std::memory_order_relaxed);
}

void Counters::settle_changes(Mirrored mirrored) noexcept {
  const std::int64_t seen = change_ms_;
  std::int64_t left = 0;
  if (mirrored == Mirrored::not_all) left = seen;
  if (mirrored == Mirrored::unknown) left = older(seen, earlier_change_ms_);
  earlier_change_ms_ = left;
  change_ms_ = 0;
}

std::int64_t Counters::oldest_change_ms() const noexcept {
  return older(change_ms_, earlier_change_ms_);
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
