#include "record/schema.hpp"

#include "base/text.hpp"

#include <cstdint>

// The format: one SQLite database in WAL mode, `PRAGMA user_version` = kSchema.
//
//   source   one row: what DIR mirrors, and whether that source is known to list in byte order
//   objects  one row a key; the key is the whole key, as bytes, and sorts as bytes. Integers that
//            C++ holds as uint64 are stored as the same 64 bits. state: 1 stored, 2 refused.
//   pending  one row a file that is being renamed into place: written before the rename, gone when
//            the rename is durable and `objects` names the file. Settled at the next start. Rows
//            are numbered as they come: a group is added at the end and goes as one stretch.
//   partials one row a download in parts that has not ended. parts: for each complete part its
//   index
//            (4 bytes) and the CRC64NVME of its bytes (8 bytes), both big-endian, in order of
//            index.
//   passes   one row a pass, the newest kMostPasses of them
//   meta     names and values for people
//
// Only where a journal is kept (journal.cpp; another sluice of this schema keeps it up
// unknowingly):
//
//   journal  one row: up to which number changes have gone, and how many are kept
//   changes  one row a change of `objects`, numbered as they come, never reused. what: 1 added,
//            2 changed, 3 renewed, 4 removed. Written by triggers on `objects`.
//
// A newer schema is refused, never guessed at; an
// older one is brought up by migrate() in one transaction. Schema 1 had no pending and partials,
// schema 2 kept pending by key.
//
// Durability: synchronous=NORMAL, so that a commit alone survives a crash of this process but not
// of the machine: the publisher's syncfs on the destination, which holds this file too, makes
// commits durable together with the files they name. Where each file is synced on its own it is
// FULL. After a power cut the record may be older than the files, never newer. What `partials` says
// needs no sync: its parts are hashed again before they count.
//
// Recovery: a file that is no sound database is moved aside with its WAL as record.db.damaged-<n>,
// and an empty one is made; the next pass adopts what is there. At open everything is checked up to
// kCheckedWhole bytes, beyond that only the edges of the tree. Damage that is met later fails that
// run with code "damaged" and leaves `record.db.suspect`, on which the next open checks everything.
namespace sluice::record {
namespace {

constexpr std::int64_t kSchema = 3;

constexpr const char* kCreate1 = R"(
CREATE TABLE source (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  endpoint_host TEXT NOT NULL,
  bucket TEXT NOT NULL,
  prefix BLOB NOT NULL,
  byte_order_proved INTEGER NOT NULL DEFAULT 0);
CREATE TABLE objects (
  key BLOB PRIMARY KEY NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  proof INTEGER NOT NULL,
  digest_kind INTEGER NOT NULL,
  digest BLOB NOT NULL,
  state INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE passes (
  id INTEGER PRIMARY KEY,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '',
  listed INTEGER NOT NULL DEFAULT 0,
  kept INTEGER NOT NULL DEFAULT 0,
  fetched INTEGER NOT NULL DEFAULT 0,
  fetched_bytes INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('format', 'record of a sluice mirror'),
                        ('keys', 'objects.key holds bytes: CAST(key AS TEXT) shows them');
)";

/// From schema 1 to 2, but for `pending`.
constexpr const char* kCreate2 = R"(
CREATE TABLE partials (
  key BLOB PRIMARY KEY NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  part_bytes INTEGER NOT NULL,
  staged_name TEXT NOT NULL,
  parts BLOB NOT NULL) WITHOUT ROWID;
)";

constexpr const char* kCreate3 = R"(
CREATE TABLE pending (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  proof INTEGER NOT NULL,
  digest_kind INTEGER NOT NULL,
  digest BLOB NOT NULL,
  state INTEGER NOT NULL,
  staged_name TEXT NOT NULL);
PRAGMA user_version = 3;
)";

/// From schema 2 to 3: around kCreate3.
constexpr const char* kSetAside2 = "ALTER TABLE pending RENAME TO pending_by_key;";
constexpr const char* kTakeOver2 = R"(
INSERT INTO pending (key, etag, size, modified_ms, mtime_ns, inode, proof, digest_kind, digest,
                     state, staged_name)
  SELECT key, etag, size, modified_ms, mtime_ns, inode, proof, digest_kind, digest, state,
         staged_name FROM pending_by_key;
DROP TABLE pending_by_key;
)";

Result<void> in_one_transaction(Database& database, const std::string& sql) {
  auto done = database.execute(("BEGIN IMMEDIATE;" + sql + "COMMIT").c_str());
  // Some errors have rolled back already; then this one is the error of no transaction.
  if (!done) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

}  // namespace

Error damaged(const std::string& path, std::string_view what) {
  Error error(ErrorKind::local,
              "the record \"" + text::escaped(path) + "\" is damaged: " + text::escaped(what));
  error.code = "damaged";
  return error;
}

Result<void> check_schema(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > kSchema)
    return Error(ErrorKind::usage, "the record \"" + text::escaped(database.path()) +
                                       "\" was written by a newer sluice (its schema is " +
                                       std::to_string(*version) + ", this one knows " +
                                       std::to_string(kSchema) + "); update sluice");
  if (*version > 0 && *version < kSchema)
    return Error(ErrorKind::usage, "the record \"" + text::escaped(database.path()) +
                                       "\" was written by an older sluice; `sluice sync` brings it "
                                       "up to date");
  const auto tables = database.number(
      "SELECT count(*) FROM sqlite_master WHERE name IN ('source', 'objects', 'pending', "
      "'partials', 'passes', 'meta')");
  if (!tables) return tables.error();
  if (*version < kSchema || *tables != 6) return damaged(database.path(), "its tables are missing");
  return {};
}

Result<void> migrate(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == 0) {
    const auto things = database.number("SELECT count(*) FROM sqlite_master");
    if (!things) return things.error();
    if (*things != 0) return check_schema(database);
    return in_one_transaction(database, std::string(kCreate1) + kCreate2 + kCreate3);
  }
  if (*version == 1 || *version == 2) {
    const auto tables = database.number(
        *version == 1
            ? "SELECT count(*) = 4 FROM sqlite_master WHERE name IN ('source', 'objects', "
              "'passes', 'meta')"
            : "SELECT count(*) = 6 FROM sqlite_master WHERE name IN ('source', 'objects', "
              "'pending', 'partials', 'passes', 'meta')");
    if (!tables) return tables.error();
    if (*tables == 0) return damaged(database.path(), "its tables are missing");
    const std::string steps = *version == 1 ? std::string(kCreate2) + kCreate3
                                            : std::string(kSetAside2) + kCreate3 + kTakeOver2;
    if (const auto done = in_one_transaction(database, steps); !done) return done;
  }
  return check_schema(database);
}

}  // namespace sluice::record
