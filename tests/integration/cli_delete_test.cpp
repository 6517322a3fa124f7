// What --delete spares, what it takes, and where that is kept.
#include "cli_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;
using Tree = std::map<std::string, std::string>;

dev_t device_of(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_dev : 0;
}

class CliDelete : public Cli {
 protected:
  std::string backup() const { return work_ / "old"; }
};

TEST_F(CliDelete, ExcludedFilesAreProtectedUnlessAskedFor) {
  for (const char* key : {"a.jpg", "b.tmp", "gone.tmp", "gone.jpg"})
    bucket_->put(key, key);
  ASSERT_EQ(sync().status, 0);
  write_file(dir() + "/mine.tmp", "not from the bucket");
  bucket_->remove("gone.tmp");
  bucket_->remove("gone.jpg");

  const Ran spared = sync({"--delete", "--exclude", "*.tmp"});
  EXPECT_EQ(spared.status, 0) << spared.err;
  EXPECT_EQ(tree_of(dir()), (Tree{{"a.jpg", "a.jpg"},
                                  {"b.tmp", "b.tmp"},
                                  {"gone.tmp", "gone.tmp"},
                                  {"mine.tmp", "not from the bucket"}}));

  EXPECT_EQ(sync({"--delete-excluded", "--exclude", "*.tmp"}).status, 0);
  EXPECT_EQ(tree_of(dir()).size(), 4U);
  const Ran dry = sync({"--delete", "--delete-excluded", "--exclude", "*.tmp", "-n"});
  EXPECT_TRUE(has_line(dry.out, "would delete b.tmp")) << dry.out;
  const Ran taken = sync({"--delete", "--delete-excluded", "--exclude", "*.tmp", "-v"});
  EXPECT_EQ(taken.status, 0) << taken.err;
  EXPECT_TRUE(has_line(taken.out, R"(deleted b\.tmp \(excluded\))")) << taken.out;
  EXPECT_EQ(tree_of(dir()), (Tree{{"a.jpg", "a.jpg"}, {"mine.tmp", "not from the bucket"}}));
}

TEST_F(CliDelete, FiltersThatNameOneFolderListOnlyThat) {
  for (int n = 0; n < 2'500; ++n)
    bucket_->put("data/" + std::to_string(n), "x");
  for (const char* key : {"logs/2023/a", "logs/2024/a", "logs/2024/b", "logs/2024/c.tmp"})
    bucket_->put(key, key);
  ASSERT_EQ(sync({"--exclude", "data/*"}).status, 0);
  ASSERT_EQ(tree_of(dir()).size(), 4U);
  bucket_->remove("logs/2023/a");
  bucket_->remove("logs/2024/a");
  bucket_->remove("logs/2024/c.tmp");
  bucket_->put("logs/2024/d", "new");

  const Words only_2024 = {"--exclude", "*", "--include", "logs/2024/*", "--exclude", "*.tmp"};
  Words flags = {"--delete"};
  flags.insert(flags.end(), only_2024.begin(), only_2024.end());
  server_->clear_requests();
  const Ran narrow = sync(flags);
  EXPECT_EQ(narrow.status, 0) << narrow.err;
  EXPECT_EQ(requests(Operation::list), 1U);
  // What lies outside is excluded, and so protected: even what the bucket no longer has.
  EXPECT_EQ(tree_of(dir()), (Tree{{"logs/2023/a", "logs/2023/a"},
                                  {"logs/2024/b", "logs/2024/b"},
                                  {"logs/2024/c.tmp", "logs/2024/c.tmp"},
                                  {"logs/2024/d", "new"}}));

  Words ls = {"ls", "s3://photos"};
  ls.insert(ls.end(), only_2024.begin(), only_2024.end());
  server_->clear_requests();
  const Ran listed = run(std::move(ls));
  EXPECT_TRUE(has(listed.out, " logs/2024/b\n")) << listed.out;
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), 2) << listed.out;
  EXPECT_EQ(requests(Operation::list), 1U);

  // To delete what is excluded, all must be listed.
  flags.push_back("--delete-excluded");
  server_->clear_requests();
  const Ran wide = sync(flags);
  EXPECT_EQ(wide.status, 0) << wide.err;
  EXPECT_EQ(requests(Operation::list), 3U);
  EXPECT_EQ(tree_of(dir()), (Tree{{"logs/2024/b", "logs/2024/b"}, {"logs/2024/d", "new"}}));
}

