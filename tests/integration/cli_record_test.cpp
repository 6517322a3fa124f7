// `sluice status`: what the record says.
#include "cli_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <thread>

namespace sluice::testing {
namespace {

class CliRecord : public Cli {
 protected:
  Ran status(Words flags = {}) {
    Words words = {"status", dir()};
    words.insert(words.end(), flags.begin(), flags.end());
    return run(std::move(words));
  }
};

TEST_F(CliRecord, SaysWhatIsMirroredAndHowItWent) {
  bucket_->put("2024/a", "hello");
  bucket_->put("2024/b", "there");
  bucket_->put("2024/x/../y", "refused");
  ASSERT_EQ(run({"sync", "s3://photos/2024", dir()}).status, 1);
  server_->set_faults({rule(Operation::list, faults::body("<html>Sign in</html>"))});
  ASSERT_EQ(run({"sync", "s3://photos/2024", dir(), "--max-attempts", "1"}).status, 5);
  server_->stop();
  const Ran ran = status();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_TRUE(has(ran.out, " mirrors s3://photos/2024/ at 127.0.0.1\n")) << ran.out;
  EXPECT_TRUE(has_line(ran.out, "  2 objects, 10 B.*")) << ran.out;
  const std::size_t failed = ran.out.find("  failed after ");
  const std::size_t complete = ran.out.find("  complete after ");
  ASSERT_NE(failed, std::string::npos) << ran.out;
  ASSERT_NE(complete, std::string::npos) << ran.out;
  EXPECT_LT(failed, complete) << ran.out;
  EXPECT_TRUE(has(ran.out, "3 listed, 2 fetched (10 B), 1 refused\n")) << ran.out;
}

TEST_F(CliRecord, CountsDownloadsThatWereCutOff) {
  bucket_->put_generated("large", 4u << 20, 1);
  server_->set_faults({rule(Operation::get, faults::rate(400'000), "large")});
  Program program(options({"sync", "s3://photos", dir(), "--part-size", "64KiB", "-j", "2"}));
  std::this_thread::sleep_for(2s);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 143);
  const Ran ran = status();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "; 1 partial download to go on with\n")) << ran.out;
}

TEST_F(CliRecord, MayBeReadWhileAWatchIsAtWork) {
  bucket_->put("a", "x");
  Program watch(
      options({"watch", "s3://photos", dir(), "--interval", "1h", "--listen", "127.0.0.1:0"}));
  ASSERT_TRUE(watch.wait_for("pass done")) << watch.err();
  const std::string left = dir() + "/.sluice/watch";
  // The line of the log comes just before.
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!has(read_file(left), "next_pass_ms") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  const Ran ran = status({"--request-price", "5"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has_line(ran.out, "  1 object, 1 B")) << ran.out;
  const std::string process = "  process " + std::to_string(watch.pid());
  EXPECT_TRUE(has_line(ran.out, process + " has watched it every 1h00m since .* UTC; see "
                                          "http://127\\.0\\.0\\.1:[0-9]+/"))
      << ran.out;
  EXPECT_TRUE(has_line(ran.out, "  last sign of life .* ago, next pass in .*")) << ran.out;
  EXPECT_TRUE(has(ran.out, "in a month: 720 (3.60) every 1h00m\n")) << ran.out;
  watch.signal(SIGTERM);
  EXPECT_EQ(watch.wait(), 143);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_FALSE(has(status().out, process));
}

TEST_F(CliRecord, WhatAKilledWatchLeftMisleadsNobody) {
  bucket_->put("a", "x");
  Program watch(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(watch.wait_for("pass done")) << watch.err();
  watch.signal(SIGKILL);
  EXPECT_EQ(watch.wait(), 137);
  EXPECT_TRUE(std::filesystem::exists(dir() + "/.sluice/watch"));
  const Ran ran = status();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_FALSE(has(ran.out, "process ")) << ran.out;
  // The next one is told apart from it, and a pass of `sync` from both.
  Program next(options({"watch", "s3://photos", dir(), "--interval", "2h"}));
  ASSERT_TRUE(next.wait_for("pass done")) << next.err();
  EXPECT_TRUE(has(status().out, "every 2h00m")) << status().out;
  next.signal(SIGTERM);
  EXPECT_EQ(next.wait(), 143);
}

TEST_F(CliRecord, MakesNothing) {
  bucket_->put("a", "x");
  ASSERT_EQ(sync().status, 0);
  const std::string folder = dir() + "/.sluice/";
  std::filesystem::remove(folder + "record.db-wal");
  std::filesystem::remove(folder + "record.db-shm");
  std::filesystem::remove(folder + "lock");
  EXPECT_TRUE(has_line(status().out, "  1 object, 1 B"));
  EXPECT_FALSE(std::filesystem::exists(folder + "record.db-wal"));
  EXPECT_FALSE(std::filesystem::exists(folder + "record.db-shm"));
  EXPECT_FALSE(std::filesystem::exists(folder + "lock"));
}

TEST_F(CliRecord, SaysWhyThereIsNothingToRead) {
  expect(status(), 6, "No such file or directory");
  std::filesystem::create_directory(dir());
  expect(status(), 6, "is no mirror: it has no record");
  EXPECT_TRUE(std::filesystem::is_empty(dir()));
  expect(run({"status", "s3://photos"}), 2, "sluice status DIR");
  expect(run({"status"}), 2, "the directory is missing");
  expect(run({"status", dir(), "--delete"}), 2, "it is for sync and watch");

  bucket_->put("a", "x");
  ASSERT_EQ(sync().status, 0);
  const std::string record = dir() + "/.sluice/record.db";
  std::string bytes = read_file(record);
  ASSERT_GT(bytes.size(), 100U);
  bytes[63] = 99;  // the last byte of user_version (SQLite's file format, 1.3)
  write_file(record, bytes);
  expect(status(), 2, "newer sluice");

  write_file(record, std::string(5000, 'x'));
  expect(status(), 6, "the record");
  EXPECT_FALSE(std::filesystem::exists(record + ".suspect"));
}

}  // namespace
}  // namespace sluice::testing
