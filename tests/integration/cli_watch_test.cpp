#include "cli_fixture.hpp"

#include <csignal>
#include <thread>

namespace sluice::testing {
namespace {

// --- signals ---

class CliSignals : public Cli {
 protected:
  /// Two small objects and one that comes in a trickle.
  void make_slow() {
    bucket_->put("a", "small");
    bucket_->put_generated("big", 64 << 20, 7);
    bucket_->put("z", "small");
    server_->set_faults({rule(Operation::get, faults::rate(1 << 20), "big")});
  }
  /// Once the big object is under way.
  void wait_for_transfer() const {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      for (const auto& request : server_->requests())
        if (request.key == "big" && request.operation == Operation::get) return;
      std::this_thread::sleep_for(5ms);
    }
    FAIL() << "nothing was asked for";
  }
  void expect_whole_files() const {
    for (const auto& [path, content] : tree_of(dir()))
      EXPECT_TRUE(bucket_->was_ever(path, content)) << path << " is torn";
  }
};

TEST_F(CliSignals, TheFirstStopsInOrderAndTheNextRunGoesOn) {
  make_slow();
  for (const int number : {SIGINT, SIGTERM}) {
    Program program(options({"sync", "s3://photos", dir()}));
    wait_for_transfer();
    const auto sent = std::chrono::steady_clock::now();
    program.signal(number);
    EXPECT_EQ(program.wait(10s), 128 + number) << program.out() << program.err();
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 5s);
    EXPECT_TRUE(has(program.err(), "stopping")) << program.err();
    EXPECT_TRUE(has(program.out(), "interrupted: ")) << program.out();
    expect_whole_files();
    EXPECT_FALSE(tree_of(dir()).contains("big"));
    server_->clear_requests();
  }
  server_->clear_faults();
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(tree_of(dir()).size(), 3U);
  expect_whole_files();
}

TEST_F(CliSignals, TheSecondEndsAtOnce) {
  make_slow();
  Program program(options({"sync", "s3://photos", dir()}));
  wait_for_transfer();
  const auto sent = std::chrono::steady_clock::now();
  program.signal(SIGINT);
  program.signal(SIGTERM);
  const auto status = program.wait(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - sent, 5s);
  // Both may be pending before the first is taken: either order ends it.
  EXPECT_TRUE(status == 143 || status == 130) << status.value_or(-1);
  expect_whole_files();
}

// --- watch ---

TEST_F(Cli, WatchFollowsTheBucketUntilItIsStopped) {
  bucket_->put("a", "one");
  bucket_->put("b", "one");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "100ms", "--delete"}));
  ASSERT_TRUE(program.wait_for("fetched b (3 B")) << program.err();
  bucket_->put("a", "changed");
  ASSERT_TRUE(program.wait_for("fetched a (7 B")) << program.err();
  bucket_->put("new", "x");
  ASSERT_TRUE(program.wait_for("fetched new (1 B")) << program.err();
  bucket_->remove("b");
  ASSERT_TRUE(program.wait_for("deleted b\n")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
  EXPECT_EQ(tree_of(dir()), (std::map<std::string, std::string>{{"a", "changed"}, {"new", "x"}}));
  const std::string stamp = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )";
  EXPECT_TRUE(std::regex_match(program.out(), std::regex("(" + stamp + "(fetched|deleted) .*\n)+")))
      << program.out();
  EXPECT_TRUE(has_line(program.err(), stamp + "watching s3://photos, into .*, every 100ms"))
      << program.err();
  EXPECT_TRUE(has_line(program.err(), stamp + "pass done: 2 fetched \\(6 B\\) in .*"))
      << program.err();
}

TEST_F(Cli, WatchIsQuietWhenNothingChanges) {
  bucket_->put("a", "one");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "20ms"}));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  const std::uint64_t before = requests(Operation::list);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (requests(Operation::list) < before + 5 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 143) << program.err();
  const std::string err = program.err();
  EXPECT_EQ(err.find("pass done"), err.rfind("pass done")) << err;
}

TEST_F(Cli, WatchOutlivesAFailedPass) {
  bucket_->put("a", "one");
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  Program program(options({"watch", "s3://photos", dir(), "--interval", "200ms"}));
  ASSERT_TRUE(program.wait_for("; tried again in ")) << program.err();
  EXPECT_TRUE(has(program.err(), "Z error: ")) << program.err();
  server_->clear_faults();
  EXPECT_TRUE(program.wait_for("fetched a (3 B")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
}

TEST_F(Cli, WatchThatCannotBeginEnds) {
  write_file(work_ / "file", "not a folder");
  expect(run({"watch", "s3://photos", work_ / "file"}), 6, work_ / "file");
  expect(run({"watch", "s3://photos", dir(), "--interval", "0s"}), 2, "--interval");
}

}  // namespace
}  // namespace sluice::testing
