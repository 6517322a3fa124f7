#include "record/record.hpp"

#include "record/database.hpp"
#include "record_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <thread>

namespace sluice::record {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RecordTest, KeepsEveryField) {
  ObjectRow full;
  full.key = "a\0b\xff"s;
  full.version.etag = "opaque \0 \xfe etag"s;
  full.version.size = 5'497'558'138'880;
  full.version.modified_ms = -62'135'596'800'000;
  full.mtime_ns = -1;
  full.inode = ~std::uint64_t{0};
  full.proof = Proof::composite;
  full.digest = {DigestKind::sha256, "\0\x01\xff"s};
  full.state = RowState::refused;
  open()->commit(batch_of({full})).value();
  const auto found = open()->find(full.key).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, full.key);
  EXPECT_EQ(found->version, full.version);
  EXPECT_EQ(found->mtime_ns, full.mtime_ns);
  EXPECT_EQ(found->inode, full.inode);
  EXPECT_EQ(found->proof, full.proof);
  EXPECT_EQ(found->digest, full.digest);
  EXPECT_EQ(found->state, full.state);
}

TEST_F(RecordTest, EmptyTextIsNotNull) {
  ObjectRow bare;
  bare.key = "k";
  const auto record = open();
  ASSERT_TRUE(record->commit(batch_of({bare})));
  const auto found = record->find("k").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version.etag, "");
  EXPECT_EQ(found->digest, Digest());
  EXPECT_FALSE(record->find("").value());
}

TEST_F(RecordTest, KeysSortAsBytes) {
  const auto record = open();
  std::vector<std::string> names = {"a", "a\0"s, "a\0b"s, "A",    "\xff", "\xff\xff", "é",
                                    "b", "a/b",  "a-b",   "\x01", "\x7f", "\x80",     "ab"};
  Batch batch;
  for (const auto& name : names)
    batch.upserts.push_back(row(name));
  ASSERT_TRUE(record->commit(batch));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(all_keys(*record), names);
  for (std::size_t n = 0; n < names.size(); ++n)
    EXPECT_EQ(keys(record->rows_after(names[n], 1).value()),
              n + 1 < names.size() ? std::vector{names[n + 1]} : std::vector<std::string>{});
}

TEST_F(RecordTest, ABatchReplacesAndDeletes) {
  const auto record = open();
  ASSERT_TRUE(record->commit(batch_of({row("a"), row("b"), row("c")})));
  Batch batch = batch_of({row("b", 2), row("d")});
  batch.deletes = {"a", "never there"};
  ASSERT_TRUE(record->commit(batch));
  EXPECT_THAT(all_keys(*record), ElementsAre("b", "c", "d"));
  EXPECT_EQ(record->find("b").value()->version.size, 2U);
  EXPECT_TRUE(record->commit(Batch()));
}

TEST_F(RecordTest, TotalsCountBothStates) {
  const auto record = open();
  EXPECT_EQ(record->totals().value().objects, 0U);
  auto refused = row("r", 1'000'000);
  refused.state = RowState::refused;
  ASSERT_TRUE(record->commit(batch_of({row("a", 10), row("b", 20), refused})));
  const Totals totals = record->totals().value();
  EXPECT_EQ(totals.objects, 2U);
  EXPECT_EQ(totals.bytes, 30U);
  EXPECT_EQ(totals.refused, 1U);
}

TEST_F(RecordTest, PassesAreKeptNewestFirst) {
  const auto record = open();
  const std::int64_t first = record->begin_pass(1000).value();
  PassRow pass;
  pass.id = first;
  pass.finished_ms = 2000;
  pass.outcome = "complete";
  pass.listed = 1;
  pass.kept = 2;
  pass.fetched = 3;
  pass.fetched_bytes = 1ULL << 40;
  pass.deleted = 4;
  pass.failed = 5;
  pass.refused = 6;
  ASSERT_TRUE(record->end_pass(pass));
  const std::int64_t second = record->begin_pass(3000).value();
  EXPECT_GT(second, first);
  const auto passes = record->last_passes(10).value();
  ASSERT_EQ(passes.size(), 2U);
  EXPECT_EQ(passes[0].id, second);
  EXPECT_EQ(passes[0].finished_ms, 0) << "still running, or killed";
  EXPECT_EQ(passes[1].started_ms, 1000);
  EXPECT_EQ(passes[1].outcome, "complete");
  EXPECT_EQ(passes[1].fetched_bytes, 1ULL << 40);
  EXPECT_EQ(passes[1].refused, 6U);
  EXPECT_EQ(record->last_passes(1).value().size(), 1U);
}

