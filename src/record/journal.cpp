#include "record/journal.hpp"

#include <string_view>

namespace sluice::record {
namespace {

// The triggers see every way in which a row of `objects` comes and goes; a row that is replaced
// fires the first one only. They are part of the file: whichever sluice writes, it journals.
constexpr const char* kCreate = R"(
CREATE TABLE journal (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  begins INTEGER NOT NULL,
  most INTEGER NOT NULL);
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  pass INTEGER NOT NULL,
  what INTEGER NOT NULL,
  key BLOB NOT NULL,
  old_etag TEXT NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL);
CREATE TRIGGER journal_put BEFORE INSERT ON objects WHEN new.state = 1 BEGIN
  INSERT INTO changes (pass, what, key, old_etag, etag, size)
    SELECT coalesce((SELECT max(id) FROM passes), 0),
           CASE WHEN was.key IS NULL THEN 1
                WHEN was.etag <> new.etag OR was.size <> new.size THEN 2
                ELSE 3 END,
           new.key, coalesce(was.etag, ''), new.etag, new.size
      FROM (SELECT 1) LEFT JOIN objects AS was ON was.key = new.key AND was.state = 1
     WHERE was.key IS NULL OR was.etag <> new.etag OR was.size <> new.size
        OR was.modified_ms <> new.modified_ms OR was.mtime_ns <> new.mtime_ns
        OR was.inode <> new.inode;
END;
CREATE TRIGGER journal_remove AFTER DELETE ON objects WHEN old.state = 1 BEGIN
  INSERT INTO changes (pass, what, key, old_etag, etag, size)
    VALUES (coalesce((SELECT max(id) FROM passes), 0), 4, old.key, old.etag, '', old.size);
END;
)";

constexpr const char* kDrop = R"(
DROP TRIGGER IF EXISTS journal_put;
DROP TRIGGER IF EXISTS journal_remove;
DROP TABLE IF EXISTS changes;
DROP TABLE IF EXISTS journal;
)";

/// A journal that is made begins at a time in milliseconds, times this: no record makes a thousand
/// changes a millisecond, so the next one begins above all that one before it has used. Below 2^53,
/// so that every JSON reader holds the numbers.
constexpr std::int64_t kNumbersPerMs = 1000;

Result<void> run(Database& database, std::string_view sql, std::int64_t number) {
  auto statement = database.prepare(sql);
  if (!statement) return statement.error();
  statement->bind(1, number);
  if (statement->step() == Step::failed) return database.error();
  return {};
}

Result<void> create(Database& database, std::int64_t begins) {
  auto done = database.execute(kCreate);
  if (done) done = run(database, "INSERT INTO journal VALUES (1, ?1, 0)", begins);
  if (done) done = run(database, "INSERT INTO sqlite_sequence VALUES ('changes', ?1)", begins);
  return done;
}

}  // namespace

Result<std::optional<JournalBounds>> read_journal(Database& database) {
  const auto there =
      database.number("SELECT count(*) FROM sqlite_master WHERE name IN ('journal', 'changes')");
  if (!there) return there.error();
  if (*there != 2) return std::optional<JournalBounds>();
  auto query = database.prepare(
      "SELECT begins, (SELECT seq FROM sqlite_sequence WHERE name = 'changes'), most FROM journal");
  if (!query) return query.error();
  const Step step = query->step();
  if (step == Step::failed) return database.error();
  if (step == Step::done) return std::optional<JournalBounds>();
  return std::optional<JournalBounds>(
      JournalBounds{query->integer(0), query->integer(1), query->integer(2)});
}

Result<void> keep_journal(Database& database, std::uint64_t most, std::int64_t now_ms) {
  const auto known = read_journal(database);
  if (!known) return known.error();
  const auto wanted = static_cast<std::int64_t>(most);
  if (*known ? (*known)->most == wanted : wanted == 0) return {};
  if (const auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  Result<void> done;
  if (wanted == 0)
    done = database.execute(kDrop);
  else if (!*known)
    done = create(database, now_ms * kNumbersPerMs);
  if (done && wanted != 0) done = run(database, "UPDATE journal SET most = ?1", wanted);
  if (done) done = database.execute("COMMIT");
  if (!done) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

Result<void> prune_journal(Database& database, std::int64_t most) {
  const auto bounds = read_journal(database);
  if (!bounds) return bounds.error();
  if (!*bounds || (*bounds)->newest - (*bounds)->begins <= most + most / 10) return {};
  const std::int64_t begins = (*bounds)->newest - most;
  auto done = run(database, "DELETE FROM changes WHERE seq <= ?1", begins);
  if (done) done = run(database, "UPDATE journal SET begins = ?1", begins);
  return done;
}

Result<std::vector<ChangeRow>> read_changes(Database& database, std::int64_t after,
                                            std::size_t limit) {
  auto query = database.prepare(
      "SELECT seq, pass, what, key, old_etag, etag, size FROM changes WHERE seq > ?1 ORDER BY seq "
      "LIMIT ?2");
  if (!query) return query.error();
  query->bind(1, after).bind(2, static_cast<std::int64_t>(limit));
  std::vector<ChangeRow> rows;
  Step step = query->step();
  for (; step == Step::row; step = query->step()) {
    ChangeRow row;
    row.seq = query->integer(0);
    row.pass = query->integer(1);
    row.what = query->integer(2);
    row.key = query->bytes(3);
    row.old_etag = query->bytes(4);
    row.etag = query->bytes(5);
    row.size = query->natural(6);
    rows.push_back(std::move(row));
  }
  if (step == Step::failed) return database.error();
  return rows;
}

}  // namespace sluice::record