TEST_F(CliDelete, TheGuardCountsOnlyWhatWouldGo) {
  for (const char* key : {"a.jpg", "b.tmp", "c.tmp"})
    bucket_->put(key, key);
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("b.tmp");
  bucket_->remove("c.tmp");
  EXPECT_EQ(sync({"--delete", "--max-delete", "0", "--exclude", "*.tmp"}).status, 0);
  expect(sync({"--delete", "--max-delete", "1", "--exclude", "*.tmp", "--delete-excluded"}), 7,
         "--max-delete");
  EXPECT_EQ(tree_of(dir()).size(), 3U);
}

TEST_F(CliDelete, DeletedFilesAreKeptInTheBackupDirectory) {
  const std::int64_t then_ms = 1'700'000'000'000;
  for (const std::string content : {"first", "second"}) {
    bucket_->put("sub/a", content, then_ms);
    bucket_->put("stays", "x", then_ms);
    ASSERT_EQ(sync().status, 0);
    bucket_->remove("sub/a");
    const Ran ran = sync({"--delete", "--backup-dir", backup()});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_FALSE(fs::exists(dir() + "/sub"));
  }
  EXPECT_EQ(tree_of(backup()), (Tree{{"sub/a", "first"}, {"sub/a.~1~", "second"}}));
  const auto time = fs::last_write_time(backup() + "/sub/a");
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::file_clock::to_sys(time).time_since_epoch())
                .count(),
            then_ms);
}

TEST_F(CliDelete, ReplacedFilesAreKeptInTheBackupDirectory) {
  for (const std::string content : {"first", "second", "third"}) {
    bucket_->put("sub/a", content);
    ASSERT_EQ(sync({"--backup-dir", backup()}).status, 0);
  }
  EXPECT_EQ(tree_of(backup()), (Tree{{"sub/a", "first"}, {"sub/a.~1~", "second"}}));
  EXPECT_EQ(tree_of(dir()), (Tree{{"sub/a", "third"}}));
  // A file that becomes a folder is replaced as well.
  bucket_->remove("sub/a");
  bucket_->put("sub/a/b", "below");
  sync({"--backup-dir", backup()});
  EXPECT_EQ(tree_of(dir()), (Tree{{"sub/a/b", "below"}}));
  EXPECT_EQ(tree_of(backup()).at("sub/a.~2~"), "third");
  // Where a file has been kept there cannot be a folder.
  const std::string longest(255, 'n');
  for (const std::string content : {"first", "second", "third"}) {
    bucket_->put("sub/a/b", content);
    bucket_->put("sub/a/" + longest, content);
    const Ran ran = sync({"--backup-dir", backup()});
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  EXPECT_EQ(tree_of(backup()), (Tree{{"sub/a", "first"},
                                     {"sub/a.~1~", "second"},
                                     {"sub/a.~2~", "third"},
                                     {"sub/a.~3~/b", "below"},
                                     {"sub/a.~3~/b.~1~", "first"},
                                     {"sub/a.~3~/b.~2~", "second"},
                                     {"sub/a.~3~/" + longest, "first"},
                                     {"sub/a.~3~/" + std::string(251, 'n') + ".~1~", "second"}}));
}

TEST_F(CliDelete, TheBackupDirectoryMustBeBesideTheMirror) {
  bucket_->put("a", "x");
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("a");
  bucket_->put("b", "x");
  for (const std::string& place : {dir(), dir() + "/old", dir() + "/../mirror/old"})
    expect(sync({"--delete", "--backup-dir", place}), 2, "lies in the mirror");
  expect(sync({"--delete", "--backup-dir", work_.path()}), 2, "holds the mirror");
  if (device_of("/proc") != device_of(dir()))
    expect(sync({"--delete", "--backup-dir", "/proc"}), 2, "another file system");
  EXPECT_TRUE(tree_of(dir()).contains("a"));
}

TEST_F(CliDelete, ABackupThatFailsKeepsTheFile) {
  bucket_->put("sub/a", "x");
  bucket_->put("b", "x");
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("sub/a");
  fs::create_directory(backup());
  fs::create_directory(backup() + "/sub");
  write_file(backup() + "/sub/a", "");
  for (int version = 1; version < 10'000; ++version)
    write_file(backup() + "/sub/a.~" + std::to_string(version) + "~", "");
  expect(sync({"--delete", "--backup-dir", backup()}), 6, "cannot keep");
  EXPECT_TRUE(tree_of(dir()).contains("sub/a"));
}

}  // namespace
}  // namespace sluice::testing
