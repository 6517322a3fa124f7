#include "record/journal.hpp"

#include "record_fixture.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::record {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kNow = 1'795'520'810'467;
constexpr std::int64_t kFirst = kNow * 1000;
constexpr std::uint64_t kMany = 1000;

class JournalTest : public RecordTest {
 protected:
  /// "1 added a": numbers count from the beginning of the journal.
  static std::vector<std::string> told(Record& record, std::int64_t after = 0) {
    static constexpr const char* kNames[] = {"?", "added", "changed", "renewed", "removed"};
    std::vector<std::string> out;
    for (const ChangeRow& change : record.changes_after(after, 10'000).value())
      out.push_back(std::to_string(change.seq - kFirst) + ' ' + kNames[change.what] + ' ' +
                    change.key);
    return out;
  }
  static ObjectRow version(std::string key, std::string etag, std::uint64_t inode = 1) {
    ObjectRow out;
    out.key = std::move(key);
    out.version.etag = std::move(etag);
    out.version.size = 5;
    out.inode = inode;
    return out;
  }
  std::unique_ptr<Record> journaled(std::uint64_t most = kMany) {
    auto record = open();
    EXPECT_TRUE(record->keep_journal(most, kNow));
    return record;
  }
};

TEST_F(JournalTest, WithoutOneNothingIsKept) {
  const auto record = open();
  ASSERT_TRUE(record->commit(batch_of({version("a", "1")})));
  EXPECT_FALSE(record->journal().value());
}

TEST_F(JournalTest, EachWayOfARowIsTold) {
  const auto record = journaled();
  record->begin_pass(1).value();
  ASSERT_TRUE(record->commit(batch_of({version("a", "1"), version("b", "1")})));
  record->begin_pass(2).value();
  ASSERT_TRUE(record->commit(batch_of({version("a", "2"), version("b", "1", 7)})));
  ASSERT_TRUE(record->commit(batch_of({version("b", "1", 7)})));  // as it was: nothing to tell
  Batch batch;
  batch.deletes = {"a", "never-there"};
  ASSERT_TRUE(record->commit(batch));
  EXPECT_THAT(told(*record),
              ElementsAre("1 added a", "2 added b", "3 changed a", "4 renewed b", "5 removed a"));
  const auto rows = record->changes_after(kFirst + 2, 1).value();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].old_etag, "1");
  EXPECT_EQ(rows[0].etag, "2");
  EXPECT_EQ(rows[0].size, 5u);
  EXPECT_EQ(rows[0].pass, 2);
}

TEST_F(JournalTest, FilesThatWerePendingAreToldOnceTheyAreInPlace) {
  const auto record = journaled();
  Batch first;
  for (const char* key : {"a", "b"})
    first.pending.push_back(PendingRow{version(key, "1"), std::string("staged-") + key, 0});
  const PendingRange numbers = record->commit(first).value();
  EXPECT_THAT(told(*record), ElementsAre());
  Batch second;
  second.placed = {{numbers.first, numbers.first + 1}};
  second.settled = {numbers};
  ASSERT_TRUE(record->commit(second));
  EXPECT_THAT(told(*record), ElementsAre("1 added a")) << "b was dropped";
}

TEST_F(JournalTest, ARefusedKeyIsNoChange) {
  const auto record = journaled();
  ObjectRow refused = version("a", "1");
  refused.state = RowState::refused;
  ASSERT_TRUE(record->commit(batch_of({refused})));
  ASSERT_TRUE(record->commit(batch_of({version("a", "1")})));
  ASSERT_TRUE(record->commit(batch_of({refused})));
  Batch gone;
  gone.deletes = {"a"};
  ASSERT_TRUE(record->commit(gone));
  // That a stored row becomes a refused one, the engine never does.
  EXPECT_THAT(told(*record), ElementsAre("1 added a"));
}

TEST_F(JournalTest, AFailedTransactionTellsNothing) {
  const auto record = journaled();
  Batch batch = batch_of({version("a", "1")});
  batch.placed = {{1, 2}};
  ASSERT_TRUE(record->commit(batch));
  EXPECT_THAT(told(*record), ElementsAre("1 added a"));
}

TEST_F(JournalTest, OnlyTheLastOnesAreKeptAndWhereItBeginsIsKnown) {
  const auto record = journaled(100);
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(record->commit(batch_of({version("k" + std::to_string(i), "1")})));
  const auto bounds = record->journal().value();
  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->newest, kFirst + 500);
  const auto rows = record->changes_after(0, 10'000).value();
  EXPECT_GE(rows.size(), 100u);
  EXPECT_LE(rows.size(), 110u);
  EXPECT_EQ(rows.front().seq, bounds->begins + 1);
  EXPECT_EQ(rows.back().seq, bounds->newest);
}

TEST_F(JournalTest, NumbersAreNeverUsedAgain) {
  {
    const auto record = journaled();
    ASSERT_TRUE(record->commit(batch_of({version("a", "1"), version("b", "1")})));
    ASSERT_TRUE(record->keep_journal(0, kNow));
    EXPECT_FALSE(record->journal().value());
    ASSERT_TRUE(record->commit(batch_of({version("c", "1")})));
    ASSERT_TRUE(record->keep_journal(kMany, kNow + 1));
    EXPECT_EQ(record->journal().value()->begins, kFirst + 1000);
  }
  const auto again = journaled();  // as it was: the clock does not matter
  ASSERT_TRUE(again->commit(batch_of({version("d", "1")})));
  EXPECT_THAT(told(*again), ElementsAre("1001 added d"));
}

TEST_F(JournalTest, WhoeverWritesTheRowsWritesTheJournal) {
  static_cast<void>(journaled());
  const auto other = open();  // knows nothing of it
  ASSERT_TRUE(other->commit(batch_of({version("a", "1")})));
  EXPECT_THAT(told(*other), ElementsAre("1 added a"));
}

TEST_F(JournalTest, AReaderBesideItSeesIt) {
  const auto writer = journaled();
  const auto reader = Record::connect(path(), Access::read_only).value();
  EXPECT_THAT(told(*reader), ElementsAre());
  ASSERT_TRUE(writer->commit(batch_of({version("a", "1")})));
  EXPECT_THAT(told(*reader), ElementsAre("1 added a"));
}

}  // namespace
}  // namespace sluice::record
