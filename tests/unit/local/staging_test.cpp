#include "destination_fixture.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace sluice::local {
namespace {

class StagingTest : public DestinationTest {
 protected:
  fs::path staging() const { return root() / ".sluice/staging"; }
};

INSTANTIATE_TEST_SUITE_P(Resolvers, StagingTest, testing::Bool(), resolver_name);

TEST_P(StagingTest, IsRemovedUnlessPublishedOrKept) {
  {
    const StagedFile staged = stage("x");
    EXPECT_EQ(staged_count(), 1U);
    EXPECT_EQ(slurp(staging() / staged.name()), "x");
  }
  EXPECT_EQ(staged_count(), 0U);
  { stage("kept").keep(); }
  EXPECT_EQ(staged_count(), 1U);
}

TEST_P(StagingTest, MovingNeverRemovesTwiceOrTooEarly) {
  StagedFile first = stage("1");
  StagedFile second = std::move(first);
  EXPECT_EQ(staged_count(), 1U);
  second = stage("2");
  EXPECT_EQ(staged_count(), 1U) << "what was assigned over is gone";
  EXPECT_EQ(slurp(staging() / second.name()), "2");
  ASSERT_TRUE(destination().publish(second, key("f")));
  second = StagedFile();
  EXPECT_EQ(slurp(root() / "f"), "2");
}

TEST_P(StagingTest, PublishesWithoutADescriptor) {
  StagedFile staged = stage("content");
  staged.close_descriptor();
  EXPECT_LT(staged.fd(), 0);
  ASSERT_TRUE(destination().publish(staged, key("f")));
  EXPECT_EQ(slurp(root() / "f"), "content");
}

TEST_P(StagingTest, AFailedPublishLeavesTheOldFile) {
  ASSERT_TRUE(put("f", "old"));
  StagedFile lost = stage("new");
  fs::remove(staging() / lost.name());
  const auto result = destination().publish(lost, key("f"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::local);
  EXPECT_EQ(slurp(root() / "f"), "old");
}

TEST_P(StagingTest, NamesAreShortAndDistinct) {
  std::vector<StagedFile> files;
  std::set<std::string> names;
  for (unsigned n = 0; n < 100; ++n) {
    files.push_back(destination().create_staged(n % 4, 0).value());
    names.insert(files.back().name());
    EXPECT_THAT(files.back().name(), testing::StartsWith(std::to_string(n % 4) + "/"));
    EXPECT_LT(files.back().name().size(), 32U);
  }
  EXPECT_EQ(names.size(), 100U);
}

TEST_P(StagingTest, ThreadsMayStageAtOnce) {
  std::vector<std::vector<StagedFile>> files(4);
  std::vector<std::thread> threads;
  for (auto& mine : files)
    threads.emplace_back([this, &mine] {
      for (int n = 0; n < 100; ++n)
        mine.push_back(destination().create_staged(1, 0).value());
    });
  for (auto& thread : threads)
    thread.join();
  std::set<std::string> names;
  for (const auto& mine : files)
    for (const auto& file : mine)
      names.insert(file.name());
  EXPECT_EQ(names.size(), 400U);
}

TEST_P(StagingTest, ClearsWhatACrashLeft) {
  fs::create_directories(staging() / "0");
  spill(staging() / "0/0", "torn");
  fs::create_directories(staging() / "deep/er/still");
  spill(staging() / "deep/er/still/f", "x");
  fs::create_directory(outside());
  spill(outside() / "precious", "x");
  fs::create_directory_symlink(outside(), staging() / "0/link");
  ASSERT_TRUE(destination().clear_staging());
  EXPECT_TRUE(fs::is_empty(staging()));
  EXPECT_EQ(slurp(outside() / "precious"), "x") << "a link is removed, not followed";
  ASSERT_TRUE(put("f", "works")) << "folders are made anew";
}

TEST_P(StagingTest, LeftoversAreNeverWrittenInto) {
  fs::create_directories(staging() / "0");
  for (int n = 0; n < 20; ++n)
    spill(staging() / "0" / std::to_string(n), "torn");
  ASSERT_TRUE(put("f", "whole"));
  EXPECT_EQ(slurp(root() / "f"), "whole");
  EXPECT_EQ(slurp(staging() / "0/0"), "torn");
}

TEST_P(StagingTest, APlantedShardLinkLeadsNowhere) {
  destination_.reset();
  fs::create_directory(outside());
  fs::remove_all(staging());
  fs::create_directory(staging());
  fs::create_directory_symlink(outside(), staging() / "0");
  reopen();
  const StagedFile staged = stage("x");
  EXPECT_TRUE(fs::is_empty(outside()));
}

TEST_P(StagingTest, WriteErrorsAreReported) {
  StagedFile staged = destination().create_staged(0, 0).value();
  staged.close_descriptor();
  const auto written = staged.write_at(0, bytes_of("x"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().os_error, EBADF);
}

TEST_P(StagingTest, ReservedSpaceIsNoContent) {
  StagedFile staged = destination().create_staged(0, 4 << 20).value();
  EXPECT_EQ(fs::file_size(staging() / staged.name()), 0U)
      << "a file of full length would look finished";
}

class FolderTest : public testing::TestWithParam<bool> {
 protected:
  Result<std::unique_ptr<Destination>> open() {
    DestinationOptions options;
    options.force_walk = GetParam();
    return Destination::open(root().string(), options);
  }
  fs::path root() const { return temporary_.path() / "mirror"; }
  TemporaryDirectory temporary_;
};

INSTANTIATE_TEST_SUITE_P(Resolvers, FolderTest, testing::Bool(), resolver_name);

TEST_P(FolderTest, ASecondOpenIsToldWhoHoldsIt) {
  auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::locked);
  EXPECT_THAT(second.error().message,
              testing::HasSubstr("process " + std::to_string(getpid()) + ";"));
  first->reset();
  EXPECT_TRUE(open()) << "free again";
}

/// Killed when the test ends, however it ends.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() { kill_now(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

 private:
  pid_t pid_;
};

TEST_P(FolderTest, TheLockEndsWithItsProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const FileDescriptor reading(ready[0]);
  FileDescriptor writing(ready[1]);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const auto held = open();
    const char told = held ? 'y' : 'n';
    if (write(writing.get(), &told, 1) != 1) _exit(1);
    for (;;)
      pause();
  }
  Child child(pid);
  writing = FileDescriptor();
  char told = 0;
  ASSERT_EQ(read(reading.get(), &told, 1), 1);
  ASSERT_EQ(told, 'y');
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::locked);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("process " + std::to_string(pid)));
  child.kill_now();
  EXPECT_TRUE(open()) << "the kernel freed it";
}

