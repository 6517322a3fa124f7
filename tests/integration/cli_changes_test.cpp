// The journal of changes and what goes by it: `sluice changes`, --exec, --touch-file.
#include "cli_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <tuple>

namespace sluice::testing {
namespace {

class CliChanges : public Cli {
 protected:
  Words watch(Words more) const {
    Words words = {"watch", "s3://photos", dir(), "--once", "--delete"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void pass(Words more = {}) {
    const Ran ran = run(watch(std::move(more)));
    EXPECT_EQ(ran.status, 0) << ran.err;
  }

  struct Line {
    std::uint64_t seq = 0;
    std::string what;
    std::string key;
  };
  static std::vector<Line> lines_of(const std::string& out) {
    std::vector<Line> lines;
    std::istringstream in(out);
    for (Line line; in >> line.seq >> line.what >> line.key;)
      lines.push_back(line);
    return lines;
  }
  std::vector<Line> changes(Words more = {}) {
    Words words = {"changes", dir()};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return lines_of(ran.out);
  }
  /// In order of their words: within a group files are put in place as they come.
  static std::string told(std::vector<Line> lines) {
    std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
      return std::tie(a.what, a.key) < std::tie(b.what, b.key);
    });
    std::string out;
    for (const Line& line : lines)
      out += line.what + ' ' + line.key + '\n';
    return out;
  }
};

TEST_F(CliChanges, AConsumerGoesOnWhereItWas) {
  bucket_->put("a", "one");
  bucket_->put("b", "one");
  pass();
  auto lines = changes();
  ASSERT_EQ(lines.size(), 2U);
  const std::string seen = std::to_string(lines.back().seq);
  EXPECT_TRUE(changes({"--since", seen}).empty());
  bucket_->put("a", "changed");
  bucket_->remove("b");
  bucket_->put("c", "one");
  pass();
  pass();
  EXPECT_EQ(told(changes({"--since", seen})), "added c\nchanged a\nremoved b\n");
  const Ran json = run({"changes", dir(), "--json", "--since", seen});
  EXPECT_TRUE(has_line(json.out,
                       R"(\{"event":"change","seq":\d+,"pass":2,"what":"changed","key":"a",)"
                       R"("size_bytes":7,"old_etag":"[0-9a-f]{32}","etag":"[0-9a-f]{32}"\})"))
      << json.out;
}

TEST_F(CliChanges, WhatIsLostIsAnErrorThatSaysWhereToGoOn) {
  bucket_->put("a", "one");
  pass({"--journal", "10"});
  const std::uint64_t begun = changes().front().seq;
  for (int i = 0; i < 50; ++i)
    bucket_->put("k" + std::to_string(i), "x");
  pass({"--journal", "10"});
  expect(run({"changes", dir(), "--since", std::to_string(begun)}), 1, "go on with --since");
  expect(run({"changes", dir(), "--since", std::to_string(begun + 1'000'000)}), 1, "ends at");
  // The record is lost: old numbers are not taken for new ones.
  std::filesystem::remove_all(dir() + "/.sluice");
  pass();
  expect(run({"changes", dir(), "--since", std::to_string(begun)}), 1, "has lost");
}

TEST_F(CliChanges, SyncKeepsAJournalOnlyWhereThereIsOne) {
  bucket_->put("a", "one");
  EXPECT_EQ(sync().status, 0);
  expect(run({"changes", dir()}), 6, "keeps no journal");
  pass();
  bucket_->put("b", "one");
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(told(changes()), "added b\n");
  expect(run({"changes", work_ / "nothing"}), 6, "nothing");
  expect(run({"changes", dir(), "--since", "yesterday"}), 2, "is no number of a change");
}

TEST_F(CliChanges, FollowGoesOnAsChangesCome) {
  bucket_->put("a", "one");
  pass();
  Program follower(options({"changes", dir(), "--follow"}));
  ASSERT_TRUE(follower.wait_for("added    a\n")) << follower.err();
  bucket_->put("b", "one");
  pass();
  EXPECT_TRUE(follower.wait_for("added    b\n")) << follower.err();
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait(5s), 130);
}

// --- hooks ---

class CliHook : public CliChanges {
 protected:
  std::string log() const { return work_ / "hook.log"; }
  std::string logged() const {
    return std::filesystem::exists(log()) ? read_file(log()) : std::string();
  }
  /// A command that appends its count and the keys it was told of.
  std::string note() const {
    return "echo \"$SLUICE_CHANGES $(sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/' | sort | tr '\\n' ' "
           "')\" "
           ">> " +
           log();
  }
};

TEST_F(CliHook, TheCommandIsToldOfEachPassThatChangedSomething) {
  bucket_->put("a", "one");
  bucket_->put("b", "one");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "2 a b \n");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "2 a b \n") << "nothing had changed";
  bucket_->remove("a");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "2 a b \n1 a \n");
}

