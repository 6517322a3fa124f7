#include "destination_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <thread>

namespace sluice::local {
namespace {

INSTANTIATE_TEST_SUITE_P(Resolvers, DestinationTest, testing::Bool(), resolver_name);

TEST_P(DestinationTest, PublishesUnderTheExactName) {
  for (const auto* name :
       {"a", "b/c/d.txt", " ", "a\nb", "-rf", "c:\\x", "日本/é", "x/.sluice/y"}) {
    ASSERT_TRUE(put(name, name)) << name;
    EXPECT_EQ(slurp(root() / name), name);
  }
  EXPECT_EQ(staged_count(), 0U);
}

TEST_P(DestinationTest, StatSaysWhatFinishSaid) {
  StagedFile staged = destination().create_staged(3, 5).value();
  ASSERT_TRUE(staged.write_at(0, bytes_of("hello")));
  const LocalFile finished = staged.finish(1'700'000'000'123).value();
  EXPECT_EQ(finished.size, 5U);
  EXPECT_EQ(finished.mtime_ns, 1'700'000'000'123'000'000);
  ASSERT_TRUE(destination().publish(staged, key("d/f")));
  EXPECT_EQ(stat("d/f"), finished);
  EXPECT_EQ(stat("d").type, FileType::directory);
}

TEST_P(DestinationTest, TimesBefore1970AndFarAheadAreKept) {
  for (const std::int64_t ms : {std::int64_t{-1}, std::int64_t{-86'400'000'500}, std::int64_t{0},
                                std::int64_t{4'102'444'800'999}}) {
    StagedFile staged = destination().create_staged(0, 0).value();
    EXPECT_EQ(staged.finish(ms).value().mtime_ns, ms * 1'000'000) << ms;
  }
  StagedFile staged = destination().create_staged(0, 0).value();
  EXPECT_TRUE(staged.finish(253'402'300'799'999)) << "the file system may cut it, not fail";
}

TEST_P(DestinationTest, WritesMayComeInAnyOrder) {
  StagedFile staged = destination().create_staged(0, 6).value();
  ASSERT_TRUE(staged.write_at(3, bytes_of("def")));
  ASSERT_TRUE(staged.write_at(0, bytes_of("abc")));
  ASSERT_TRUE(staged.write_at(6, {}));
  ASSERT_TRUE(destination().publish(staged, key("f")));
  EXPECT_EQ(slurp(root() / "f"), "abcdef");
}

TEST_P(DestinationTest, ReplacesAndBreaksHardLinks) {
  ASSERT_TRUE(put("f", "old"));
  fs::create_hard_link(root() / "f", temporary_.path() / "twin");
  ASSERT_TRUE(put("f", "new"));
  EXPECT_EQ(slurp(root() / "f"), "new");
  EXPECT_EQ(slurp(temporary_.path() / "twin"), "old") << "the old inode is never written";
  EXPECT_EQ(fs::hard_link_count(root() / "f"), 1U);
}

TEST_P(DestinationTest, ReplacesAReadOnlyFile) {
  ASSERT_TRUE(put("f", "old"));
  fs::permissions(root() / "f", fs::perms::owner_read);
  ASSERT_TRUE(put("f", "new"));
  EXPECT_EQ(slurp(root() / "f"), "new");
}

TEST_P(DestinationTest, ModesFollowTheUmask) {
  const mode_t before = umask(027);
  ASSERT_TRUE(put("d/f", "x"));
  ASSERT_TRUE(destination().make_directory(key("e/")));
  umask(before);
  struct stat st {};
  ASSERT_EQ(::stat((root() / "d/f").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640U);
  ASSERT_EQ(::stat((root() / "d").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0750U);
  ASSERT_EQ(::stat((root() / ".sluice").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
}

TEST_P(DestinationTest, LongestNamesAndDeepestTrees) {
  const std::string name(255, 'n');
  ASSERT_TRUE(put(name, "long"));
  EXPECT_EQ(stat(name).size, 4U);
  std::string deep;
  while (deep.size() + 2 <= 1024)
    deep += "d/";
  deep.back() = 'f';
  ASSERT_TRUE(put(deep, "deep"));
  EXPECT_EQ(stat(deep).size, 4U);
  EXPECT_EQ(stat(deep).type, FileType::regular);
  ASSERT_TRUE(destination().remove(key(deep), stat(deep)));
  EXPECT_FALSE(fs::exists(root() / "d"));
}

TEST_P(DestinationTest, ADestinationNearPathMaxHoldsTheLongestKeys) {
  destination_.reset();
  std::string dir = root().string();
  while (dir.size() + 1 + 200 < 4000)
    dir += "/" + std::string(200, 'p');
  DestinationOptions options;
  options.force_walk = GetParam();
  auto opened = Destination::open(dir, options);
  ASSERT_TRUE(opened) << opened.error().message;
  destination_ = std::move(*opened);
  std::string deep;
  for (int n = 0; n < 5; ++n)
    deep += std::string(200, 'q') + "/";
  deep += "f";
  ASSERT_GT(dir.size() + deep.size(), 4096U);
  ASSERT_TRUE(put(deep, "far"));
  EXPECT_EQ(stat(deep).size, 3U);
  EXPECT_TRUE(destination().open_file(key(deep)));
  ASSERT_TRUE(destination().remove(key(deep), stat(deep)));
  EXPECT_EQ(stat(std::string(200, 'q')).type, FileType::absent);
}

TEST_P(DestinationTest, AbsentIsNoError) {
  EXPECT_EQ(stat("nothing").type, FileType::absent);
  EXPECT_EQ(stat("no/such/folder").type, FileType::absent);
  ASSERT_TRUE(put("file", "x"));
  EXPECT_EQ(stat("file/below").type, FileType::absent);
  const auto opened = destination().open_file(key("nothing"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::local);
  EXPECT_EQ(opened.error().os_error, ENOENT);
}

TEST_P(DestinationTest, StatSeesFoldersThatComeGoAndChange) {
  fs::create_directories(root() / "d");
  EXPECT_EQ(stat("d/f").type, FileType::absent);
  spill(root() / "d/f", "1");
  EXPECT_EQ(stat("d/f").size, 1U);
  fs::remove_all(root() / "d");
  EXPECT_EQ(stat("d/f").type, FileType::absent);
  fs::create_directories(root() / "d");
  spill(root() / "d/f", "22");
  EXPECT_EQ(stat("d/f").size, 2U) << "a new directory of the same name";
  fs::rename(root() / "d", root() / "e");
  usleep(120'000);  // longer than a looked-up parent is kept
  EXPECT_EQ(stat("d/f").type, FileType::absent) << "moved away";
  fs::create_directory_symlink(root() / "e", root() / "d");
  EXPECT_EQ(stat("d/f").type, FileType::other) << "never through a link";
}

TEST_P(DestinationTest, AFolderThatIsNotThereIsLookedForOnce) {
  AbsentFolder absent;
  EXPECT_EQ(destination().stat_file(key("d/f"), absent)->type, FileType::absent);
  EXPECT_EQ(absent.path, "d");
  fs::create_directories(root() / "d/e");
  spill(root() / "d/f", "1");
  spill(root() / "d/e/f", "1");
  EXPECT_EQ(destination().stat_file(key("d/g"), absent)->type, FileType::absent);
  EXPECT_EQ(destination().stat_file(key("d/f"), absent)->type, FileType::absent);
  EXPECT_EQ(destination().stat_file(key("d/e/f"), absent)->size, 1U) << "another folder";
  absent = {};
  EXPECT_EQ(destination().stat_file(key("d/f"), absent)->size, 1U);
  EXPECT_EQ(destination().stat_file(key("nothing"), absent)->type, FileType::absent);
  EXPECT_TRUE(absent.path.empty()) << "only the file was not there";
}

TEST_P(DestinationTest, OpensForHashingOnly) {
  ASSERT_TRUE(put("d/f", "content"));
  const FileDescriptor fd = destination().open_file(key("d/f")).value();
  char buffer[16];
  EXPECT_EQ(read(fd.get(), buffer, sizeof buffer), 7);
  EXPECT_EQ(write(fd.get(), "x", 1), -1);
}

TEST_P(DestinationTest, MakesDirectories) {
  ASSERT_TRUE(destination().make_directory(key("a/b/")));
  ASSERT_TRUE(destination().make_directory(key("a/b/"))) << "there already";
  EXPECT_TRUE(fs::is_directory(root() / "a/b"));
  ASSERT_TRUE(put("f", "x"));
  std::string blocking;
  EXPECT_EQ(refusal(destination().make_directory(key("f/"), &blocking)), "parent-is-file");
  EXPECT_EQ(blocking, "f");
}

TEST_P(DestinationTest, AFileInTheWayIsNamed) {
  ASSERT_TRUE(put("a/b", "file"));
  std::string blocking;
  EXPECT_EQ(refusal(put("a/b/c/d", "x", &blocking)), "parent-is-file");
  EXPECT_EQ(blocking, "a/b");
  EXPECT_EQ(slurp(root() / "a/b"), "file");
}

TEST_P(DestinationTest, AFileFlipsToADirectory) {
  ASSERT_TRUE(put("a", "file"));
  const LocalFile file = stat("a");
  ASSERT_TRUE(destination().flip_to_directory(key("a"), file));
  EXPECT_TRUE(fs::is_directory(root() / "a"));
  ASSERT_TRUE(put("a/b", "below"));
  EXPECT_EQ(slurp(root() / "a/b"), "below");
  EXPECT_EQ(staged_count(), 0U);
  EXPECT_EQ(std::distance(fs::directory_iterator(root() / ".sluice/staging"), {}), 1)
      << "only the shard is left";
}

TEST_P(DestinationTest, OnlyTheExpectedFileFlips) {
  ASSERT_TRUE(put("a", "file"));
  const LocalFile file = stat("a");
  spill(root() / "a", "edited by somebody");
  const auto flipped = destination().flip_to_directory(key("a"), file);
  ASSERT_FALSE(flipped);
  EXPECT_EQ(flipped.error().kind, ErrorKind::changed);
  EXPECT_EQ(slurp(root() / "a"), "edited by somebody");
  fs::remove(root() / "a");
  EXPECT_FALSE(destination().flip_to_directory(key("a"), file));
}

TEST_P(DestinationTest, RemovesOnlyTheExpectedFile) {
  ASSERT_TRUE(put("a/b/f", "x"));
  const LocalFile file = stat("a/b/f");
  LocalFile other = file;
  for (const int field : {0, 1, 2}) {
    other = file;
    if (field == 0) other.size += 1;
    if (field == 1) other.mtime_ns += 1;
    if (field == 2) other.inode += 1;
    const auto removed = destination().remove(key("a/b/f"), other);
    ASSERT_FALSE(removed) << field;
    EXPECT_EQ(removed.error().kind, ErrorKind::changed);
  }
  ASSERT_TRUE(fs::exists(root() / "a/b/f"));
  ASSERT_TRUE(destination().remove(key("a/b/f"), file));
  EXPECT_FALSE(fs::exists(root() / "a")) << "parents that became empty go too";
  EXPECT_TRUE(fs::exists(root() / ".sluice"));
  EXPECT_TRUE(destination().remove(key("a/b/f"), file)) << "absent is success";
}

TEST_P(DestinationTest, PruningStopsAtWhatIsNotEmpty) {
  ASSERT_TRUE(put("a/b/c/f", "x"));
  spill(root() / "a/keep", "mine");
  ASSERT_TRUE(destination().remove(key("a/b/c/f"), stat("a/b/c/f")));
  EXPECT_FALSE(fs::exists(root() / "a/b"));
  EXPECT_EQ(slurp(root() / "a/keep"), "mine");
  ASSERT_TRUE(put("top", "x"));
  ASSERT_TRUE(destination().remove(key("top"), stat("top")));
  EXPECT_TRUE(fs::exists(root())) << "never the destination itself";
}

TEST_P(DestinationTest, NeverRemovesADirectory) {
  fs::create_directory(root() / "d");
  const auto removed = destination().remove(key("d"), stat("d"));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, ErrorKind::changed);
  EXPECT_TRUE(fs::is_directory(root() / "d"));
}

TEST_P(DestinationTest, SetsTheTimeOfTheExpectedFile) {
  ASSERT_TRUE(put("d/f", "x"));
  const LocalFile before = stat("d/f");
  const LocalFile after = destination().set_mtime(key("d/f"), before, 1'800'000'000'500).value();
  EXPECT_EQ(after.mtime_ns, 1'800'000'000'500'000'000);
  EXPECT_EQ(after.inode, before.inode);
  EXPECT_EQ(stat("d/f"), after);
  const auto again = destination().set_mtime(key("d/f"), before, 1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::changed);
  EXPECT_EQ(stat("d/f"), after);
}

TEST_P(DestinationTest, DecidingLooksWhilePublishingChanges) {
  std::atomic<bool> done = false;
  std::thread deciding([this, &done] {
    while (!done) {
      for (int n = 0; n < 20; ++n) {
        const std::string name = "d" + std::to_string(n % 3) + "/f" + std::to_string(n);
        const LocalFile seen = stat(name);
        // Whole or absent, never something between.
        EXPECT_TRUE(seen.type == FileType::absent || seen.size == 7) << name;
      }
    }
  });
  for (int n = 0; n < 400; ++n) {
    const std::string name = "d" + std::to_string(n % 20 % 3) + "/f" + std::to_string(n % 20);
    EXPECT_TRUE(put(name, "content"));
    if (n % 4 != 0) continue;
    EXPECT_TRUE(destination().remove(key(name), stat(name)));
  }
  done = true;
  deciding.join();
}

TEST_P(DestinationTest, SyncsAndMeasures) {
  ASSERT_TRUE(put("f", "x"));
  EXPECT_TRUE(destination().sync());
  EXPECT_GT(destination().free_bytes(), 0U);
}

TEST(DestinationOpen, MakesItsParentsOnlyIfAsked) {
  const TemporaryDirectory temporary;
  const std::string dir = (temporary.path() / "a/b/c").string();
  DestinationOptions options;
  options.create = false;
  const auto refused = Destination::open(dir, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::local);
  EXPECT_EQ(refused.error().os_error, ENOENT);
  EXPECT_FALSE(fs::exists(temporary.path() / "a"));
  const auto opened = Destination::open(dir + "/");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->record_path(), dir + "//.sluice/record.db");
}

TEST(DestinationOpen, AFileIsNoDestination) {
  const TemporaryDirectory temporary;
  spill(temporary.path() / "f", "x");
  for (const auto* name : {"f", "f/below"}) {
    const auto opened = Destination::open((temporary.path() / name).string());
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().os_error, ENOTDIR) << name;
  }
  EXPECT_EQ(slurp(temporary.path() / "f"), "x");
}

TEST(DestinationOpen, DirItselfMayBeALink) {
  const TemporaryDirectory temporary;
  fs::create_directory(temporary.path() / "real");
  fs::create_directory_symlink(temporary.path() / "real", temporary.path() / "link");
  EXPECT_TRUE(Destination::open((temporary.path() / "link").string()));
  EXPECT_TRUE(fs::is_directory(temporary.path() / "real/.sluice"));
}

TEST(DestinationOpen, ErrorsShowThePathEscaped) {
  const auto opened = Destination::open("/proc/no\x1bsuch/dir");
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, testing::HasSubstr("no\\x1bsuch"));
}

}  // namespace
}  // namespace sluice::local
