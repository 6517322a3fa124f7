// --publish-link on the whole engine.
#include "pass_fixture.hpp"
#include "record/record.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::mirror {
namespace {

class GenerationsTest : public PassTest {
 protected:
  GenerationsTest() {
    options_.publish_link = dir_ / "live";
    options_.delete_extraneous = true;
    options_.max_delete.percent = std::nullopt;
    options_.allow_empty_source = true;
  }

  const std::string& link() const { return options_.publish_link; }
  std::string folder() const { return dir_ / ".live.generations"; }
  /// The name of the tree that is shown; empty: none.
  std::string current() const {
    return fs::is_symlink(link()) ? fs::read_symlink(link()).filename().string() : std::string();
  }
  Tree shown() const { return fake::tree_of(link() + "/"); }
  std::size_t trees() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder()))
      count += entry.is_directory() ? 1 : 0;
    return count;
  }
  void expect_equal(const PassSummary& summary) {
    EXPECT_EQ(exit_status(summary), ExitStatus::equal)
        << (summary.failure ? summary.failure->message : "") << observer_->messages();
  }
  bool was_told(std::string_view text) {
    return observer_->messages().find(text) != std::string::npos;
  }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, GenerationsTest, ::testing::Range(-1, 3), runtime_name);

TEST_P(GenerationsTest, APassCostsLinksForWhatHasChanged) {
  put_some(200);
  expect_equal(run());
  EXPECT_TRUE(was_told("generation 1: 200 files linked, 0 removed")) << observer_->messages();
  EXPECT_EQ(shown(), bucket_tree());
  EXPECT_EQ(fs::hard_link_count(file("dir1/file 1é")), 2U);
  // The second tree is made anew as well; from then on the older one becomes the next.
  for (int i = 2; i < 6; ++i) {
    bucket_.put("dir1/file 1é", std::to_string(i));
    bucket_.put("dir2/new", std::to_string(i));
    bucket_.remove("dir3/file " + std::to_string(3 + 7 * i) + "é");
    expect_equal(run());
    EXPECT_EQ(shown(), bucket_tree());
    EXPECT_EQ(trees(), 2U);
  }
  EXPECT_TRUE(was_told("generation 5: 2 files linked, 2 removed")) << observer_->messages();
  const std::string before = current();
  expect_equal(run());
  EXPECT_EQ(current(), before) << "nothing had changed";
}

TEST_P(GenerationsTest, APassThatLeftSomethingOutIsNotShown) {
  bucket_.put("a", "one");
  fake::Bucket::Object archived;
  archived.content = "x";
  archived.version = {"etag", 1, 1'700'000'000'000};
  archived.storage = StorageClass::archived;
  bucket_.put_object("b", archived);
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_TRUE(was_told("stays at the last whole pass")) << observer_->messages();
  EXPECT_TRUE(was_told("1 archived")) << observer_->messages();
  EXPECT_EQ(current(), "");
  options_.filters = {{FilterRule::Kind::exclude, "b"}};
  expect_equal(run());
  EXPECT_EQ(shown(), (Tree{{"a", "one"}}));

  bucket_.put("c", "new");
  bucket_.set_faults([](Operation operation, std::string_view key) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && key == "c") fault.error = Error(ErrorKind::denied, "no");
    return fault;
  });
  bucket_.put("a", "two");
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(shown(), (Tree{{"a", "one"}}));
  bucket_.set_faults({});
  expect_equal(run());
  EXPECT_EQ(shown(), (Tree{{"a", "two"}, {"c", "new"}}));
}

TEST_P(GenerationsTest, EmptyFoldersAreShown) {
  bucket_.put("f", "x");
  bucket_.put("empty/", "");
  bucket_.put("emptied/", "");
  bucket_.put("emptied/deep/x", "x");
  expect_equal(run());
  EXPECT_TRUE(fs::is_directory(link() + "/empty"));
  bucket_.put("later/", "");
  expect_equal(run());
  EXPECT_TRUE(fs::is_directory(link() + "/later")) << "a folder is a change as well";
  bucket_.remove("emptied/deep/x");
  expect_equal(run());
  expect_equal(run());
  EXPECT_TRUE(fs::is_directory(link() + "/emptied"));
  EXPECT_FALSE(fs::exists(link() + "/emptied/deep"));
}