TEST_F(CliHook, WhatAFailedCommandWasToldComesAgain) {
  bucket_->put("a", "one");
  const Ran failed = run(watch({"--exec", note() + "; exit 3"}));
  expect(failed, 0, "ended with 3; its changes are handed out again after the next pass");
  bucket_->put("b", "one");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "1 a \n2 a b \n");
  bucket_->put("c", "one");
  run(watch({"--exec", note() + "; exit 3", "--exec-on-failure", "skip"}));
  bucket_->put("d", "one");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "1 a \n2 a b \n1 c \n1 d \n");
}

TEST_F(CliHook, ANewCommandIsToldWhatComesFromNowOn) {
  bucket_->put("a", "one");
  pass();
  bucket_->put("b", "one");
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "1 b \n");
}

TEST_F(CliHook, ACommandThatTakesTooLongIsEndedWithItsChildren) {
  bucket_->put("a", "one");
  const std::string pid = work_ / "pid";
  const Ran ran =
      run(watch({"--exec", "sleep 100 & echo $! > " + pid + "; wait", "--exec-timeout", "2s"}));
  expect(ran, 0, "took more than 2s and was ended");
  // Gone, or only not waited for by whoever inherited it.
  std::ifstream state("/proc/" + std::to_string(std::stoi(read_file(pid))) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(state), {}};
  EXPECT_TRUE(line.empty() || line.find(") Z ") != std::string::npos) << line;
}

TEST_F(CliHook, PassesGoOnWhileItRunsAndNeverTwoRunAtOnce) {
  const std::string lock = work_ / "lock";
  const std::string command = "mkdir " + lock + " || echo overlap >> " + log() + "; sleep 0.3; " +
                              note() + "; rmdir " + lock;
  bucket_->put("a", "one");
  Program program(
      options({"watch", "s3://photos", dir(), "--interval", "20ms", "--exec", command}));
  for (const char* key : {"b", "c", "d", "e"}) {
    ASSERT_TRUE(program.wait_for("fetched a")) << program.err();
    bucket_->put(key, "one");
    std::this_thread::sleep_for(100ms);
  }
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (logged().find(" e ") == std::string::npos && logged().find("e \n") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(10s), 143) << program.err();
  EXPECT_FALSE(has(logged(), "overlap")) << logged();
  std::string keys = logged();
  keys.erase(std::remove_if(keys.begin(), keys.end(), [](char c) { return c < 'a' || c > 'z'; }),
             keys.end());
  EXPECT_EQ(keys, "abcde");
  const std::string runs = logged();
  EXPECT_LT(std::count(runs.begin(), runs.end(), '\n'), 5) << runs;
}

TEST_F(CliHook, AStopEndsTheCommandAndItsChangesComeAgain) {
  bucket_->put("a", "one");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "1h", "--exec",
                           "touch " + (work_ / "began") + "; sleep 100"}));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!std::filesystem::exists(work_ / "began") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 143) << program.err();
  pass({"--exec", note()});
  EXPECT_EQ(logged(), "1 a \n");
}

TEST_F(CliHook, AFileIsTouchedAfterAPassThatChangedSomething) {
  bucket_->put("a", "one");
  const std::string flag = work_ / "changed";
  pass({"--touch-file", flag});
  ASSERT_TRUE(std::filesystem::exists(flag));
  std::filesystem::remove(flag);
  pass({"--touch-file", flag});
  EXPECT_FALSE(std::filesystem::exists(flag)) << "nothing had changed";
  expect(run(watch({"--touch-file", flag, "--journal", "0"})), 2, "go by the journal");
}

}  // namespace
}  // namespace sluice::testing
