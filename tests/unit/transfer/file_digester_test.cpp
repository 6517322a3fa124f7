#include "transfer/file_digester.hpp"

#include "async/group.hpp"
#include "fake_bucket.hpp"
#include "temporary_directory.hpp"
#include "transfer/verify.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

namespace sluice::transfer {
namespace {

using namespace std::chrono_literals;

/// On the threaded runtime (-1) and on the deterministic one with several seeds.
class FileDigesterTest : public ::testing::TestWithParam<int> {
 protected:
  std::unique_ptr<async::Runtime> make_runtime() const {
    if (GetParam() < 0) return async::make_threaded_runtime({.data_shards = 2});
    return async::make_deterministic_runtime(
        {.seed = static_cast<std::uint64_t>(GetParam()), .data_shards = 2});
  }

  /// A file of that many random bytes, open for reading.
  int make_file(std::size_t bytes, std::string& md5) {
    std::string content(bytes, '\0');
    for (char& c : content)
      c = static_cast<char>(random_());
    md5 = fake::md5_hex(content);
    const std::string path = dir_ / std::to_string(++files_);
    fake::write_file(path, content);
    return open(path.c_str(), O_RDONLY | O_CLOEXEC);
  }

  const fake::TemporaryDirectory dir_;
  std::mt19937 random_{static_cast<unsigned>(GetParam() + 2)};
  int files_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Runtimes, FileDigesterTest, ::testing::Range(-1, 6));

async::Task<void> digest_into(FileDigester& digester, int fd, std::uint64_t size,
                              std::vector<Result<Digest>>& results, std::size_t index) {
  auto result = co_await digester.md5(fd, size);
  results[index] = std::move(result);
}

TEST_P(FileDigesterTest, ManyFilesOfManyLengthsSideBySide) {
  const std::vector<std::size_t> sizes = {0,      1,      63,      64,      65,     65'535,
                                          65'536, 65'537, 200'000, 131'072, 12'345, 999'999,
                                          64,     5,      700'000, 55,      56,     119};
  auto runtime = make_runtime();
  FileDigester digester(*runtime);
  std::vector<std::string> expected(sizes.size());
  std::vector<int> fds;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    fds.push_back(make_file(sizes[i], expected[i]));
  std::vector<Result<Digest>> results(sizes.size(), Result<Digest>(Digest{}));
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      group.spawn(runtime->executor(async::Role::data, static_cast<unsigned>(i)),
                  digest_into(digester, fds[i], sizes[i], results, i));
    co_await group.join();
  });
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_TRUE(results[i]) << sizes[i];
    // The whole file by the plain path is the reference.
    EXPECT_EQ(*results[i], *digest_of_file(fds[i], sizes[i], DigestKind::md5)) << sizes[i];
    close(fds[i]);
  }
}

TEST_P(FileDigesterTest, AWrongLengthIsCorruptAndHarmsNobodyElse) {
  auto runtime = make_runtime();
  FileDigester digester(*runtime);
  std::string md5;
  const int fd = make_file(300'000, md5);
  std::vector<Result<Digest>> results(3, Result<Digest>(Digest{}));
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    const std::vector<std::uint64_t> sizes = {300'000, 299'999, 300'001};
    for (std::size_t i = 0; i < sizes.size(); ++i)
      group.spawn(runtime->executor(async::Role::data, static_cast<unsigned>(i)),
                  digest_into(digester, fd, sizes[i], results, i));
    co_await group.join();
  });
  EXPECT_TRUE(results[0]);
  for (std::size_t i = 1; i < 3; ++i) {
    ASSERT_FALSE(results[i]);
    const Error error = results[i].error();
    EXPECT_EQ(error.kind, ErrorKind::corrupt);
  }
  close(fd);
}