TEST_F(RecordTest, OldPassesAreForgotten) {
  const auto record = open();
  PassRow pass;
  for (int i = 0; i < kMostPasses + 5; ++i)
    pass.id = record->begin_pass(i).value();
  ASSERT_TRUE(record->end_pass(pass));
  const auto passes = record->last_passes(2 * kMostPasses).value();
  ASSERT_EQ(passes.size(), static_cast<std::size_t>(kMostPasses));
  EXPECT_EQ(passes.front().id, pass.id);
}

TEST_F(RecordTest, TheKeySoManyRowsFurther) {
  const auto record = open();
  record->commit(batch_of({row("a"), row("b"), row("b\xff"), row("c"), row("é")})).value();
  EXPECT_EQ(record->key_after("", 1).value(), "a");
  EXPECT_EQ(record->key_after("", 0).value(), "a") << "at least one further";
  EXPECT_EQ(record->key_after("", 3).value(), "b\xff");
  EXPECT_EQ(record->key_after("b", 3).value(), "é");
  EXPECT_EQ(record->key_after("bb", 1).value(), "b\xff") << "between rows";
  EXPECT_EQ(record->key_after("b", 4).value(), std::nullopt);
  EXPECT_EQ(record->key_after("é", 1).value(), std::nullopt);
}

TEST_F(RecordTest, ByteOrderIsRemembered) {
  EXPECT_FALSE(open()->byte_order_proved());
  ASSERT_TRUE(open()->set_byte_order_proved(true));
  EXPECT_TRUE(open()->byte_order_proved());
  ASSERT_TRUE(open()->set_byte_order_proved(false));
  EXPECT_FALSE(open()->byte_order_proved());
}

TEST_F(RecordTest, AbsentRowsAreKeptApartUntilCleared) {
  const auto record = open();
  EXPECT_EQ(record->count_absent().value(), 0U);
  ASSERT_TRUE(record->note_absent({row("b"), row("a\0"s, 7)}));
  ASSERT_TRUE(record->note_absent({row("c"), row("b")}));
  EXPECT_EQ(record->count_absent().value(), 3U) << "each key once";
  const auto rows = record->absent_after("", 10).value();
  EXPECT_THAT(keys(rows), ElementsAre("a\0"s, "b", "c"));
  EXPECT_EQ(rows[0].version.size, 7U);
  EXPECT_THAT(keys(record->absent_after("b", 1).value()), ElementsAre("c"));
  EXPECT_TRUE(all_keys(*record).empty()) << "not in the record itself";
  EXPECT_EQ(open()->count_absent().value(), 0U) << "of this connection only";
  ASSERT_TRUE(record->clear_absent());
  EXPECT_EQ(record->count_absent().value(), 0U);
}

TEST_F(RecordTest, AnotherSourceIsRefusedWithoutAdopt) {
  open()->commit(batch_of({row("prefix/a")})).value();
  open()->set_byte_order_proved(true).value();
  for (const Source& other : {Source{"s3.example.com", "bucket2", "prefix/"},
                              Source{"s3.example.com", "bucket", "other/"},
                              Source{"elsewhere.example.com", "bucket", "prefix/"},
                              Source{"s3.example.com", "bucket", ""}}) {
    const auto refused = try_open(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::usage);
    EXPECT_THAT(refused.error().message, HasSubstr("s3://bucket/prefix/ at s3.example.com"));
    EXPECT_THAT(refused.error().message,
                HasSubstr("s3://" + other.bucket + "/" + other.prefix + " at "));
    EXPECT_THAT(refused.error().message, HasSubstr("--adopt"));
  }
  EXPECT_EQ(all_keys(*open()).size(), 1U) << "nothing was lost by asking";
}

