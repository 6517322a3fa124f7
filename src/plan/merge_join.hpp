#pragma once

#include "base/result.hpp"
#include "model/object.hpp"
#include "model/row.hpp"
#include "record/record.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::plan {

/// Walks a sorted listing and the record side by side. Rows that the listing passes over are noted
/// in the record's temporary table of absent keys. As soon as a key arrives that is not greater
/// than the one before, the listing is unordered: from then on each row is looked up by its key,
/// and no row is ever called absent (no licence to delete).
class MergeJoin {
 public:
  /// Rows are read in chunks of this many: no read transaction outlives one (a long cursor let the
  /// write-ahead log grow to 3 GB).
  static constexpr std::size_t kChunkRows = 1000;

  /// Only rows whose key starts with `prefix` take part; of those that the listing passes over,
  /// only `concerns` some are noted. `record` must outlive this.
  using Concerns = std::function<bool(const ObjectRow&)>;
  MergeJoin(record::Record& record, std::string prefix, Concerns concerns = {});

  /// The row of `key`, or nullptr; valid until the next call. A repeated key is found again.
  Result<const ObjectRow*> row_for(std::string_view key);

  /// Notes a row although the listing has shown its key. Nothing in an unordered listing.
  void call_absent(const ObjectRow& row);

  /// The listing has ended: what is left of the record is absent too (ordered listings only).
  Result<void> finish();

  bool ordered() const noexcept { return ordered_; }

 private:
  Result<void> begin();
  Result<void> refill();
  Result<void> pass_over(std::string_view key);
  void pass_over_next();
  Result<void> give_up_order();

  record::Record& record_;
  const std::string prefix_;
  const Concerns concerns_;
  std::vector<ObjectRow> chunk_;
  std::vector<ObjectRow> passed_;  ///< moved out of chunk_, noted before the next one is read
  std::size_t next_ = 0;
  std::string read_up_to_;
  bool begun_ = false;
  bool exhausted_ = false;
  bool ordered_ = true;
  bool any_key_ = false;
  std::string last_key_;
  std::optional<ObjectRow> found_;
};

}  // namespace sluice::plan
