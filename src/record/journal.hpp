#pragma once

#include "base/result.hpp"
#include "record/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The journal of changes: what became of `objects`, for consumers. Format: see schema.cpp.
namespace sluice::record {

/// As stored: see ChangeKind in include/sluice/changes.hpp.
struct ChangeRow {
  std::int64_t seq = 0;
  std::int64_t pass = 0;
  std::int64_t what = 0;
  std::string key;
  std::string old_etag;
  std::string etag;
  std::uint64_t size = 0;
};

struct JournalBounds {
  std::int64_t begins = 0;  ///< up to here rows have gone
  std::int64_t newest = 0;
  std::int64_t most = 0;  ///< rows that are kept
};

/// nullopt: the record keeps none.
Result<std::optional<JournalBounds>> read_journal(Database& database);

/// From now on every change of `objects`, by whomever, is journaled in the same transaction, and
/// the last `most` rows are kept; 0 ends that, and the journal goes. `now_ms` is where the numbers
/// of a new journal begin: a record that is lost does not make them start over.
Result<void> keep_journal(Database& database, std::uint64_t most, std::int64_t now_ms);

/// Drops what is more than `bounds.most`, once it is a tenth more. In a transaction of the caller.
Result<void> prune_journal(Database& database, std::int64_t most);

Result<std::vector<ChangeRow>> read_changes(Database& database, std::int64_t after,
                                            std::size_t limit);

}  // namespace sluice::record