TEST_P(GenerationsTest, WhatSomebodyModifiedHereIsNotShown) {
  bucket_.put("a", "one");
  bucket_.put("kept/b", "one");
  expect_equal(run());
  // Filters protect it from now on, and nobody looks at it any more.
  options_.filters = {{FilterRule::Kind::exclude, "kept/*"}};
  fs::remove(file("kept/b"));
  fake::write_file(file("kept/b"), "mine");
  bucket_.put("a", "two");
  expect_equal(run());
  EXPECT_TRUE(was_told("1 file modified locally")) << observer_->messages();
  EXPECT_EQ(shown(), (Tree{{"a", "two"}}));
  options_.filters.clear();
  expect_equal(run());
  EXPECT_EQ(shown(), bucket_tree());
}

TEST_P(GenerationsTest, AnotherSourceHasTreesOfItsOwn) {
  bucket_.put("p/x", "below p");
  bucket_.put("p/p/x", "below both");
  bucket_.put("x", "top");
  expect_equal(run());
  bucket_.put("x", "changed");
  expect_equal(run());
  EXPECT_EQ(shown(), bucket_tree());
  options_.source.prefix = "p/";
  options_.adopt = true;
  expect_equal(run());
  EXPECT_EQ(shown(), (Tree{{"x", "below p"}, {"p/x", "below both"}}));
  bucket_.remove("p/p/x");
  expect_equal(run());
  bucket_.put("p/x", "again");
  expect_equal(run());
  EXPECT_EQ(shown(), (Tree{{"x", "again"}}));
  EXPECT_EQ(trees(), 2U);
}

/// Its numbers come again, for other changes.
TEST_P(GenerationsTest, AnOlderCopyOfTheRecordMisleadsNobody) {
  const std::string record = options_.dir + "/.sluice/record.db";
  for (int i = 0; i < 3; ++i) {
    bucket_.put("k" + std::to_string(i), "x");
    expect_equal(run());
    if (i == 0) fs::copy_file(record, dir_ / "copy");
  }
  fs::remove(record + "-wal");
  fs::copy_file(dir_ / "copy", record, fs::copy_options::overwrite_existing);
  bucket_.remove("k1");
  bucket_.remove("k2");
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 5; ++k)
      bucket_.put("other" + std::to_string(5 * i + k), "y");
    expect_equal(run());
    EXPECT_EQ(shown(), bucket_tree());
  }
  fs::remove_all(options_.dir + "/.sluice/record.db");
  fs::remove(record + "-wal");
  for (int i = 0; i < 3; ++i) {
    bucket_.put("k" + std::to_string(i), "z");
    expect_equal(run());
    EXPECT_EQ(shown(), bucket_tree());
  }
}

TEST_P(GenerationsTest, ATreeThatIsNotAsItWasLeftIsMadeAnew) {
  bucket_.put("a", "1");
  expect_equal(run());
  const std::string first = folder() + "/" + current();
  bucket_.put("a", "2");
  expect_equal(run());
  fs::create_directory(first + "/b");
  fake::write_file(first + "/b/foreign", "x");
  bucket_.put("b", "3");
  expect_equal(run());
  EXPECT_TRUE(was_told("it is made anew")) << observer_->messages();
  EXPECT_EQ(shown(), bucket_tree());
}

TEST_P(GenerationsTest, OptionsThatDoNotGoTogetherAreRefused) {
  const MirrorOptions good = options_;
  const auto refused = [this, &good](const char* what) {
    const PassSummary summary = run();
    EXPECT_EQ(exit_status(summary), ExitStatus::usage);
    EXPECT_NE(summary.failure->message.find(what), std::string::npos) << summary.failure->message;
    options_ = good;
  };
  options_.journal_rows = 0;
  refused("--journal 0");
  options_.local_changes = MirrorOptions::LocalChanges::keep;
  refused("--local-changes keep");
  options_.compare = MirrorOptions::Compare::size_only;
  refused("--size-only");
  options_.keep_generations = 1;
  refused("2 to 100");
}

