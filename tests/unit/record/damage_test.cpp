#include "base/text.hpp"
#include "record/database.hpp"
#include "record/record.hpp"
#include "record_fixture.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::record {
namespace {

class DamageTest : public RecordTest {
 protected:
  /// A record of `rows` rows, closed and written back.
  void fill(int rows) {
    const auto record = open();
    Batch batch;
    for (int n = 0; n < rows; ++n)
      batch.upserts.push_back(row("prefix/" + std::to_string(n), static_cast<std::uint64_t>(n)));
    ASSERT_TRUE(record->commit(batch));
    ASSERT_TRUE(record->checkpoint());
  }

  std::string read_file() {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write_file(std::string_view content) {
    std::ofstream out(path(), std::ios::binary | std::ios::trunc);
    out << content;
  }

  /// The record opens, is new and works; the old one lies beside it.
  void expect_replaced(const std::string& aside = ".damaged-1") {
    const auto record = try_open();
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_TRUE((*record)->was_damaged());
    EXPECT_TRUE(all_keys(**record).empty());
    EXPECT_EQ((*record)->source(), source());
    EXPECT_TRUE((*record)->commit(batch_of({row("fresh")})));
    EXPECT_TRUE(fs::exists(path() + aside));
  }
};

TEST_F(DamageTest, ASoundRecordIsNotDamaged) {
  fill(10);
  EXPECT_FALSE(open()->was_damaged());
  EXPECT_EQ(all_keys(*open()).size(), 10U);
}

/// SQLite's quick check does not look at it, and a row that is skipped would be called absent.
TEST_F(DamageTest, RowsOutOfOrderAreNotBelieved) {
  fill(9);
  std::string content = read_file();
  const std::size_t at = content.find("prefix/3");
  ASSERT_NE(at, std::string::npos);
  content[at + 7] = '9';
  write_file(content);
  {
    const auto record = try_open();
    ASSERT_TRUE(record) << record.error().message;
    const auto rows = (*record)->rows_after("", 100);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().code, "damaged");
  }
  expect_replaced();
}

TEST_F(DamageTest, GarbageIsMovedAside) {
  write_file("this is no database, but it is long enough to be looked at as one. " +
             std::string(8192, 'x'));
  expect_replaced();
}

TEST_F(DamageTest, ABrokenHeaderIsMovedAside) {
  fill(100);
  std::string content = read_file();
  content[3] = static_cast<char>(content[3] ^ 0x40);
  write_file(content);
  expect_replaced();
}

TEST_F(DamageTest, ATruncatedFileIsMovedAside) {
  fill(5000);
  const std::string content = read_file();
  write_file(content.substr(0, content.size() / 2));
  expect_replaced();
}

TEST_F(DamageTest, ATreeOfZerosIsMovedAside) {
  fill(5000);
  std::string content = read_file();
  std::fill(content.begin() + 4096, content.end(), '\0');
  write_file(content);
  expect_replaced();
}

/// SQLite's reads at this offset fail.
off_t unreadable_at = -1;

ssize_t failing_pread(int fd, void* into, std::size_t bytes, off_t offset) {
  if (offset != unreadable_at) return pread(fd, into, bytes, offset);
  errno = EIO;
  return -1;
}

TEST_F(DamageTest, AFreePageThatCannotBeReadIsNoDamage) {
  {
    const auto record = open();
    std::vector<ObjectRow> rows;
    for (int i = 0; i < 1000; ++i)
      rows.push_back(row("key" + std::to_string(i)));
    ASSERT_TRUE(record->commit(batch_of(rows)));
    Batch gone;
    gone.deletes = keys(rows);
    gone.deletes.pop_back();
    ASSERT_TRUE(record->commit(gone));
    ASSERT_TRUE(record->checkpoint());
  }
  std::string header(100, '\0');
  std::ifstream(path(), std::ios::binary).read(header.data(), 100);
  const auto first_free = text::from_big_endian(header.substr(32, 4));  // file format, 1.3
  const auto page_bytes = text::from_big_endian(header.substr(16, 2));
  ASSERT_GT(first_free, 0u);
  sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  const auto reads_by = [vfs](ssize_t (*read)(int, void*, std::size_t, off_t)) {
    for (const char* name : {"pread", "pread64"})
      vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(read));
  };
  unreadable_at = static_cast<off_t>((first_free - 1) * page_bytes);
  reads_by(failing_pread);
  const auto failed = try_open();
  reads_by(nullptr);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().code, "damaged");
  EXPECT_EQ(failed.error().os_error, EIO);
  const auto record = open();
  EXPECT_FALSE(record->was_damaged());
  EXPECT_EQ(all_keys(*record).size(), 1u);
}

