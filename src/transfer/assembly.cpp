#include "transfer/assembly.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace sluice::transfer {

Assembly::Assembly(FetchTask task, PartPlan plan)
    : task_(std::move(task)),
      plan_(plan),
      parts_left_(std::max(plan.count(), 1u)),
      part_digests_(plan.count()) {}

Assembly::Assembly(FetchTask task, PartPlan plan, local::StagedFile staged, const PartialRow& left)
    : Assembly(std::move(task), plan) {
  staged_ = std::move(staged);
  staged_made_ = true;
  left_ = left.parts;
  // What the server says of the object comes with an answer: one part has to be asked for.
  if (left_.size() == plan_.count()) left_.erase(left_.begin());
}

std::optional<Digest> Assembly::left_by_earlier_run(std::uint32_t index) const {
  const auto found = left_.find(index);
  if (found == left_.end()) return std::nullopt;
  return Digest{DigestKind::crc64nvme, text::big_endian(found->second, kPartDigestBytes)};
}

PartialRow Assembly::empty_row() const {
  PartialRow row;
  row.key = task_.key;
  row.version = task_.version;
  row.part_bytes = plan_.part_bytes();
  row.staged_name = staged_.name();
  return row;
}

PartialRow Assembly::partial_row(std::uint32_t index) const {
  PartialRow row = empty_row();
  row.parts[index] = text::from_big_endian(part_digests_[index].bytes);
  return row;
}

std::optional<PartialRow> Assembly::partial_row() const {
  PartialRow row = empty_row();
  for (std::uint32_t index = 0; index < plan_.count(); ++index)
    if (has_part_digest(index))
      row.parts[index] = text::from_big_endian(part_digests_[index].bytes);
  if (row.parts.empty()) return std::nullopt;
  return row;
}

SteadyTime Assembly::begun(SteadyTime now) {
  std::lock_guard lock(mutex_);
  if (!begun_) begun_ = now;
  return *begun_;
}

Result<local::StagedFile*> Assembly::staged(local::Destination& destination, unsigned shard) {
  std::lock_guard lock(mutex_);
  if (!staged_made_) {
    auto made = destination.create_staged(shard, plan_.size());
    if (!made) return made.error();
    staged_ = std::move(*made);
    if (plan_.count() > 1) staged_.keep();
    staged_made_ = true;
  }
  return &staged_;
}

bool Assembly::is_begun() const {
  std::lock_guard lock(mutex_);
  return staged_made_;
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
