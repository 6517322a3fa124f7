#pragma once

#include "base/result.hpp"
#include "model/row.hpp"
#include "record/journal.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The record: what we know of the mirror, in DIR/.sluice/record.db (SQLite, WAL). Format and
/// recovery are described in record.cpp. Its loss costs a re-check, never a wrong "up to date".
namespace sluice::record {

/// Which bucket a destination mirrors. Scheme and port are no part of it.
struct Source {
  std::string endpoint_host;
  std::string bucket;
  std::string prefix;
  bool operator==(const Source&) const = default;
};

/// Counters of one pass, as stored in `passes`.
struct PassRow {
  std::int64_t id = 0;
  std::int64_t started_ms = 0;
  std::int64_t finished_ms = 0;  ///< 0 while it runs, or if it was killed
  std::string outcome;  ///< "complete", "failed: …", "deletion refused: …", "interrupted"
  std::uint64_t listed = 0, kept = 0, fetched = 0, fetched_bytes = 0, deleted = 0, failed = 0,
                refused = 0;
};

struct Totals {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  std::uint64_t partials = 0;  ///< downloads that were cut off and can go on
};

/// Rows of `pending`: those with numbers from `first` up to, but without, `end`.
struct PendingRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

/// Adds one number; few ranges come of numbers that ascend.
void add_number(std::vector<PendingRange>& ranges, std::int64_t number);

/// A set of changes, written in one transaction.
struct Batch {
  std::vector<ObjectRow> upserts;
  std::vector<std::string> deletes;         ///< keys
  std::vector<PendingRow> pending;          ///< files that are about to be renamed into place
  std::vector<PendingRange> placed;         ///< pending rows that `objects` is to have as they are
  std::vector<PendingRange> settled;        ///< pending rows that go, those placed among them
  std::vector<PartialRow> partials;         ///< downloads that have begun or come further
  std::vector<std::string> ended_partials;  ///< keys
  bool empty() const noexcept {
    return upserts.empty() && deletes.empty() && pending.empty() && placed.empty() &&
           settled.empty() && partials.empty() && ended_partials.empty();
  }
};

/// A partial download without its parts.
struct PartialName {
  std::string key;
  std::string staged_name;
};

/// A week of passes, one a minute; a row takes some 100 bytes.
inline constexpr std::int64_t kMostPasses = 10'000;

/// What makes a commit durable: the caller's sync of the file system that holds it, or each its
/// own.
enum class CommitSync : std::uint8_t { with_the_files, each };

enum class Adopt : std::uint8_t { no, yes };  ///< --adopt: take over another source's record
/// `frozen`: read only, and the caller keeps everybody else from writing: nothing beside it
/// changes.
enum class Access : std::uint8_t { read_write, read_only, frozen };

/// One connection. Not thread-safe: each role opens its own. Errors are `local` (with SQLite's
/// text), `usage` for a foreign source or a newer schema.
class Record {
 public:
  /// Opens or makes the record. A damaged one is moved aside (`record.db.damaged-<n>`) and a new
  /// one is made: the next pass adopts what is there.
  static Result<std::unique_ptr<Record>> open(const std::string& path, const Source& source,
                                              Adopt adopt);
  /// Another connection to a record that exists (no source check).
  static Result<std::unique_ptr<Record>> connect(const std::string& path, Access access);
  /// One in memory, without rows: what a run that may not write has where there is no record.
  static Result<std::unique_ptr<Record>> empty();
  ~Record();

  /// Whether the rows are those of `source`. An error of kind `usage` if they are of another one
  /// that is not to be taken over.
  Result<bool> belongs_to(const Source& source, Adopt adopt);

  std::optional<Source> source();
  bool was_damaged() const noexcept;

  /// Up to `limit` rows with key > after and key starting with `prefix`, in byte order. No read
  /// transaction stays open between calls.
  Result<std::vector<ObjectRow>> rows_after(std::string_view after, std::size_t limit);
  /// The key of the row that comes `rows` rows after a key, at least one; nullopt if it has not so
  /// many.
  Result<std::optional<std::string>> key_after(std::string_view after, std::uint64_t rows);
  Result<std::optional<ObjectRow>> find(std::string_view key);

  /// Answers with the numbers that its pending rows were given, in their order.
  Result<PendingRange> commit(const Batch& batch);
  Result<void> set_commit_sync(CommitSync sync);  ///< of this connection; with_the_files at first

  /// All of them, in the order of their numbers: at most three groups of the publisher.
  Result<std::vector<PendingRow>> pending();
  Result<std::optional<PartialRow>> find_partial(std::string_view key);
  /// All of them: as many as were being fetched when runs were interrupted.
  Result<std::vector<PartialName>> partial_names();

  Result<std::int64_t> begin_pass(std::int64_t started_ms);
  /// Also forgets passes that are older than the last kMostPasses.
  Result<void> end_pass(const PassRow& pass);
  Result<std::vector<PassRow>> last_passes(std::size_t limit);  ///< newest first
  Result<Totals> totals();

  /// Whether a complete serial listing has shown this source to list in byte order.
  bool byte_order_proved();
  Result<void> set_byte_order_proved(bool proved);

  /// The journal of changes (journal.hpp), whose numbers begin by the clock.
  Result<void> keep_journal(std::uint64_t most, std::int64_t now_ms);
  Result<std::optional<JournalBounds>> journal();
  Result<std::vector<ChangeRow>> changes_after(std::int64_t after, std::size_t limit);

  /// Rows whose key a listing did not show, kept in a temporary table of this connection until
  /// cleared, so that memory does not grow with their number.
  Result<void> note_absent(const std::vector<ObjectRow>& rows);
  Result<std::vector<ObjectRow>> absent_after(std::string_view after, std::size_t limit);
  Result<std::uint64_t> count_absent();
  Result<void> clear_absent();

  /// After each pass: writes the WAL back and truncates it.
  Result<void> checkpoint();

 private:
  Record();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::record
