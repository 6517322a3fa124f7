#include "destination_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <thread>

namespace sluice::local {
namespace {

class ConfinementTest : public DestinationTest {
 protected:
  void SetUp() override {
    DestinationTest::SetUp();
    fs::create_directory(outside());
  }

  void expect_nothing_outside() const {
    EXPECT_TRUE(fs::is_empty(outside())) << fs::directory_iterator(outside())->path();
  }

  /// Everything that changes the tree, at `path` and below it: none may succeed.
  void expect_all_refused(const std::string& path) {
    EXPECT_NE(refusal(put(path, "x")), "no error");
    EXPECT_NE(refusal(put(path + "/below", "x")), "no error");
    EXPECT_NE(refusal(put(path + "/b/c", "x")), "no error");
    EXPECT_FALSE(destination().make_directory(key(path + "/sub/")));
    EXPECT_FALSE(destination().open_file(key(path)));
    EXPECT_FALSE(destination().open_file(key(path + "/below")));
    EXPECT_FALSE(destination().set_mtime(key(path), stat(path), 1));
    EXPECT_FALSE(destination().flip_to_directory(key(path), stat(path)));
    EXPECT_FALSE(destination().remove(key(path), stat(path)));
  }
};

INSTANTIATE_TEST_SUITE_P(Resolvers, ConfinementTest, testing::Bool(), resolver_name);

TEST_P(ConfinementTest, ALinkToADirectoryOutsideIsNoWayOut) {
  fs::create_directory_symlink(outside(), root() / "link");
  EXPECT_EQ(stat("link").type, FileType::other);
  EXPECT_EQ(stat("link/below").type, FileType::other);
  EXPECT_EQ(refusal(put("link", "x")), "occupied");
  EXPECT_EQ(refusal(put("link/below", "x")), "special-file");
  EXPECT_EQ(refusal(destination().make_directory(key("link/"))), "special-file");
  expect_all_refused("link");
  EXPECT_TRUE(fs::is_symlink(root() / "link"));
  expect_nothing_outside();
}

TEST_P(ConfinementTest, NeitherIsALinkDeepDownOrWithin) {
  fs::create_directories(root() / "a/b");
  fs::create_directories(root() / "elsewhere");
  fs::create_directory_symlink(outside(), root() / "a/b/link");
  fs::create_directory_symlink("../elsewhere", root() / "a/inner");
  fs::create_directory_symlink("/", root() / "a/root");
  for (const auto* path : {"a/b/link", "a/inner", "a/root"})
    expect_all_refused(path);
  EXPECT_EQ(refusal(put("a/root" + outside().string() + "/f", "x")), "special-file");
  expect_nothing_outside();
  EXPECT_TRUE(fs::is_empty(root() / "elsewhere"));
}

TEST_P(ConfinementTest, ALinkAtTheTargetIsNeitherFollowedNorReplaced) {
  spill(temporary_.path() / "victim", "precious");
  fs::create_symlink(temporary_.path() / "victim", root() / "f");
  fs::create_symlink(outside() / "new", root() / "dangling");
  for (const auto* name : {"f", "dangling"}) {
    EXPECT_EQ(stat(name).type, FileType::other);
    EXPECT_EQ(refusal(put(name, "x")), "occupied");
    expect_all_refused(name);
    EXPECT_TRUE(fs::is_symlink(root() / name));
  }
  EXPECT_EQ(slurp(temporary_.path() / "victim"), "precious");
  expect_nothing_outside();
}

TEST_P(ConfinementTest, SpecialFilesAreLeftAloneAndNeverOpened) {
  ASSERT_EQ(mkfifo((root() / "fifo").c_str(), 0600), 0);
  const FileDescriptor sock(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  const std::string name = (root() / "socket").string();
  ASSERT_LT(name.size(), sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(bind(sock.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  // An open of the FIFO would hang: the test's own time limit is the check.
  for (const auto* special : {"fifo", "socket"}) {
    EXPECT_EQ(stat(special).type, FileType::other);
    EXPECT_EQ(refusal(put(special, "x")), "occupied");
    EXPECT_EQ(refusal(put(std::string(special) + "/below", "x")), "special-file");
    EXPECT_EQ(refusal(destination().open_file(key(special))), "occupied");
    expect_all_refused(special);
  }
  EXPECT_TRUE(fs::is_fifo(root() / "fifo"));
  EXPECT_TRUE(fs::is_socket(root() / "socket"));
}

TEST_P(ConfinementTest, ADeviceIsLeftAlone) {
  if (mknod((root() / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0)
    GTEST_SKIP() << "making a device needs privileges";
  EXPECT_EQ(stat("null").type, FileType::other);
  EXPECT_EQ(refusal(put("null", "x")), "occupied");
  expect_all_refused("null");
}

TEST_P(ConfinementTest, ADirectoryIsNotReplacedByAFile) {
  fs::create_directories(root() / "d/inner");
  EXPECT_EQ(stat("d").type, FileType::directory);
  EXPECT_EQ(refusal(put("d", "x")), "occupied");
  fs::remove(root() / "d/inner");
  EXPECT_EQ(refusal(put("d", "x")), "occupied") << "not even an empty one";
  EXPECT_TRUE(fs::is_directory(root() / "d"));
}

TEST_P(ConfinementTest, OurOwnFolderUnderAnotherNameIsRefused) {
  // What a case-folding file system does by itself: the same directory, another name. A bind mount
  // would be refused as a mount point; renaming gives the same inode without one.
  fs::rename(root() / ".sluice", root() / ".SLUICE");
  EXPECT_EQ(stat(".SLUICE/record.db").type, FileType::other);
  for (const auto* name : {".SLUICE/record.db", ".SLUICE/staging/x", ".SLUICE/new/x"})
    EXPECT_EQ(refusal(put(name, "x")), "reserved") << name;
  EXPECT_EQ(refusal(destination().make_directory(key(".SLUICE/"))), "reserved");
  EXPECT_EQ(refusal(destination().open_file(key(".SLUICE/lock"))), "reserved");
  EXPECT_EQ(refusal(destination().remove(key(".SLUICE/lock"), stat(".SLUICE/lock"))), "reserved");
  EXPECT_FALSE(fs::exists(root() / ".SLUICE/new"));
}

class MountTest : public ConfinementTest {
 protected:
  void TearDown() override {
    for (const auto& mounted : mounted_)
      umount2(mounted.c_str(), MNT_DETACH);
    ConfinementTest::TearDown();
  }
  bool mount_at(const fs::path& where, const char* source, const char* type, unsigned long flags) {
    if (geteuid() != 0 || mount(source, where.c_str(), type, flags, nullptr) != 0) return false;
    mounted_.push_back(where);
    return true;
  }
  std::vector<fs::path> mounted_;
};

INSTANTIATE_TEST_SUITE_P(Resolvers, MountTest, testing::Bool(), resolver_name);

TEST_P(MountTest, AMountPointIsRefused) {
  fs::create_directories(root() / "d/mounted");
  if (!mount_at(root() / "d/mounted", "none", "tmpfs", 0))
    GTEST_SKIP() << "mounting needs privileges";
  EXPECT_EQ(stat("d/mounted/f").type, FileType::other);
  EXPECT_EQ(refusal(put("d/mounted/f", "x")), "mount-point");
  EXPECT_EQ(refusal(put("d/mounted/a/b", "x")), "mount-point");
  EXPECT_EQ(refusal(put("d/mounted", "x")), "occupied");
  expect_all_refused("d/mounted");
  EXPECT_TRUE(fs::is_empty(root() / "d/mounted"));
}

TEST_P(MountTest, ABindMountOfTheSameFileSystemIsRefused) {
  fs::create_directories(root() / "bound");
  if (!mount_at(root() / "bound", outside().c_str(), nullptr, MS_BIND))
    GTEST_SKIP() << "mounting needs privileges";
  EXPECT_EQ(refusal(put("bound/f", "x")), "mount-point");
  expect_all_refused("bound");
  expect_nothing_outside();
}

TEST_P(MountTest, AFileMountedOverAFileIsRefused) {
  ASSERT_TRUE(put("f", "old"));
  spill(temporary_.path() / "victim", "precious");
  if (!mount_at(root() / "f", (temporary_.path() / "victim").c_str(), nullptr, MS_BIND))
    GTEST_SKIP() << "mounting needs privileges";
  EXPECT_EQ(refusal(put("f", "new")), "occupied");
  EXPECT_EQ(slurp(temporary_.path() / "victim"), "precious");
}

TEST_P(MountTest, DiskFullIsALocalError) {
  const fs::path small = temporary_.path() / "small";
  fs::create_directory(small);
  if (geteuid() != 0 || mount("none", small.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "mounting needs privileges";
  mounted_.push_back(small);
  DestinationOptions options;
  options.force_walk = GetParam();
  auto opened = Destination::open((small / "mirror").string(), options);
  ASSERT_TRUE(opened) << opened.error().message;
  {
    const auto large = (*opened)->create_staged(0, 64 << 20);
    ASSERT_FALSE(large) << "noticed before a byte was downloaded";
    EXPECT_EQ(large.error().os_error, ENOSPC);
    StagedFile staged = (*opened)->create_staged(0, 0).value();
    const auto written = staged.write_at(0, bytes_of(std::string(1 << 20, 'x')));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::local);
    EXPECT_EQ(written.error().os_error, ENOSPC);
  }
  for (const auto& entry : fs::recursive_directory_iterator(small / "mirror/.sluice/staging"))
    EXPECT_TRUE(entry.is_directory()) << entry.path() << " was left behind";
}

TEST_P(ConfinementTest, RaceOfADirectoryWithALinkToTheOutside) {
  constexpr int kSwaps = 20'000;
  fs::create_directories(root() / "p/dir");
  fs::create_directory_symlink(outside(), root() / "p/link");
  std::atomic<bool> done = false;
  std::thread attacker([this, &done] {
    const std::string a = (root() / "p/dir").string(), b = (root() / "p/link").string();
    for (int n = 0; n < kSwaps; ++n)
      renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
    done = true;
  });
  int published = 0, refused = 0;
  for (int n = 0; !done || n < 100; ++n) {
    const std::string name = "p/dir/" + std::to_string(n % 50);
    const std::string below = "p/dir/sub" + std::to_string(n % 7) + "/f";
    for (const auto& target : {name, below}) {
      const auto result = put(target, "payload");
      result ? ++published : ++refused;
      if (!result) {
        EXPECT_EQ(result.error().kind, ErrorKind::refused_key) << result.error().message;
      }
      if (n % 3 == 0) {
        const LocalFile there = stat(target);
        if (there.type == FileType::regular)
          static_cast<void>(destination().remove(key(target), there));
      }
    }
    static_cast<void>(
        destination().make_directory(key("p/dir/made" + std::to_string(n % 5) + "/")));
    if (!fs::is_empty(outside())) break;
  }
  attacker.join();
  expect_nothing_outside();
  EXPECT_GT(published, 0);
  EXPECT_GT(refused, 0) << "the race never happened";
}

}  // namespace
}  // namespace sluice::local
