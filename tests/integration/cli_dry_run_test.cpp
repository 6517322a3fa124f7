// A dry run says what a real one would do, and leaves no trace.
#include "cli_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;

/// Everything below a folder, ours included: name, inode, size, times, content.
std::string snapshot_of(const std::string& dir) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    struct stat st {};
    EXPECT_EQ(::lstat(entry.path().c_str(), &st), 0);
    std::ostringstream line;
    line << entry.path() << ' ' << st.st_ino << ' ' << st.st_size << ' ' << st.st_mtim.tv_sec << '.'
         << st.st_mtim.tv_nsec << ' ' << st.st_ctim.tv_sec << '.' << st.st_ctim.tv_nsec;
    if (entry.is_regular_file()) line << ' ' << std::hash<std::string>()(read_file(entry.path()));
    lines.push_back(line.str());
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines)
    out += line + '\n';
  return out;
}

/// The lines about objects, whatever their order: "would fetch a" and "fetched a" become "fetch a".
std::vector<std::string> deeds_of(const std::string& out) {
  static const std::pair<std::regex, const char*> kForms[] = {
      {std::regex("^(would fetch|fetched) ([^ ]+).*"), "fetch $2"},
      {std::regex("^(would adopt|adopted) ([^ ]+).*"), "adopt $2"},
      {std::regex("^(would delete|deleted) ([^ ]+).*"), "delete $2"},
      {std::regex("^(would set|set) the time of ([^ ]+).*"), "touch $2"},
  };
  std::vector<std::string> deeds;
  std::istringstream in(out);
  for (std::string line; std::getline(in, line);)
    for (const auto& [form, words] : kForms)
      if (std::regex_match(line, form)) deeds.push_back(std::regex_replace(line, form, words));
  std::sort(deeds.begin(), deeds.end());
  return deeds;
}

using CliDryRun = Cli;

TEST_F(CliDryRun, MakesNoDirectory) {
  bucket_->put("a", "hello");
  bucket_->put("b/c", "there");
  const Ran ran = sync({"--dry-run"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(deeds_of(ran.out), (Words{"fetch a", "fetch b/c"}));
  EXPECT_TRUE(has_line(ran.out, R"(  2 to fetch \(10 B\))")) << ran.out;
  EXPECT_FALSE(fs::exists(dir()));

  fs::create_directory(dir());
  EXPECT_EQ(sync({"--dry-run"}).status, 0);
  EXPECT_TRUE(fs::is_empty(dir()));
}

TEST_F(CliDryRun, SaysWhatAWatchWouldCost) {
  bucket_->put("a", "hello");
  const Ran ran = sync({"--dry-run", "--request-price", "0.005,0.0004"});
  EXPECT_TRUE(has(ran.out, "a watch asks for 1 LIST a pass; in a month: 43,200 (0.22) every 60s"))
      << ran.out;
  EXPECT_FALSE(has(sync().out, "in a month"));
}

TEST_F(CliDryRun, SaysWhatARealRunThenDoes) {
  const std::int64_t then_ms = 1'700'000'000'000;
  for (const char* key : {"changed", "gone", "kept", "missing", "newer", "sub/gone"})
    bucket_->put(key, key, then_ms);
  ASSERT_EQ(sync().status, 0);
  bucket_->put("changed", "other", then_ms);
  bucket_->put("fresh/x", "new", then_ms);
  bucket_->put("here", "already here", then_ms);
  bucket_->put("newer", "newer", then_ms + 60'000);
  bucket_->put("x/../y", "has no path", then_ms);
  bucket_->put("stranger/a", "needs a folder", then_ms);
  bucket_->remove("gone");
  bucket_->remove("sub/gone");
  write_file(dir() + "/here", "already here");
  write_file(dir() + "/stranger", "is a file");
  fs::remove(dir() + "/missing");

  const std::string before = snapshot_of(dir());
  const Ran dry = sync({"--delete", "--dry-run"});
  EXPECT_EQ(snapshot_of(dir()), before);
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_TRUE(has(dry.err, "refused: key \"x/../y\"")) << dry.err;
  EXPECT_TRUE(has(dry.err, "refused stranger/a")) << dry.err;

  const Ran real = sync({"--delete"});
  EXPECT_EQ(real.status, 1) << real.err;
  EXPECT_TRUE(has(real.err, "refused stranger/a")) << real.err;
  EXPECT_EQ(deeds_of(dry.out), deeds_of(real.out)) << dry.out << real.out;
  EXPECT_THAT(deeds_of(real.out), ::testing::Contains("delete sub/gone"));
  EXPECT_GE(deeds_of(real.out).size(), 6U) << real.out;
}

TEST_F(CliDryRun, TellsOfTheGuard) {
  bucket_->put("a", "x");
  bucket_->put("b", "x");
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("b");
  const std::string before = snapshot_of(dir());
  const Ran ran = sync({"--delete", "--max-delete", "0", "-n"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.err, "--max-delete")) << ran.err;
  EXPECT_EQ(deeds_of(ran.out), Words()) << ran.out;
  EXPECT_EQ(snapshot_of(dir()), before);
}

TEST_F(CliDryRun, RefusesWhatARealRunRefuses) {
  bucket_->put("a", "x");
  server_->add_bucket("others", bucket_);
  ASSERT_EQ(sync().status, 0);
  expect(run({"sync", "-n", "s3://others", dir()}), 2, "--adopt");
  const Ran adopting = run({"sync", "-n", "--adopt", "s3://others", dir()});
  EXPECT_EQ(adopting.status, 0) << adopting.err;
  EXPECT_EQ(deeds_of(adopting.out), Words{"adopt a"});
  expect(sync({"-n", "--delete", "--backup-dir", dir()}), 2, "lies in the mirror");
  EXPECT_EQ(sync({"-n", "--delete", "--backup-dir", work_ / "old"}).status, 0);
  EXPECT_FALSE(fs::exists(work_ / "old"));
  write_file(work_ / "file", "not a folder");
  expect(run({"sync", "-n", "s3://photos", work_ / "file"}), 6, work_ / "file");
}

TEST_F(CliDryRun, LooksWhileAnotherProcessIsAtWork) {
  bucket_->put("a", "x");
  Program watch(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(watch.wait_for("pass done")) << watch.err();
  bucket_->put("b", "y");
  const Ran ran = sync({"-n"});
  expect(ran, 0, "another process may be at work here");
  EXPECT_EQ(deeds_of(ran.out), Words{"fetch b"});
  EXPECT_FALSE(tree_of(dir()).contains("b"));
  watch.signal(SIGTERM);
  EXPECT_EQ(watch.wait(), 143);
}

}  // namespace
}  // namespace sluice::testing