TEST_F(DamageTest, AnEmptyFileIsANewRecord) {
  write_file("");
  EXPECT_TRUE(all_keys(*open()).empty());
  EXPECT_TRUE(open()->commit(batch_of({row("a")})));
}

TEST_F(DamageTest, AForeignDatabaseIsMovedAsideNotWrittenInto) {
  {
    auto other = Database::open(path(), OpenMode::create).value();
    ASSERT_TRUE(other.execute("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)"));
  }
  expect_replaced();
  auto kept = Database::open(path() + ".damaged-1", OpenMode::read_only).value();
  EXPECT_EQ(kept.number("SELECT count(*) FROM precious").value(), 1);
}

TEST_F(DamageTest, AnOldWalIsNeverReplayedIntoTheNewRecord) {
  fill(10);
  // A WAL that a kill left behind, beside a main file that was then overwritten.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto record = open();
    static_cast<void>(record->commit(batch_of({row("from the old WAL")})));
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_GT(fs::file_size(path() + "-wal"), 0U);
  write_file(std::string(16384, 'x'));
  expect_replaced();
  EXPECT_EQ(all_keys(*open()), std::vector<std::string>{"fresh"});
}

TEST_F(DamageTest, AWalThatAnotherConnectionKeepsGoesAlong) {
  fill(10);
  const auto writer = open();
  const auto status = Record::connect(path(), Access::read_only).value();
  ASSERT_TRUE(writer->commit(batch_of({row("from the old WAL")})));
  ASSERT_EQ(all_keys(*status).size(), 11U);
  // Meanwhile the main file is overwritten, and a new run opens it.
  write_file(std::string(16384, 'x'));
  expect_replaced();
  EXPECT_TRUE(fs::exists(path() + ".damaged-1-wal"));
  EXPECT_EQ(all_keys(*open()), std::vector<std::string>{"fresh"});
}

TEST_F(DamageTest, EachDamagedRecordIsKeptUpToALimit) {
  for (int n = 1; n <= 12; ++n) {
    write_file("garbage " + std::to_string(n) + std::string(2000, 'x'));
    for (const char* suffix : {"-wal", "-shm"})
      fs::remove(path() + suffix);
    const auto record = try_open();
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_TRUE((*record)->was_damaged());
  }
  EXPECT_TRUE(fs::exists(path() + ".damaged-1"));
  EXPECT_TRUE(fs::exists(path() + ".damaged-9"));
  EXPECT_FALSE(fs::exists(path() + ".damaged-10"));
}