TEST_P(FileDigesterTest, AFileThatCannotBeReadEndsWithItsErrorWhoeverDoesTheWork) {
  auto runtime = make_runtime();
  FileDigester digester(*runtime);
  std::string md5;
  const int good = make_file(300'000, md5);
  const int bad = open((dir_ / "1").c_str(), O_WRONLY | O_CLOEXEC);
  constexpr std::size_t kFiles = 5;
  std::vector<Result<Digest>> results(kFiles, Result<Digest>(Digest{}));
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    for (std::size_t i = 0; i < kFiles; ++i)
      group.spawn(runtime->executor(async::Role::data, 0),
                  digest_into(digester, i % 2 == 0 ? good : bad, 300'000, results, i));
    co_await group.join();
  });
  for (std::size_t i = 0; i < kFiles; ++i) {
    ASSERT_EQ(results[i].has_value(), i % 2 == 0);
    if (results[i]) continue;
    const Error error = results[i].error();
    EXPECT_EQ(error.os_error, EBADF);
  }
  close(good);
  close(bad);
}

TEST_P(FileDigesterTest, ACancelledCallerLeavesTheOthersAtWork) {
  std::string md5;
  const int fd = make_file(3'000'000, md5);
  // While they wait for more to come, and while they are hashed.
  for (const std::chrono::microseconds after : {30us, 30us + FileDigester::kGather}) {
    auto runtime = make_runtime();
    FileDigester digester(*runtime);
    std::vector<Result<Digest>> results(6, Result<Digest>(Digest{}));
    runtime->run([&]() -> async::Task<void> {
      async::TaskGroup doomed;
      async::TaskGroup staying;
      for (std::size_t i = 0; i < 3; ++i)
        doomed.spawn(runtime->executor(async::Role::data, 0),
                     digest_into(digester, fd, 3'000'000, results, i));
      for (std::size_t i = 3; i < 6; ++i)
        staying.spawn(runtime->executor(async::Role::data, 1),
                      digest_into(digester, fd, 3'000'000, results, i));
      co_await runtime->sleep_for(after);
      doomed.cancel();
      co_await doomed.join();
      co_await staying.join();
    });
    for (std::size_t i = 3; i < 6; ++i) {
      ASSERT_TRUE(results[i]);
      EXPECT_EQ(*results[i], *digest_of_file(fd, 3'000'000, DigestKind::md5));
    }
  }
  close(fd);
}

/// Virtual time passes only where somebody waits: how long files waited for others to go beside.
class FileDigesterWaits : public FileDigesterTest {
 protected:
  /// `late` of the files come 5 ms after the others.
  SteadyClock::duration take(std::size_t files, std::size_t late) {
    std::string md5;
    const int fd = make_file(100'000, md5);
    auto runtime = make_runtime();
    FileDigester digester(*runtime);
    std::vector<Result<Digest>> results(files, Result<Digest>(Digest{}));
    const SteadyTime begun = runtime->now();
    runtime->run([&]() -> async::Task<void> {
      async::TaskGroup group;
      for (std::size_t i = 0; i < files; ++i) {
        if (i == files - late) co_await runtime->sleep_for(5ms);
        group.spawn(runtime->executor(async::Role::data, static_cast<unsigned>(i)),
                    digest_into(digester, fd, 100'000, results, i));
      }
      co_await group.join();
    });
    close(fd);
    for (const Result<Digest>& result : results)
      EXPECT_TRUE(result);
    return runtime->now() - begun;
  }
};

TEST_P(FileDigesterWaits, OneForOthersButNotForLong) {
  for (const std::size_t late : {0, 1}) {  // the second need not wait as long as the first
    const auto taken = take(1 + late, late);
    EXPECT_GE(taken, FileDigester::kGather);
    EXPECT_LE(taken, FileDigester::kGather + 2ms);
  }
}

TEST_P(FileDigesterWaits, NoneOnceAllLanesAreTaken) {
  EXPECT_LE(take(crypto::kMd5Lanes, 0), 2ms);
  const auto taken = take(crypto::kMd5Lanes, 3);
  EXPECT_GE(taken, 5ms);
  EXPECT_LE(taken, 7ms);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, FileDigesterWaits, ::testing::Range(0, 3));

}  // namespace
}  // namespace sluice::transfer