TEST_F(RecordTest, AdoptTakesOverAndForgetsWhatItCannotTrust) {
  open()->commit(batch_of({row("prefix/a")})).value();
  open()->set_byte_order_proved(true).value();
  const Source other{"new.example.com", "bucket", "prefix/"};
  const auto adopted = try_open(other, Adopt::yes).value();
  EXPECT_EQ(adopted->source(), other);
  EXPECT_TRUE(all_keys(*adopted).empty()) << "an ETag means nothing in another bucket";
  EXPECT_FALSE(adopted->byte_order_proved());
  adopted->commit(batch_of({row("prefix/b")})).value();
  EXPECT_FALSE(try_open()) << "the old source is the foreign one now";
}

TEST_F(RecordTest, ARecordWithoutRowsBindsNobody) {
  open();
  const Source corrected{"s3.example.com", "the-right-bucket", "prefix/"};
  EXPECT_EQ(try_open(corrected).value()->source(), corrected);
}

TEST_F(RecordTest, AdoptOfTheSameSourceKeepsEverything) {
  open()->commit(batch_of({row("prefix/a")})).value();
  const auto again = try_open(source(), Adopt::yes).value();
  EXPECT_EQ(all_keys(*again).size(), 1U);
}

TEST_F(RecordTest, AnAbsentRecordIsSaidToBeAbsent) {
  for (const auto access : {Access::read_only, Access::read_write}) {
    const auto connected = Record::connect(path(), access);
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::local);
    EXPECT_EQ(connected.error().os_error, ENOENT);
  }
  EXPECT_FALSE(fs::exists(path())) << "looking makes nothing";
}

TEST_F(RecordTest, ReadOnlyWritesNothing) {
  open()->commit(batch_of({row("a")})).value();
  const auto reader = Record::connect(path(), Access::read_only).value();
  EXPECT_EQ(reader->source(), source());
  EXPECT_EQ(all_keys(*reader).size(), 1U);
  const auto written = reader->commit(batch_of({row("b")}));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::local);
  EXPECT_TRUE(reader->note_absent({row("z")})) << "its temporary table is its own";
  EXPECT_EQ(all_keys(*open()).size(), 1U);
}

TEST_F(RecordTest, AReaderSeesEachCommitAtItsNextChunk) {
  const auto writer = open();
  const auto reader = Record::connect(path(), Access::read_write).value();
  ASSERT_TRUE(writer->commit(batch_of({row("a"), row("c")})));
  EXPECT_THAT(keys(reader->rows_after("", 1).value()), ElementsAre("a"));
  ASSERT_TRUE(writer->commit(batch_of({row("b")})));
  EXPECT_THAT(keys(reader->rows_after("a", 5).value()), ElementsAre("b", "c"));
  ASSERT_TRUE(writer->checkpoint());
  EXPECT_EQ(fs::file_size(path() + "-wal"), 0U) << "no read transaction is left open";
}