/// Histories drawn from a seed: whatever happened before, what is shown is the whole of the last
/// pass that left nothing out, and what was shown until then stays as it was.
class GenerationHistories : public GenerationsTest {
 protected:
  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }

  std::string any_key() {
    static const std::vector<std::string> kKeys = {"a",      "a/b", "a/b/c", "d/e", "d/f/g",  "d/",
                                                   "empty/", "h",   "i/j",   "i/k", "l/m/n/o"};
    return kKeys[draw(static_cast<unsigned>(kKeys.size()))];
  }
  /// Keys that cannot be mirrored together with this one.
  void make_way(const std::string& key) {
    for (const auto& [other, object] : bucket_.objects())
      if (other.starts_with(key + "/") || (key.starts_with(other + "/"))) bucket_.remove(other);
  }
  void change_bucket() {
    for (unsigned i = draw(6); i > 0; --i) {
      const std::string key = any_key();
      if (draw(20) != 0) make_way(key);
      if (draw(3) == 0)
        bucket_.remove(key);
      else
        bucket_.put(key, key.ends_with('/') ? "" : std::to_string(draw(4)),
                    1'700'000'000'000 + draw(3) * 1000);
    }
  }
  void change_mirror() {
    const std::string key = any_key();
    const std::string path = file(key);
    if (draw(3) != 0 || !bucket_.objects().contains(key) || !fs::is_regular_file(path)) return;
    fs::remove(path);
    if (draw(2) == 0) fake::write_file(path, "somebody's");
  }
  /// What a run that was killed may have left.
  void cut_short() {
    std::vector<std::string> retired;
    for (const auto& entry : fs::directory_iterator(folder()))
      if (entry.path().filename() != "new" && entry.is_directory() &&
          entry.path().filename() != current())
        retired.push_back(entry.path());
    if (draw(8) == 0) fs::create_directories(folder() + "/new/x");
    if (retired.empty() || retired[0].ends_with(".partial") || draw(4) != 0) return;
    fs::rename(retired[0], retired[0] + ".partial");
    // Only keys that had changed were touched: such as are wrong there now.
    const Tree now = tree();
    for (const auto& [path, content] : fake::tree_of(retired[0] + ".partial"))
      if ((!now.contains(path) || now.at(path) != content) && draw(2) == 0)
        fs::remove(retired[0] + ".partial/" + path);
  }

  std::mt19937 random_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, GenerationHistories, ::testing::Range(0, 6), runtime_name);

TEST_P(GenerationHistories, ShowWholePassesOnly) {
  random_.seed(static_cast<unsigned>(GetParam()) + 1);
  Tree whole;
  unsigned flips = 0;
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    change_bucket();
    if (fs::exists(options_.dir)) change_mirror();
    if (fs::exists(folder())) cut_short();
    options_.keep_generations = 2 + draw(8) / 5;
    options_.journal_rows = draw(5) == 0 ? 4 : 1000;
    if (draw(10) == 0) interrupt_after(1);
    const std::string before = current();
    const PassSummary summary = run();
    no_interruption();
    const std::string after = current();
    if (exit_status(summary) == ExitStatus::equal) whole = bucket_tree();
    if (after != before) ++flips;
    ASSERT_EQ(after.empty() ? Tree() : shown(), whole) << observer_->messages();
    ASSERT_FALSE(was_told("made anew")) << observer_->messages();
    if (exit_status(summary) != ExitStatus::equal) {
      ASSERT_EQ(after, before);
      continue;
    }
    ASSERT_TRUE(before.empty() || fs::exists(folder() + "/" + before)) << "readers had it";
    ASSERT_LE(trees(), options_.keep_generations);
    for (const auto& [key, object] : bucket_.objects())
      ASSERT_TRUE(!key.ends_with('/') || fs::is_directory(link() + "/" + key)) << key;
    if (draw(4) != 0) continue;
    expect_equal(run());
    ASSERT_EQ(current(), after) << "nothing had changed";
  }
  EXPECT_GE(flips, 10U);
}

/// What is made as long as this lives is made in memory: thousands of passes wait for no disk.
class InMemory {
 public:
  InMemory() {
    if (std::getenv("TMPDIR") != nullptr || ::access("/dev/shm", W_OK) != 0) return;
    ::setenv("TMPDIR", "/dev/shm", 1);
    is_set_ = true;
  }
  ~InMemory() { end(); }
  void end() {
    if (std::exchange(is_set_, false)) ::unsetenv("TMPDIR");
  }

 private:
  bool is_set_ = false;
};

/// A bucket of which each state can be told whole from mixed: file i holds the last multiple of
/// i + 1 up to the number in `number`, and `odd` is there when that is odd.
class Readers : private InMemory, public GenerationsTest {
 protected:
  Readers() { InMemory::end(); }