TEST_P(FolderTest, GarbageInTheLockFileIsNotShown) {
  auto first = open();
  ASSERT_TRUE(first);
  spill(root() / ".sluice/lock", "\x1b[2Jevil\n");
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr("in use by another process"));
}

TEST_P(FolderTest, AFolderThatIsALinkIsRefused) {
  fs::create_directories(root());
  fs::create_directory(temporary_.path() / "outside");
  fs::create_directory_symlink(temporary_.path() / "outside", root() / ".sluice");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::local);
  EXPECT_THAT(opened.error().message, testing::HasSubstr("symbolic link"));
  EXPECT_TRUE(fs::is_empty(temporary_.path() / "outside"));
}

TEST_P(FolderTest, NorMayItOrItsPartsBeAnythingElse) {
  fs::create_directories(root());
  spill(root() / ".sluice", "a file");
  EXPECT_FALSE(open());
  fs::remove(root() / ".sluice");
  ASSERT_EQ(mkfifo((root() / ".sluice").c_str(), 0600), 0);
  EXPECT_FALSE(open());
  fs::remove(root() / ".sluice");
  fs::create_directories(root() / ".sluice");
  fs::create_symlink(temporary_.path() / "elsewhere", root() / ".sluice/lock");
  EXPECT_FALSE(open());
  EXPECT_FALSE(fs::exists(temporary_.path() / "elsewhere"));
  fs::remove(root() / ".sluice/lock");
  ASSERT_EQ(mkfifo((root() / ".sluice/lock").c_str(), 0600), 0);
  EXPECT_FALSE(open());
  fs::remove(root() / ".sluice/lock");
  fs::create_directory_symlink(temporary_.path(), root() / ".sluice/staging");
  EXPECT_FALSE(open());
  fs::remove(root() / ".sluice/staging");
  EXPECT_TRUE(open());
}

