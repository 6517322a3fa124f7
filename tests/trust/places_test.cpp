// What the keys and the destination may hold: names that lead elsewhere, things that are in the
// way, files that were changed here, and disks that are full.
#include "trust_fixture.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

class Places : public Trust {
 protected:
  /// One line of standard error that names what is refused.
  void expect_refused(const Ran& ran, const std::string& key) const {
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_TRUE(has(ran.err, "refused")) << ran.err;
    EXPECT_TRUE(has(ran.err, key)) << ran.err;
  }
  static struct stat stat_of(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st;
  }
};

TEST_F(Places, ChangesAreSeenWhateverTheTimesSay) {
  struct Case {
    const char* name;
    const char* content;
    std::int64_t modified_ms;
  };
  const std::size_t bytes = local().at("dir/k1").size();
  for (const Case& row : {Case{"newer", "n", kTime + 100'000}, Case{"the same time", "s", kTime},
                          Case{"older", "o", kTime - 100'000}}) {
    bucket_->put("dir/k1", std::string(bytes, row.content[0]), row.modified_ms);
    EXPECT_EQ(sync_deleting().status, 0) << row.name;
    EXPECT_EQ(local().at("dir/k1"), std::string(bytes, row.content[0])) << row.name;
    EXPECT_EQ(stat_of(file("dir/k1")).st_mtim.tv_sec, row.modified_ms / 1000) << row.name;
  }
  expect_recovery();
}

TEST_F(Places, FilesThatWereChangedHereAreFetchedAgain) {
  const std::size_t bytes = local().at("dir/k1").size();
  write_file(file("dir/k1"), std::string(bytes, '?'));  // of the same size, newer
  fs::remove(file("dir/k2"));
  write_file(file("dir/k3"), "");
  expect_recovery();
}

TEST_F(Places, FilesThatWereChangedHereAreNotDeleted) {
  write_file(file("dir/k1"), "mine now");
  bucket_->remove("dir/k1");
  const Ran ran = sync_deleting();
  expect(ran, 1, "dir/k1");
  EXPECT_EQ(local().at("dir/k1"), "mine now");
  fs::remove(file("dir/k1"));
  expect_recovery();
}

TEST_F(Places, NoKeyLeadsOutOfTheMirror) {
  const std::vector<std::string> keys = {
      "../esc1",
      "/../lead",
      "a//b7",
      "/abs5",
      "//dbl6",
      "./dot4",
      "dir/../../esc",
      "dir/..",
      "dir/./x",
      ".sluice/record.db",
      "..",
      ".",
      "/",
      "dir//",
      ".sluice/staging/0/x",
      "dir/\x01"
      "/..",
  };
  for (const std::string& key : keys)
    bucket_->put(key, "escaped", kTime);
  const Ran ran = sync_deleting();
  EXPECT_EQ(ran.status, 1);
  EXPECT_TRUE(has(ran.out, std::to_string(keys.size()) + " refused")) << ran.out << ran.err;
  EXPECT_EQ(local().size(), kAllLeft);
  EXPECT_FALSE(has(ran.err + ran.out, "\x01"));
  for (const char* absolute : {"/abs5", "/dbl6", "/lead"})
    EXPECT_FALSE(fs::exists(absolute));
  for (const std::string& key : keys)
    bucket_->remove(key);
  expect_recovery();
}

TEST_F(Places, AFileAndAFolderOfOneNameHaveOneOutcome) {
  bucket_->put("x9", "file", kTime);
  bucket_->put("x9/y", "below", kTime);
  for (int pass = 0; pass < 2; ++pass) {
    expect_refused(sync_deleting(), "x9");
    EXPECT_EQ(local().at("x9/y"), "below");
  }
  // The folder goes in the deletion phase; then the file has its place.
  bucket_->remove("x9/y");
  expect_refused(sync_deleting(), "x9");
  expect_recovery();
  EXPECT_EQ(local().at("x9"), "file");
}

TEST_F(Places, ALinkedFolderInTheMirrorIsNoWayOut) {
  fs::create_directory_symlink(outside(), file("linked"));
  bucket_->put("linked/canary", "overwritten", kTime);
  bucket_->put("linked/new", "planted", kTime);
  const Ran ran = sync_deleting();
  expect_refused(ran, "linked/canary");
  EXPECT_TRUE(fs::is_symlink(file("linked")));
  fs::remove(file("linked"));
  expect_recovery();
}

TEST_F(Places, AFolderThatBecameALinkLosesNothingOutside) {
  // Ours by the record, and gone from the bucket: yet what stands behind the link is not ours.
  fs::rename(file("dir"), outside() + "/dir");
  fs::create_directory_symlink(outside() + "/dir", file("dir"));
  for (int i = 0; i < 4; ++i)
    bucket_->remove("dir/k" + std::to_string(i));
  EXPECT_EQ(sync_deleting().status, 1);
  EXPECT_EQ(tree_of(outside()).size(), 1 + kMirrored);
  fs::remove(file("dir"));
  fs::rename(outside() + "/dir", file("dir"));
  // They were forgotten meanwhile: what comes back is the user's.
  for (int i = 0; i < 4; ++i)
    fs::remove(file("dir/k" + std::to_string(i)));
  expect_recovery();
}

TEST_F(Places, WhatIsInTheWayIsNeitherOpenedNorReplaced) {
  write_file(outside() + "/target", "behind the link");
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  fs::create_directory(file("folder"));
  write_file(file("folder/inside"), "not from the bucket");
  fs::create_symlink(outside() + "/target", file("link"));
  fs::create_symlink(outside() + "/nowhere", file("dangling"));
  std::vector<std::string> in_the_way = {"fifo", "folder", "link", "dangling"};
  if (::mknod(file("device").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0)
    in_the_way.push_back("device");
  for (const std::string& key : in_the_way)
    bucket_->put(key, "object", kTime);
  const Ran ran = sync_deleting();
  EXPECT_EQ(ran.status, 1) << ran.err;
  for (const std::string& key : in_the_way)
    EXPECT_TRUE(has(ran.err, key)) << key << " is not named: " << ran.err;
  EXPECT_TRUE(S_ISFIFO(stat_of(file("fifo")).st_mode));
  EXPECT_EQ(read_file(file("folder/inside")), "not from the bucket");
  EXPECT_TRUE(fs::is_symlink(file("link")) && fs::is_symlink(file("dangling")));
  EXPECT_EQ(read_file(outside() + "/target"), "behind the link");
  EXPECT_FALSE(fs::exists(outside() + "/nowhere"));
  for (const std::string& key : in_the_way)
    fs::remove_all(file(key));
  fs::remove(outside() + "/target");
  expect_recovery();
}

TEST_F(Places, AHardLinkKeepsItsOldContent) {
  fs::create_hard_link(file("dir/k1"), outside() + "/other name");
  bucket_->put("dir/k1", "new", kTime + 5000);
  EXPECT_EQ(sync_deleting().status, 0);
  EXPECT_EQ(read_file(outside() + "/other name"), "content of dir/k1");
  fs::remove(outside() + "/other name");
  expect_recovery();
}

TEST_F(Places, ReadOnlyFilesAreReplaced) {
  fs::permissions(file("dir/k1"), fs::perms::owner_read);
  bucket_->put("dir/k1", "new", kTime + 5000);
  expect_recovery();
}

TEST_F(Places, ForeignFilesAreNeverTouched) {
  write_file(file("dir/foreign"), "not from the bucket either");
  fs::create_directories(file("empty/folders"));
  bucket_->remove("dir/k1");
  EXPECT_EQ(sync_deleting().status, 0);
  EXPECT_FALSE(local().contains("dir/k1"));
  EXPECT_EQ(local().at("dir/foreign"), "not from the bucket either");
  EXPECT_TRUE(fs::is_directory(file("empty/folders")));
  fs::remove(file("dir/foreign"));
  expect_recovery();
}

TEST_F(Places, ExcludedFilesAreProtected) {
  bucket_->remove("dir/k1");
  bucket_->remove("dir/k2");
  EXPECT_EQ(sync_deleting({"--exclude", "dir/k1"}).status, 0);
  EXPECT_TRUE(local().contains("dir/k1"));
  EXPECT_FALSE(local().contains("dir/k2"));
  expect_recovery();
}

// --- space ---

TEST_F(Places, AFileSizeLimitLeavesTheOldFile) {
  bucket_->put_generated("dir/k1", 3 << 20, 1, kTime + 5000);
  // Blocks of 512 bytes or of 1024, as the shell likes.
  Words words = {"-c", "ulimit -f 2048; exec \"$0\" \"$@\"", binary()};
  for (const std::string& word : sync_words())
    words.push_back(word);
  ProgramOptions limited = options(std::move(words));
  limited.path = "/bin/sh";
  Program program(std::move(limited));
  EXPECT_EQ(program.wait(60s), 6) << program.err();
  EXPECT_TRUE(has(program.err(), "File too large")) << program.err();
  EXPECT_EQ(local().at("dir/k1"), "content of dir/k1");
  expect_recovery();
}

class SmallDisk : public Places {
 protected:
  void SetUp() override {
    if (binary().empty()) GTEST_SKIP() << "SLUICE_BINARY names no program";
    fs::create_directory(dir());
    if (::geteuid() != 0 || ::mount("none", dir().c_str(), "tmpfs", 0, "size=1m") != 0)
      GTEST_SKIP() << "mounting needs privileges";
    Trust::SetUp();
  }
  void TearDown() override {
    Trust::TearDown();
    ::umount2(dir().c_str(), MNT_DETACH);
  }
};

TEST_F(SmallDisk, WhatDoesNotFitLeavesTheOldFilesAndLetsSmallerOnesIn) {
  bucket_->put_generated("dir/k1", 8 << 20, 1, kTime + 5000);
  bucket_->put("dir/k2", "small", kTime + 5000);
  const Ran ran = sync_deleting();
  expect(ran, 6, "No space left on device");
  EXPECT_EQ(local().at("dir/k1"), "content of dir/k1");
  expect_staging_empty();
  bucket_->put("dir/k1", "fits", kTime + 6000);
  expect_recovery();
}

}  // namespace
}  // namespace sluice::testing
