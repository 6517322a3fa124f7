#include "plan/merge_join.hpp"

#include <algorithm>
#include <utility>

namespace sluice::plan {

MergeJoin::MergeJoin(record::Record& record, std::string prefix, Concerns concerns)
    : record_(record), prefix_(std::move(prefix)), concerns_(std::move(concerns)) {}

/// What an earlier pass noted says nothing about this one.
Result<void> MergeJoin::begin() {
  if (begun_) return {};
  if (const auto cleared = record_.clear_absent(); !cleared) return cleared;
  read_up_to_ = prefix_;
  // A key may be the prefix itself, and what is read below begins after it.
  if (!prefix_.empty()) {
    auto row = record_.find(prefix_);
    if (!row) return row.error();
    if (*row) chunk_.push_back(std::move(**row));
  }
  begun_ = true;
  return {};
}

/// The next chunk, once the one before is used up.
Result<void> MergeJoin::refill() {
  if (const auto noted = record_.note_absent(passed_); !noted) return noted;
  passed_.clear();
  auto rows = record_.rows_after(read_up_to_, kChunkRows);
  if (!rows) return rows.error();
  exhausted_ = rows->size() < kChunkRows;
  if (!rows->empty()) read_up_to_ = rows->back().key;
  const auto beyond = std::find_if(rows->begin(), rows->end(), [this](const ObjectRow& row) {
    return !row.key.starts_with(prefix_);
  });
  if (beyond != rows->end()) {
    rows->erase(beyond, rows->end());
    exhausted_ = true;
  }
  chunk_ = std::move(*rows);
  next_ = 0;
  return {};
}

/// Every row before `key` is one that the listing did not show.
Result<void> MergeJoin::pass_over(std::string_view key) {
  for (;;) {
    while (next_ < chunk_.size() && chunk_[next_].key < key)
      pass_over_next();
    if (next_ < chunk_.size() || exhausted_) return {};
    if (const auto filled = refill(); !filled) return filled;
  }
}

void MergeJoin::pass_over_next() {
  ObjectRow& row = chunk_[next_++];
  if (!concerns_ || concerns_(row)) passed_.push_back(std::move(row));
}

void MergeJoin::call_absent(const ObjectRow& row) {
  if (ordered_) passed_.push_back(row);
}

/// Rows that were passed over may still come.
Result<void> MergeJoin::give_up_order() {
  ordered_ = false;
  chunk_ = {};
  passed_ = {};
  next_ = 0;
  return record_.clear_absent();
}

Result<const ObjectRow*> MergeJoin::row_for(std::string_view key) {
  if (const auto begun = begin(); !begun) return begun.error();
  if (ordered_ && any_key_ && key <= last_key_) {
    if (const auto gone = give_up_order(); !gone) return gone.error();
  }
  if (!ordered_) {
    auto row = record_.find(key);
    if (!row) return row.error();
    found_ = std::move(*row);
    return found_ ? &*found_ : nullptr;
  }
  any_key_ = true;
  last_key_ = key;
  if (const auto passed = pass_over(key); !passed) return passed.error();
  if (next_ == chunk_.size() || chunk_[next_].key != key) return nullptr;
  // It stays where it is until the next call reads on.
  return &chunk_[next_++];
}

Result<void> MergeJoin::finish() {
  if (const auto begun = begin(); !begun) return begun.error();
  if (!ordered_) return {};
  for (;;) {
    while (next_ < chunk_.size())
      pass_over_next();
    if (exhausted_) break;
    if (const auto filled = refill(); !filled) return filled;
  }
  if (const auto noted = record_.note_absent(passed_); !noted) return noted;
  passed_.clear();
  return {};
}

}  // namespace sluice::plan