TEST_P(FolderTest, APublicFolderIsMadePrivate) {
  fs::create_directories(root() / ".sluice");
  fs::permissions(root() / ".sluice", fs::perms::all);
  ASSERT_TRUE(open());
  EXPECT_EQ(fs::status(root() / ".sluice").permissions(), fs::perms::owner_all);
}

TEST_P(StagingTest, ClearingKeepsWhatIsNamed) {
  StagedFile kept = stage("kept");
  kept.keep();
  StagedFile goes = stage("goes");
  goes.keep();
  fs::create_directories(staging() / "7/deep/er");
  spill(staging() / "stray", "x");
  ASSERT_TRUE(destination().clear_staging({kept.name(), "0/none"}));
  EXPECT_EQ(slurp(staging() / kept.name()), "kept");
  EXPECT_EQ(staged_count(), 1U);
}

TEST_P(StagingTest, AFileOfAnEarlierRunIsReopenedAndGoneOnWith) {
  std::string name;
  {
    StagedFile first = stage("begun");
    first.keep();
    name = first.name();
  }
  {
    StagedFile again = destination().reopen_staged(name).value();
    ASSERT_TRUE(again.write_at(5, bytes_of(" and done")));
    ASSERT_TRUE(destination().publish(again, key("a")));
  }
  EXPECT_EQ(slurp(root() / "a"), "begun and done");
  EXPECT_FALSE(destination().reopen_staged(name));
}

/// The record may name it for longer than it is there: found by chaos, as a file under another key.
TEST_P(StagingTest, ANameThatWasAskedForIsGivenToNoOtherFile) {
  const std::string first = destination().create_staged(0, 0).value().name();
  reopen();
  EXPECT_FALSE(destination().reopen_staged(first));
  EXPECT_FALSE(destination().reopen_staged("0/5"));
  std::set<std::string> names;
  for (int i = 0; i < 10; ++i)
    names.insert(destination().create_staged(0, 0).value().name());
  EXPECT_EQ(names.count(first), 0U);
  EXPECT_EQ(names.count("0/5"), 0U);
  // A row can say anything.
  EXPECT_FALSE(destination().reopen_staged("0/18446744073709551615"));
  EXPECT_TRUE(destination().create_staged(0, 0));
}

TEST_P(StagingTest, NoNameLeadsOutOfStaging) {
  spill(root() / "mine", "x");
  fs::create_symlink(root() / "mine", staging() / "link");
  for (const char* name : {"../../mine", "link", "", "/", "0/", "/0", "0/../../../mine", "1/2/3"})
    EXPECT_FALSE(destination().reopen_staged(name)) << name;
}

TEST_P(StagingTest, DiscardingRemovesWhatWasKept) {
  StagedFile file = stage("x");
  file.keep();
  file.discard();
  EXPECT_EQ(staged_count(), 0U);
}

TEST_P(StagingTest, EachFileIsSyncedWhereverItIs) {
  StagedFile staged = stage("x");
  StagedFile placed = stage("y");
  ASSERT_TRUE(destination().publish(placed, key("d/e/f")));
  ToSync what;
  what.staged = {staged.name(), "0/gone"};
  what.in_place = {key("d/e/f"), key("gone"), key("no/such/folder")};
  what.renamed = {key("d/e/f"), key("gone/folder/x"), key("top")};
  EXPECT_TRUE(destination().sync_each(what));
  EXPECT_TRUE(destination().sync_each({}));
}

}  // namespace
}  // namespace sluice::local
