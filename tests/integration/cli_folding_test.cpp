// A destination whose file system takes names in another case for one.
#include "cli_fixture.hpp"

#include <filesystem>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>

namespace sluice::testing {
namespace {

class CliFolding : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    const char* program = std::getenv("SLUICE_FOLDING_FS");
    if (program == nullptr || *program == '\0')
      GTEST_SKIP() << "built without libfuse, so without a file system that folds names";
    std::filesystem::create_directory(backing_);
    std::filesystem::create_directory(dir());
    struct stat before {};
    ASSERT_EQ(stat(dir().c_str(), &before), 0);
    ProgramOptions options;
    options.path = program;
    options.arguments = {"-f", "-o", "fsname=folding", backing_, dir()};
    options.environment = environment_;
    file_system_.emplace(std::move(options));
    struct stat now = before;
    for (int tries = 0; now.st_dev == before.st_dev && tries < 2000; ++tries) {
      if (file_system_->wait(0ms))
        GTEST_SKIP() << "mounting is not possible here: " << file_system_->err();
      std::this_thread::sleep_for(5ms);
      (void)stat(dir().c_str(), &now);
    }
    ASSERT_NE(now.st_dev, before.st_dev) << file_system_->err();
    write_file(dir() + "/Probe", "");
    ASSERT_TRUE(std::filesystem::exists(dir() + "/pROBE"));
    std::filesystem::remove(dir() + "/probe");
  }
  void TearDown() override {
    if (file_system_) umount2(dir().c_str(), MNT_DETACH);
  }

  const std::string backing_ = work_ / "backing";
  std::optional<Program> file_system_;
};

TEST_F(CliFolding, TwoKeysNeverShareAFile) {
  const std::map<std::string, std::string> bucket = {
      {"Photo.jpg", "one"},   {"photo.JPG", "the other"}, {"Dir/x", "in Dir"},
      {"dir/y", "in dir"},    {"plain", "plain"},         {"DEEP/a/b", "deep"},
      {".SLUICE/z", "ours?"}, {"deep/A/c", "deeper"}};
  for (const auto& [key, content] : bucket)
    bucket_->put(key, content);
  for (int run = 0; run < 3; ++run) {
    server_->clear_requests();
    const Ran ran = sync();
    expect(ran, 1, "takes the two names for one");
    EXPECT_TRUE(has(ran.err, "\"photo.JPG\"") || has(ran.err, "\"Photo.jpg\"")) << ran.err;
    const auto files = tree_of(dir());
    EXPECT_EQ(files.size(), 4U) << ran.err;
    for (const auto& [path, content] : files)
      EXPECT_EQ(content, bucket.at(path)) << path;
    if (run > 0) {
      EXPECT_EQ(requests(Operation::get), 0U) << "what is refused is not downloaded again";
    }
  }
  // The record is lost: what is here is found again, and still nothing is taken for its twin.
  std::filesystem::remove(dir() + "/.sluice/record.db");
  std::filesystem::remove(dir() + "/.sluice/record.db-wal");
  std::filesystem::remove(dir() + "/.sluice/record.db-shm");
  server_->clear_requests();
  expect(sync(), 1, "takes the two names for one");
  EXPECT_EQ(requests(Operation::get), 0U);
  EXPECT_EQ(tree_of(dir()).size(), 4U);
}

TEST_F(CliFolding, ATwinTakesThePlaceOnceItIsFree) {
  bucket_->put("Name", "one");
  ASSERT_EQ(sync().status, 0);
  bucket_->put("name", "the other");
  expect(sync({"--delete"}), 1, "takes the two names for one");
  EXPECT_EQ(tree_of(dir()), (std::map<std::string, std::string>{{"Name", "one"}}));
  bucket_->remove("Name");
  sync({"--delete"});
  const Ran last = sync({"--delete"});
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_EQ(tree_of(dir()), (std::map<std::string, std::string>{{"name", "the other"}}));
}

}  // namespace
}  // namespace sluice::testing
