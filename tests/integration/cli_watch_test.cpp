#include "cli_fixture.hpp"

#include <csignal>
#include <filesystem>
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

// --- what a running watch is told ---

class CliReload : public Cli {
 protected:
  void write_config(const std::string& text) { write_file(config(), text); }
  std::string config() const { return work_ / "site.toml"; }
  Words watch(Words more = {}) const {
    Words words = {"watch", "s3://photos", dir(), "--config", config()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(CliReload, HangUpChangesIntervalAndFiltersOfTheRunningProcess) {
  bucket_->put("a.txt", "one");
  bucket_->put("b.tmp", "one");
  write_config("interval = \"1h\"\nexclude = \"*.tmp\"\n");
  Program program(options(watch()));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  EXPECT_FALSE(tree_of(dir()).contains("b.tmp"));

  write_config("interval = \"50ms\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("fetched b.tmp")) << program.err();
  EXPECT_TRUE(
      has(program.err(), "reloaded: interval 1h00m -> 50ms, no filters, from the next pass on"))
      << program.err();
  bucket_->put("c", "x");
  ASSERT_TRUE(program.wait_for("fetched c ")) << program.err();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 143) << program.err();
}

TEST_F(CliReload, WhatIsWrongOrCannotChangeIsSaidAndTheWatchGoesOn) {
  bucket_->put("a", "one");
  write_config("interval = \"1h\"\n");
  Program program(options(watch()));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  write_config("interval = \"soon\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("nothing was reloaded, the watch goes on as before"))
      << program.err();
  write_config("interval = \"1h\"\ndelete = true\nbwlimit = \"10MiB\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("count once sluice is started again")) << program.err();
  EXPECT_TRUE(has(program.err(), "reloaded: bwlimit none -> 10 MiB/s\n")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
}

TEST_F(CliReload, AnotherHookCountsAtTheNextStartAndThatIsSaid) {
  bucket_->put("a", "one");
  write_config("interval = \"1h\"\n");
  Program program(options(watch()));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  write_config("interval = \"1h\"\nexec = \"true\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("count once sluice is started again")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
}

TEST_F(CliReload, ALimitOfTheRateCountsInTheMiddleOfATransfer) {
  bucket_->put_generated("big", 8 << 20, 7);
  write_config("bwlimit = \"64KiB\"\n");
  Program program(options(watch({"--interval", "1h"})));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (requests(Operation::get) == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  write_config("bwlimit = \"0\"\n");
  program.signal(SIGHUP);
  // At the old rate it takes two minutes.
  ASSERT_TRUE(program.wait_for("fetched big", 20s)) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
}

TEST_F(CliReload, TheLogFileIsOpenedAnewAndItsLevelChanges) {
  bucket_->put("a", "one");
  const std::string log = work_ / "log";
  write_config("interval = \"1h\"\nlog-level = \"info\"\nlog-file = \"" + log + "\"\n");
  Program program(options(watch()));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  std::filesystem::rename(log, log + ".1");
  write_config("interval = \"1h\"\nlog-level = \"debug\"\nlog-file = \"" + log + "\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("reloaded: nothing has changed")) << program.err();
  program.signal(SIGUSR1);
  ASSERT_TRUE(program.wait_for("debug: pass done")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
  EXPECT_TRUE(has(read_file(log + ".1"), "fetched a")) << read_file(log + ".1");
  EXPECT_TRUE(has(read_file(log), "reloaded")) << read_file(log);
  EXPECT_TRUE(has(read_file(log), "pass done")) << read_file(log);
}

TEST_F(CliReload, AHangUpStopsItOnlyIfItsTerminalHasGone) {
  bucket_->put("a", "one");
  ProgramOptions here = options({"watch", "s3://photos", dir(), "--interval", "1h"});
  here.on_terminal = true;
  {
    Program program(here);
    ASSERT_TRUE(program.wait_for("pass done")) << program.out();
    program.signal(SIGHUP);
    ASSERT_TRUE(program.wait_for("reloaded")) << program.out();
    program.signal(SIGINT);
    EXPECT_EQ(program.wait(5s), 130) << program.out();
  }
  here.close_out_after = 1;
  Program program(here);
  ASSERT_TRUE(program.wait_for("w")) << program.out();  // "watching …" was too much
  std::this_thread::sleep_for(300ms);
  program.signal(SIGHUP);
  EXPECT_EQ(program.wait(5s), 129) << program.out();
}

TEST_F(Cli, AUserSignalBeginsAPassAtOnce) {
  bucket_->put("a", "one");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(program.wait_for("pass done")) << program.err();
  bucket_->put("b", "two");
  program.signal(SIGUSR1);
  ASSERT_TRUE(program.wait_for("fetched b (3 B")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130) << program.err();
}

// --- when it ends by itself ---

TEST_F(Cli, WatchOnceEndsAfterOnePassWithItsStatus) {
  bucket_->put("a", "one");
  EXPECT_EQ(run({"watch", "s3://photos", dir(), "--once"}).status, 0);
  EXPECT_EQ(tree_of(dir()).size(), 1U);
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  const Ran ran = run({"watch", "s3://photos", dir(), "--once"});
  expect(ran, 4, "that was failure 1 in a row, and the last try");
  EXPECT_EQ(ran.err.find("AccessDenied"), ran.err.rfind("AccessDenied"))
      << "told twice: " << ran.err;
}

TEST_F(Cli, WatchEndsAfterSoManyFailures) {
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  const Ran ran = run({"watch", "s3://photos", dir(), "--interval", "10ms", "--max-failures", "3"});
  expect(ran, 4, "that was failure 3 in a row, and the last try");
}

TEST_F(Cli, WatchEndsAfterItsTime) {
  bucket_->put("a", "one");
  EXPECT_EQ(
      run({"watch", "s3://photos", dir(), "--interval", "50ms", "--max-duration", "3s"}).status, 0);
  bucket_->put_generated("big", 64 << 20, 7);
  const Ran ran =
      run({"watch", "s3://photos", work_ / "other", "--bwlimit", "1MiB", "--max-duration", "1s"});
  EXPECT_EQ(ran.status, 130) << "not one whole pass: " << ran.err;
}

TEST_F(Cli, WatchThatCannotBeginEnds) {
  write_file(work_ / "file", "not a folder");
  expect(run({"watch", "s3://photos", work_ / "file"}), 6, work_ / "file");
  expect(run({"watch", "s3://photos", dir(), "--interval", "0s"}), 2, "--interval");
}

}  // namespace
}  // namespace sluice::testing
