#pragma once

#include <array>
#include <cstddef>
#include <string_view>

/// The statements of the record that are run often.
namespace sluice::record {

// The same columns, so that one function reads both and one binds both.
inline constexpr const char* kCreateAbsent =
    "CREATE TEMP TABLE IF NOT EXISTS absent (key BLOB PRIMARY KEY NOT NULL, etag, size, "
    "modified_ms, mtime_ns, inode, proof, digest_kind, digest, state) WITHOUT ROWID";

#define SLUICE_OBJECT_COLUMNS \
  "key, etag, size, modified_ms, mtime_ns, inode, proof, digest_kind, digest, state"

/// Statements are prepared on first use and kept.
enum StatementId : std::size_t {
  kUpsert,
  kDelete,
  kFind,
  kRowsAfter,
  kNoteAbsent,
  kAbsentAfter,
  kAddPending,
  kPlacePending,
  kDropPending,
  kPutPartial,
  kDropPartial,
  kFindPartial,
  kKeyAfter,
  kStatementCount,
};
inline constexpr std::array<std::string_view, kStatementCount> kSql = {
    "INSERT OR REPLACE INTO objects (" SLUICE_OBJECT_COLUMNS
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "DELETE FROM objects WHERE key = ?1",
    "SELECT " SLUICE_OBJECT_COLUMNS " FROM objects WHERE key = ?1",
    "SELECT " SLUICE_OBJECT_COLUMNS " FROM objects WHERE key > ?1 ORDER BY key LIMIT ?2",
    "INSERT OR REPLACE INTO temp.absent (" SLUICE_OBJECT_COLUMNS
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "SELECT " SLUICE_OBJECT_COLUMNS " FROM temp.absent WHERE key > ?1 ORDER BY key LIMIT ?2",
    "INSERT INTO pending (" SLUICE_OBJECT_COLUMNS
    ", staged_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    "INSERT OR REPLACE INTO objects (" SLUICE_OBJECT_COLUMNS ") SELECT " SLUICE_OBJECT_COLUMNS
    " FROM pending WHERE number >= ?1 AND number < ?2 ORDER BY number",
    "DELETE FROM pending WHERE number >= ?1 AND number < ?2",
    "INSERT OR REPLACE INTO partials (key, etag, size, modified_ms, part_bytes, staged_name, "
    "parts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "DELETE FROM partials WHERE key = ?1",
    "SELECT key, etag, size, modified_ms, part_bytes, staged_name, parts FROM partials "
    "WHERE key = ?1",
    "SELECT key FROM objects WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2",
};

}  // namespace sluice::record