  static constexpr int kFiles = 8;
  static constexpr int kFlips = 1000;

  void put_state(int number) {
    bucket_.put("number", std::to_string(number));
    for (int i = 0; i < kFiles; ++i)
      if (number % (i + 1) == 0)
        bucket_.put("d" + std::to_string(i % 3) + "/" + std::to_string(i), std::to_string(number));
    if (number % 2 != 0)
      bucket_.put("odd", "x");
    else
      bucket_.remove("odd");
  }

  static std::optional<int> read_number(int directory, const std::string& name) {
    const int fd = ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    char buffer[16] = {};
    const ssize_t length = ::read(fd, buffer, sizeof buffer - 1);
    ::close(fd);
    return length > 0 ? std::optional<int>(std::atoi(buffer)) : std::nullopt;
  }
  static bool is_whole(int directory) {
    const auto number = read_number(directory, "number");
    if (!number) return false;
    for (int i = 0; i < kFiles; ++i) {
      std::this_thread::yield();
      const auto found =
          read_number(directory, "d" + std::to_string(i % 3) + "/" + std::to_string(i));
      if (found != *number - *number % (i + 1)) return false;
    }
    return (::faccessat(directory, "odd", F_OK, 0) == 0) == (*number % 2 != 0);
  }

  /// Which tree is shown, as its number.
  int shown_number() const {
    char target[256] = {};
    if (::readlink(link().c_str(), target, sizeof target - 1) < 0) return 0;
    return std::atoi(
        std::string_view(target).substr(std::string_view(target).find('/') + 1).data());
  }

  /// Holds what it reads.
  void read_holding() {
    const int fd = ::open(link().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat held {
    }, now{};
    // Between the two it may have been replaced, and be under work.
    if (::flock(fd, LOCK_SH) == 0 && ::fstat(fd, &held) == 0 && ::stat(link().c_str(), &now) == 0 &&
        held.st_ino == now.st_ino) {
      ++rounds_held_;
      if (!is_whole(fd)) ++mixed_;
    }
    ::close(fd);
  }
  /// Looks afterwards whether it was quick enough.
  void read_quickly() {
    const int before = shown_number();
    const int fd = ::open(link().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    const bool whole = is_whole(fd);
    const int after = shown_number();
    ::close(fd);
    if (after - before > static_cast<int>(options_.keep_generations) - 2) return;
    ++rounds_quick_;
    if (!whole) ++mixed_;
  }

  std::atomic<bool> over_ = false;
  std::atomic<int> rounds_held_ = 0;
  std::atomic<int> rounds_quick_ = 0;
  std::atomic<int> mixed_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Virtual, Readers, ::testing::Values(1), runtime_name);

TEST_P(Readers, NeverSeeAMixtureInAThousandFlips) {
  options_.keep_generations = 3;
  Remembers observer;
  Counters counters;
  auto runtime = async::make_deterministic_runtime({.seed = 1, .data_shards = 2});
  record::Source source;
  source.endpoint_host = "fake";
  source.bucket = "b";
  const StoreFactory stores = [this](async::Runtime& r, const async::Executor&) {
    return Result<std::unique_ptr<store::ObjectStore>>(bucket_.make_store(r));
  };
  put_state(0);
  auto engine = Engine::open(options_, observer, *runtime, counters, source, stores).value();
  std::thread holding([this] {
    while (!over_)
      read_holding();
  });
  std::thread quick([this] {
    while (!over_)
      read_quickly();
  });
  int passes = 0;
  int bad = 0;
  runtime->run([&]() -> async::Task<void> {
    while (passes < kFlips ||
           (passes < 10 * kFlips && (rounds_held_ < 100 || rounds_quick_ < 100))) {
      put_state(passes++);
      Pass pass(*engine);
      const PassSummary summary = co_await run_pass(*engine, pass);
      if (exit_status(summary) != ExitStatus::equal) ++bad;
    }
  });
  over_ = true;
  holding.join();
  quick.join();
  EXPECT_EQ(bad, 0) << observer.messages();
  EXPECT_EQ(shown_number(), passes);
  EXPECT_EQ(mixed_, 0) << "of " << rounds_held_ << " and " << rounds_quick_;
  EXPECT_GE(rounds_held_, 100);
  EXPECT_GE(rounds_quick_, 100);
}

}  // namespace
}  // namespace sluice::mirror
