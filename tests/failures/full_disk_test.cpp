// A file system that is too small for the bucket: what fits is mirrored, what does not is said, and
// the old files stay.

#include "small_mirror.hpp"
#include "volume.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <sys/mount.h>
#include <unistd.h>

namespace sluice::failures {
namespace {

namespace fs = std::filesystem;

constexpr int kSkipped = 77;  // for meson
constexpr std::uint64_t kMiB = 1 << 20;

/// 8 MiB in all, of which a new mirror with SmallMirror's first keys takes well below 1.
class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mirror_.sync({}).status, 0);
    ASSERT_EQ(mirror_.check_equal(), Words());
  }

  bool has(const std::string& key, std::uint64_t size) const {
    const std::string path = mirror_.dir() + "/" + key;
    return fs::exists(path) && fs::file_size(path) == size;
  }

  void expect_nothing_lost() {
    EXPECT_EQ(mirror_.check_harm(), Words());
    EXPECT_EQ(mirror_.staged_files(), 0u);
  }

  SmallMirror mirror_;
};

TEST_F(FullDisk, WhatCannotFitIsNotEvenAskedFor) {
  mirror_.put("a/replaced", 1500, 11);
  mirror_.put("large", 20 * kMiB, 12);
  mirror_.put("z/new", 3000, 13);
  const Ran ran = mirror_.sync({});
  EXPECT_EQ(ran.status, 6) << ran.out << ran.err;
  EXPECT_NE(ran.err.find("large: no room for 20 MiB"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("kept back"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("free some space"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.gets, 2u);
  EXPECT_TRUE(has("large", 1000)) << "the old version stays";
  EXPECT_TRUE(has("a/replaced", 1500));
  EXPECT_TRUE(has("z/new", 3000));
  expect_nothing_lost();

  mirror_.put("large", kMiB, 14);
  EXPECT_EQ(mirror_.sync({}).status, 0);
  EXPECT_EQ(mirror_.check_equal(), Words());
}

/// Each alone would fit, all of them do not: that shows only when they are written.
TEST_F(FullDisk, WhatMeetsTheEndWhileItIsWrittenLeavesNothingBehind) {
  for (const char* key : {"m/1", "m/2", "m/3", "m/4"})
    mirror_.put(key, 5 * kMiB, 21);
  const Ran ran = mirror_.sync({});
  EXPECT_EQ(ran.status, 6) << ran.out << ran.err;
  EXPECT_NE(ran.err.find("free some space"), std::string::npos) << ran.err;
  expect_nothing_lost();

  for (const char* key : {"m/2", "m/3", "m/4"})
    mirror_.remove(key);
  // If it was another one that fitted, this pass makes the room: it deletes after its downloads.
  static_cast<void>(mirror_.sync({}));
  EXPECT_EQ(mirror_.sync({}).status, 0);
  EXPECT_EQ(mirror_.check_equal(), Words());
}

/// What the pipe still held of an object that found no room reaches no other.
TEST_F(FullDisk, AnObjectThatMeetsTheEndSpoilsNoOther) {
  constexpr auto kSplice = static_cast<std::uint8_t>(Call::splice);
  for (const int error : {ENOSPC, EDQUOT, EIO}) {
    mirror_.put("p/1", kMiB, 31 + static_cast<std::uint64_t>(error));
    for (const char* key : {"p/2", "p/3"})
      mirror_.put(key, kMiB - 200'000, 51 + static_cast<std::uint64_t>(error));
    const Ran ran =
        mirror_.sync({"--transfers", "1", "--threads", "1"}, {kSplice, error, 2, false});
    EXPECT_EQ(ran.status, 6) << ran.out << ran.err;
    EXPECT_EQ(ran.failed, 1u);
    EXPECT_NE(ran.err.find(std::strerror(error)), std::string::npos) << ran.err;
    expect_nothing_lost();
    EXPECT_EQ(mirror_.sync({"--verify", "length"}).status, 0);
    EXPECT_EQ(mirror_.check_equal(), Words());
  }
}

/// Quotas are not seen beforehand: the first write tells, and then no object as large is asked for.
TEST_F(FullDisk, AQuotaThatIsUsedUpCostsOneDownload) {
  constexpr auto kWrite = static_cast<std::uint8_t>(Call::write);
  Ran ran;
  for (std::uint32_t at = 1; at < 100; ++at) {
    for (const char* key : {"q/1", "q/2"})
      mirror_.put(key, 3000, 100 + at);
    mirror_.put("q/3", 2000, 100 + at);
    ran = mirror_.sync({"--transfers", "1"}, {kWrite, EDQUOT, at, false});
    if (ran.err.find("q/1: cannot write") != std::string::npos) break;
    ASSERT_NE(ran.failed, 0u) << "no write of it has failed";
    ASSERT_EQ(mirror_.sync({}).status, 0);
  }
  EXPECT_EQ(ran.status, 6) << ran.out << ran.err;
  EXPECT_EQ(ran.gets, 2u) << "of q/1 and q/3";
  EXPECT_NE(ran.err.find("q/2: it is not fetched"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("quota"), std::string::npos) << ran.err;
  EXPECT_TRUE(has("q/3", 2000));
  expect_nothing_lost();
  EXPECT_EQ(mirror_.sync({}).status, 0);
  EXPECT_EQ(mirror_.check_equal(), Words());
}

int run_all() {
  const fake::TemporaryDirectory mount_point;
  if (::mount("none", mount_point.path().c_str(), "tmpfs", 0, "size=8m") != 0) {
    std::cerr << "skipped: no tmpfs can be mounted here\n";
    return kSkipped;
  }
  ::setenv("TMPDIR", mount_point.path().c_str(), 1);
  const int status = RUN_ALL_TESTS();
  ::umount2(mount_point.path().c_str(), MNT_DETACH);
  return status;
}

}  // namespace
}  // namespace sluice::failures

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (::geteuid() != 0) {
    std::cerr << "skipped: mounting needs root\n";
    return sluice::failures::kSkipped;
  }
  return sluice::crash::run_apart(sluice::failures::run_all);
}