TEST_F(DamageTest, DamageMetLaterFailsAndIsCheckedAtTheNextOpen) {
  fill(60'000);  // more than the page cache holds
  {
    const auto record = open();
    const auto pages = fs::file_size(path()) / 4096;
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10 * 4096);
    file << std::string((pages - 10) * 4096, '\xa5');
    file.close();
    const auto rows = record->rows_after("", 100'000);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind, ErrorKind::local);
    EXPECT_EQ(rows.error().code, "damaged");
    EXPECT_TRUE(fs::exists(suspicion_path(path())));
  }
  expect_replaced();
  EXPECT_FALSE(fs::exists(suspicion_path(path())));
}

TEST_F(DamageTest, AnUnfoundedSuspicionIsDropped) {
  fill(100);
  std::ofstream(suspicion_path(path())) << "";
  EXPECT_FALSE(open()->was_damaged());
  EXPECT_FALSE(fs::exists(suspicion_path(path())));
  EXPECT_EQ(all_keys(*open()).size(), 100U);
}

TEST_F(DamageTest, AnyFlippedBytesNeverCrashOrInventKeys) {
  fill(2000);
  const std::string sound = read_file();
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    std::string content = sound;
    for (int flips = 0; flips < 8; ++flips)
      content[random() % content.size()] ^= static_cast<char>(1 << random() % 8);
    for (const auto& entry : fs::directory_iterator(folder_))
      fs::remove(entry.path());
    write_file(content);
    const auto record = try_open();
    if (!record) {
      EXPECT_NE(record.error().message, "");
      continue;
    }
    const auto rows = (*record)->rows_after("", 10'000);
    if (!rows) {
      EXPECT_EQ(rows.error().kind, ErrorKind::local) << "round " << round;
      continue;
    }
    EXPECT_LE(rows->size(), 2000U);
  }
}

TEST_F(DamageTest, ANewerSchemaIsRefusedAndLeftAlone) {
  fill(10);
  Database::open(path(), OpenMode::read_write).value().execute("PRAGMA user_version = 7").value();
  const std::string before = read_file();
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::usage);
  EXPECT_THAT(opened.error().message, testing::HasSubstr("newer"));
  const auto connected = Record::connect(path(), Access::read_only);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::usage);
  EXPECT_EQ(read_file(), before);
  EXPECT_FALSE(fs::exists(path() + ".damaged-1"));
}

TEST_F(DamageTest, ADirectoryInItsPlaceIsAnErrorNotDamage) {
  fs::create_directory(path());
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::local);
  EXPECT_TRUE(fs::is_directory(path()));
}

TEST_F(DamageTest, AKillAtAnyMomentLeavesWholeBatches) {
  // Each batch replaces the same 50 rows by one generation: a reader must never see two.
  constexpr int kRows = 50;
  const auto generation = [](std::uint64_t n) {
    Batch batch;
    for (int i = 0; i < kRows; ++i)
      batch.upserts.push_back(row("k" + std::to_string(i), n));
    return batch;
  };
  open()->commit(generation(0)).value();
  std::mt19937_64 random(17);
  std::uint64_t newest = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto record = Record::connect(path(), Access::read_write);
      if (!record) _exit(1);
      for (std::uint64_t n = newest + 1;; ++n) {
        if (!(*record)->commit(generation(n))) _exit(1);
        if (n % 7 == 0) static_cast<void>((*record)->checkpoint());
      }
    }
    usleep(static_cast<useconds_t>(2'000 + random() % 30'000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    const auto record = open();
    ASSERT_FALSE(record->was_damaged());
    const auto rows = record->rows_after("", 1000).value();
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kRows));
    for (const auto& one : rows)
      ASSERT_EQ(one.version.size, rows[0].version.size);
    ASSERT_GE(rows[0].version.size, newest) << "a commit that was read is lost";
    newest = rows[0].version.size;
  }
  EXPECT_GT(newest, 0U);
}

TEST_F(DamageTest, AnOpenTransactionDiesWithItsProcess) {
  open()->commit(batch_of({row("a")})).value();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto database = Database::open(path(), OpenMode::read_write);
    if (!database || !database->execute("BEGIN IMMEDIATE; DELETE FROM objects")) _exit(1);
    _exit(0);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(all_keys(*open()), std::vector<std::string>{"a"});
  EXPECT_TRUE(open()->commit(batch_of({row("b")}))) << "its lock is gone too";
}

TEST_F(DamageTest, AFailedBatchChangesNothing) {
  const auto record = open();
  ASSERT_TRUE(record->commit(batch_of({row("a")})));
  auto other = Database::open(path(), OpenMode::read_write).value();
  ASSERT_TRUE(
      other.execute("CREATE TRIGGER no BEFORE INSERT ON objects WHEN NEW.key = X'7a' BEGIN "
                    "SELECT RAISE(ABORT, 'not this one'); END"));
  const auto failed = record->commit(batch_of({row("b"), row("z"), row("c")}));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("not this one"));
  EXPECT_EQ(all_keys(*record), std::vector<std::string>{"a"});
  EXPECT_TRUE(record->commit(batch_of({row("d")}))) << "the connection goes on";
}

}  // namespace
}  // namespace sluice::record