TEST_F(RecordTest, ChunksAreReadBesideAWriter) {
  constexpr int kRows = 200'000, kBatch = 4'096;
  const auto writer = open();
  const auto name = [](int n) {
    char out[32];
    std::snprintf(out, sizeof out, "prefix/%08d", n);
    return std::string(out);
  };
  Batch batch;
  const auto started = std::chrono::steady_clock::now();
  for (int n = 0; n < kRows; ++n) {
    batch.upserts.push_back(row(name(n), static_cast<std::uint64_t>(n)));
    if (batch.upserts.size() < kBatch && n + 1 < kRows) continue;
    ASSERT_TRUE(writer->commit(batch));
    batch.upserts.clear();
  }
  const std::chrono::duration<double> writing = std::chrono::steady_clock::now() - started;
  RecordProperty("rows_written_per_second", std::to_string(kRows / writing.count()));

  std::atomic<bool> done = false;
  std::thread busy([this, &done] {
    const auto other = Record::connect(path(), Access::read_write).value();
    Batch changes = batch_of({});
    for (int n = 0; !done; ++n) {
      changes.upserts.assign(100, row("zzz/" + std::to_string(n % 50)));
      ASSERT_TRUE(other->commit(changes));
    }
  });
  std::string after;
  int seen = 0;
  for (;;) {
    const auto rows = writer->rows_after(after, 1000).value();
    for (const auto& one : rows) {
      if (one.key.starts_with("zzz")) continue;
      ASSERT_EQ(one.key, name(seen));
      ASSERT_EQ(one.version.size, static_cast<std::uint64_t>(seen));
      ++seen;
    }
    if (rows.size() < 1000) break;
    after = rows.back().key;
  }
  done = true;
  busy.join();
  EXPECT_EQ(seen, kRows);
  ASSERT_TRUE(writer->checkpoint());
}

TEST_F(RecordTest, ALongReaderDoesNotHoldUpTheCheckpoint) {
  const auto writer = open();
  ASSERT_TRUE(writer->commit(batch_of({row("a")})));
  // What the sqlite3 shell does when somebody pages through a SELECT.
  const auto reader = Record::connect(path(), Access::read_only).value();
  ASSERT_TRUE(reader->rows_after("", 1));
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(writer->checkpoint());
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(2));
}

TEST_F(RecordTest, PendingRowsAreKeptUntilSettled) {
  const auto record = open();
  PendingRow pending;
  pending.row = row("k", 5);
  pending.row.digest = {DigestKind::crc64nvme, "\0\1\2\3\4\5\6\7"s};
  pending.staged_name = "3/17";
  Batch batch;
  batch.pending = {pending, PendingRow{row("gone"), "0/1"}, PendingRow{row("z"), "0/2"}};
  const PendingRange numbers = record->commit(batch).value();
  ASSERT_EQ(numbers.end - numbers.first, 3);
  auto found = open()->pending().value();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].row.key, "k");
  EXPECT_EQ(found[0].number, numbers.first);
  EXPECT_EQ(found[0].row.version, pending.row.version);
  EXPECT_EQ(found[0].row.digest, pending.row.digest);
  EXPECT_EQ(found[0].staged_name, "3/17");

  // Placed, settled and pending anew in one transaction: the new one stays.
  Batch next;
  add_number(next.placed, numbers.first);
  add_number(next.placed, numbers.first + 2);
  next.settled = {numbers};
  next.pending = {PendingRow{row("k", 6), "3/18"}};
  const PendingRange again = record->commit(next).value();
  found = record->pending().value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].staged_name, "3/18");
  EXPECT_EQ(found[0].number, again.first);
  EXPECT_EQ(again.end - again.first, 1);
  const ObjectRow stored = record->find("k").value().value();
  EXPECT_EQ(stored.version, pending.row.version);
  EXPECT_EQ(stored.mtime_ns, pending.row.mtime_ns);
  EXPECT_EQ(stored.inode, pending.row.inode);
  EXPECT_EQ(stored.proof, pending.row.proof);
  EXPECT_EQ(stored.digest, pending.row.digest);
  EXPECT_EQ(stored.state, pending.row.state);
  EXPECT_EQ(all_keys(*record), (std::vector<std::string>{"k", "z"}));
}

TEST_F(RecordTest, OfTwoPlacedRowsOfAKeyTheLaterCounts) {
  const auto record = open();
  Batch batch;
  batch.pending = {PendingRow{row("k", 5), "0/1"}, PendingRow{row("k", 6), "0/2"}};
  const PendingRange numbers = record->commit(batch).value();
  Batch next;
  next.placed = {numbers};
  next.settled = {numbers};
  ASSERT_TRUE(record->commit(next));
  EXPECT_EQ(record->find("k").value()->version.size, 6U);
}

