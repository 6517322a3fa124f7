#include "transfer/assembly.hpp"

#include <algorithm>

namespace sluice::transfer {

Assembly::Assembly(FetchTask task, PartPlan plan)
    : task_(std::move(task)),
      plan_(plan),
      parts_left_(std::max(plan.count(), 1u)),
      part_digests_(plan.count()) {}

Result<local::StagedFile*> Assembly::staged(local::Destination& destination, unsigned shard) {
  std::lock_guard lock(mutex_);
  if (!staged_made_) {
    auto made = destination.create_staged(shard, plan_.size());
    if (!made) return made.error();
    staged_ = std::move(*made);
    staged_made_ = true;
  }
  return &staged_;
}

void Assembly::fail(Error error) {
  std::lock_guard lock(mutex_);
  if (failed_.load(std::memory_order_relaxed)) return;
  error_ = std::move(error);
  failed_.store(true, std::memory_order_release);
}

Error Assembly::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

void Assembly::note_head(const store::ObjectHead& head) {
  std::lock_guard lock(mutex_);
  if (head_) return;
  head_ = head;
  if (plan_.count() > 1) head_->checksums.clear();
}

std::optional<Digest> Assembly::streamed_digest(DigestKind kind) const {
  std::optional<Digest> whole;
  for (std::uint32_t index = 0; index < plan_.count(); ++index) {
    const Digest& part = part_digests_[index];
    if (part.kind != kind) return std::nullopt;
    whole = index == 0 ? part : combined(*whole, part, plan_.range(index).length());
    if (!whole) return std::nullopt;
  }
  return whole;
}

std::optional<store::ObjectHead> Assembly::head() const {
  std::lock_guard lock(mutex_);
  return head_;
}

}  // namespace sluice::transfer