TEST_F(RecordTest, PartialDownloadsKeepTheirParts) {
  const auto record = open();
  PartialRow partial;
  partial.key = "a\0b"s;
  partial.version = Version{"etag", 5'497'558'138'880, -5};
  partial.part_bytes = 549'755'814;
  partial.staged_name = "0/9";
  partial.parts = {{0, 0}, {9'999, ~std::uint64_t{0}}, {256, 0x0102030405060708}};
  Batch batch;
  batch.partials = {partial};
  ASSERT_TRUE(record->commit(batch));
  const auto found = open()->find_partial(partial.key).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, partial.version);
  EXPECT_EQ(found->part_bytes, partial.part_bytes);
  EXPECT_EQ(found->parts, partial.parts);
  ASSERT_EQ(record->partial_names().value().size(), 1U);
  EXPECT_EQ(record->partial_names().value()[0].staged_name, "0/9");
  Batch end;
  end.ended_partials = {partial.key};
  ASSERT_TRUE(record->commit(end));
  EXPECT_FALSE(record->find_partial(partial.key).value());
}

TEST_F(RecordTest, ASchemaOfYesterdayIsBroughtUpWithItsRows) {
  ASSERT_TRUE(open()->commit(batch_of({row("a", 7)})));
  {
    auto database = Database::open(path(), OpenMode::read_write).value();
    ASSERT_TRUE(
        database.execute("DROP TABLE pending; DROP TABLE partials; PRAGMA user_version = 1"));
  }
  const auto refused = Record::connect(path(), Access::read_only);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("older sluice"));
  const auto record = open();
  EXPECT_FALSE(record->was_damaged());
  EXPECT_EQ(record->find("a").value()->version.size, 7U);
  EXPECT_TRUE(record->pending().value().empty());
}

TEST_F(RecordTest, WhatWasPendingInTheSchemaOfYesterdayStillIs) {
  Batch batch;
  batch.pending = {PendingRow{row("b", 7), "0/1"}, PendingRow{row("a", 8), "0/2"}};
  ASSERT_TRUE(open()->commit(batch));
  {
    auto database = Database::open(path(), OpenMode::read_write).value();
    ASSERT_TRUE(database.execute(
        "CREATE TABLE old (key BLOB PRIMARY KEY NOT NULL, etag TEXT NOT NULL, size INTEGER NOT "
        "NULL, modified_ms INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, "
        "proof INTEGER NOT NULL, digest_kind INTEGER NOT NULL, digest BLOB NOT NULL, state INTEGER "
        "NOT NULL, staged_name TEXT NOT NULL) WITHOUT ROWID;"
        "INSERT INTO old SELECT key, etag, size, modified_ms, mtime_ns, inode, proof, digest_kind, "
        "digest, state, staged_name FROM pending;"
        "DROP TABLE pending; ALTER TABLE old RENAME TO pending; PRAGMA user_version = 2"));
  }
  const auto found = open()->pending().value();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].row.key, "a");
  EXPECT_EQ(found[0].row.version.size, 8U);
  EXPECT_EQ(found[0].staged_name, "0/2");
  EXPECT_NE(found[0].number, found[1].number);
  EXPECT_EQ(found[1].row.digest, row("b").digest);
}

TEST_F(RecordTest, AnotherSourceDropsWhatWasUnderWay) {
  Batch batch;
  batch.pending = {PendingRow{row("k"), "0/1"}};
  batch.partials = {PartialRow{"p", Version{}, 5, "0/2", {}}};
  ASSERT_TRUE(open()->commit(batch));
  EXPECT_FALSE(try_open({"elsewhere", "bucket", ""}));
  const auto adopted = try_open({"elsewhere", "bucket", ""}, Adopt::yes).value();
  EXPECT_TRUE(adopted->pending().value().empty());
  EXPECT_TRUE(adopted->partial_names().value().empty());
}

}  // namespace
}  // namespace sluice::record
