// Each system call that a small pass makes on the destination fails: once, or from then on, with
// every error that a disk, a quota, a limit or a mount gives. Or the program is killed right there.
//
// All of that takes long; what is tried is drawn.
//   SLUICE_FAILURES_SEED=7        repeats the draw
//   SLUICE_FAILURES_TRIALS=9999   so many of each scenario; `all` tries everything
//   SLUICE_FAILURES_ONLY="write ENOSPC 7"   only this one; "write *": all that begin so

#include "small_mirror.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unistd.h>

namespace sluice::failures {
namespace {

/// Where the pass begins.
enum class Start : std::uint8_t { no_mirror, mirror_behind, cut_short };

struct Scenario {
  const char* name;
  Start start;
  Words flags;
  std::size_t trials;           ///< drawn, usually
  bool every_io_error = false;  ///< each call that fails once with EIO is tried, whatever is drawn
};

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.name;
}

constexpr std::size_t kWorkers = 2;
constexpr int kErrors[] = {EIO, ENOSPC, EDQUOT, EINTR, EMFILE, EROFS, EACCES};

/// Where an interruption is no failure (POSIX: the call may be made again).
bool is_restarted(std::uint8_t call) {
  return call == static_cast<std::uint8_t>(Call::open) ||
         call == static_cast<std::uint8_t>(Call::read) ||
         call == static_cast<std::uint8_t>(Call::write) ||
         call == static_cast<std::uint8_t>(Call::splice) ||
         call == static_cast<std::uint8_t>(Call::resize);
}

/// What a message must say to be of use.
const char* advice(int error) {
  switch (error) {
    case EMFILE:
      return "ulimit -n";
    case ENOSPC:
      return "free some space";
    case EDQUOT:
      return "quota";
    case EROFS:
      return "read-write";
    case EIO:
      return "dmesg";
    case EACCES:
      return "permission to";
    default:
      return "";
  }
}

std::vector<Failure> all_failures(const std::array<std::uint32_t, kCalls + 1>& counts) {
  std::vector<Failure> all;
  for (std::uint8_t call = 0; call < counts.size(); ++call) {
    for (std::uint32_t at = 1; at <= counts[call]; ++at) {
      if (call == kAnyChange) {
        all.push_back({call, kKill, at, false});
        continue;
      }
      for (const int error : kErrors) {
        all.push_back({call, error, at, false});
        // A call that is interrupted for ever is no failure but a hang, and there is no such thing.
        if (error != EINTR) all.push_back({call, error, at, true});
      }
    }
  }
  return all;
}

/// What is wrong with how the pass ended.
std::vector<std::string> judge(const Failure& failure, const Ran& ran, SmallMirror& mirror) {
  std::vector<std::string> wrong = mirror.check_harm();
  const auto expect = [&wrong](bool good, const std::string& what) {
    if (!good) wrong.push_back(what);
  };
  if (!ran.status) return {"it hangs"};
  const std::string status = "exit status " + std::to_string(*ran.status);
  if (ran.failed > 0 && failure.error == kKill) {
    expect(*ran.status == 128 + SIGKILL, status + " although it was killed");
    return wrong;
  }
  const bool must_succeed =
      ran.failed == 0 || (failure.error == EINTR && is_restarted(failure.call));
  if (*ran.status == 0) {
    for (const std::string& difference : mirror.check_equal())
      wrong.push_back(status + ", but " + difference);
  } else if (must_succeed) {
    wrong.push_back(status + " although nothing failed");
  } else {
    expect(*ran.status == 6, status);
    const auto is_in = [&ran](const char* text) { return ran.err.find(text) != std::string::npos; };
    // What SQLite cannot open for writing it tries to open for reading, and it forgets the first
    // reason; likewise that of files which it closes after a failure.
    const bool unknown = is_in("attempt to write a readonly database") ||
                         is_in("unable to open database file (No such file") ||
                         is_in("disk I/O error; see dmesg");
    const auto says = [&](const std::string& text) {
      if (unknown) return;
      expect(is_in(text.c_str()), "the message lacks \"" + text + "\"");
    };
    says(std::strerror(failure.error));
    says(advice(failure.error));
    // What could not be made durable is never tried again: it would seem to succeed.
    if (failure.call == static_cast<std::uint8_t>(Call::sync) && is_in("durable"))
      expect(mirror.staged_files() == 0, "staged files are left after a failed sync");
  }
  return wrong;
}

class EveryCall : public ::testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    if (variable("SLUICE_BINARY").empty()) GTEST_SKIP() << "SLUICE_BINARY names no program";
  }

  void prepare(SmallMirror& mirror, std::uint64_t number) {
    if (GetParam().start == Start::no_mirror) mirror.remove_mirror();
    mirror.change_bucket();
    if (GetParam().start != Start::cut_short) return;
    const auto renaming = static_cast<std::uint8_t>(Call::rename);
    mirror.sync({}, {renaming, kKill, static_cast<std::uint32_t>(1 + number % 4), false});
  }

  Words flags(const SmallMirror& mirror) const {
    Words words = GetParam().flags;
    for (std::string& word : words) {
      if (word == "BACKUP") word = mirror.backup_dir();
      if (word == "LINK") word = mirror.link();
    }
    return words;
  }

  /// An undisturbed pass, and one more that finds nothing to do.
  std::vector<std::string> put_right(SmallMirror& mirror) {
    std::vector<std::string> wrong;
    const Ran ran = mirror.sync(flags(mirror));
    if (ran.status != 0)
      wrong.push_back("exit status " + std::to_string(ran.status.value_or(-1)) + ": " + ran.err);
    for (std::string& difference : mirror.check_equal())
      wrong.push_back(std::move(difference));
    const Ran again = mirror.sync(flags(mirror));
    if (again.status != 0 || again.gets != 0 || again.out.find("fetched") != std::string::npos)
      wrong.push_back("the pass after that was not idle: " + again.out + again.err);
    return wrong;
  }

  /// True if nothing was wrong.
  bool attempt(SmallMirror& mirror, const Failure& failure, std::uint64_t number) {
    prepare(mirror, number);
    const Ran ran = mirror.sync(flags(mirror), failure);
    std::string report;
    for (const std::string& wrong : judge(failure, ran, mirror))
      report += "  " + wrong + "\n";
    const std::string said = ran.err;
    for (const std::string& wrong : put_right(mirror))
      report += "  in the next pass: " + wrong + "\n";
    const std::lock_guard lock(mutex_);
    if (ran.failed > 0) ++failed_[ran.status.value_or(-1)];
    if (report.empty()) return true;
    ADD_FAILURE() << "SLUICE_FAILURES_ONLY='" << to_string(failure) << "' (number " << number
                  << "):\n"
                  << report << "  it said: " << said;
    return false;
  }

  std::mutex mutex_;
  std::map<int, unsigned> failed_;  ///< by exit status
};

INSTANTIATE_TEST_SUITE_P(
    Scenarios, EveryCall,
    ::testing::Values(Scenario{"NewMirror", Start::no_mirror, {}, 200},
                      Scenario{"ChangedBucket", Start::mirror_behind, {}, 400, true},
                      Scenario{"FileByFile", Start::mirror_behind, {"--durability", "files"}, 150},
                      Scenario{"WithBackup", Start::mirror_behind, {"--backup-dir", "BACKUP"}, 100},
                      Scenario{
                          "Published", Start::mirror_behind, {"--publish-link", "LINK"}, 400, true},
                      Scenario{"AfterAKill", Start::cut_short, {}, 250}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(EveryCall, MayFail) {
  std::vector<Failure> trials;
  {
    SmallMirror mirror;
    ASSERT_EQ(put_right(mirror), std::vector<std::string>());
    prepare(mirror, 0);
    const Ran ran = mirror.sync(flags(mirror));
    ASSERT_EQ(ran.status, 0) << ran.err;
    for (const Call call : {Call::open, Call::read, Call::write, Call::splice, Call::resize,
                            Call::sync, Call::rename, Call::unlink, Call::directory, Call::look}) {
      // What was cut short may have had all of the large object already.
      if (call == Call::splice && GetParam().start == Start::cut_short) continue;
      ASSERT_GT(ran.counts[static_cast<std::size_t>(call)], 0u) << "nothing stands before them";
    }
    trials = all_failures(ran.counts);
    for (std::uint8_t call = 0; call <= kAnyChange; ++call)
      std::cout << to_string({call, kKill, ran.counts[call], false}) << "; ";
    std::cout << trials.size() << " failures in all\n";
  }
  const std::string only = variable("SLUICE_FAILURES_ONLY");
  const std::string wanted = variable("SLUICE_FAILURES_TRIALS");
  const std::string given = variable("SLUICE_FAILURES_SEED");
  const std::uint64_t seed = given.empty() ? std::random_device()() : std::stoull(given);
  if (!only.empty()) {
    const bool is_prefix = only.ends_with('*');
    const std::string begin = only.substr(0, only.size() - (is_prefix ? 1 : 0));
    std::erase_if(trials, [&](const Failure& trial) {
      const std::string name = to_string(trial);
      return is_prefix ? !name.starts_with(begin) : name != only;
    });
  } else if (wanted != "all") {
    std::mt19937_64 random(seed);
    std::shuffle(trials.begin(), trials.end(), random);
    if (GetParam().every_io_error)
      std::stable_partition(trials.begin(), trials.end(), [](const Failure& trial) {
        return trial.error == EIO && !trial.from_then_on;
      });
    trials.resize(std::min(wanted.empty() ? GetParam().trials : std::stoul(wanted), trials.size()));
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<unsigned> bad = 0;
  const auto work = [&] {
    auto mirror = std::make_unique<SmallMirror>();
    put_right(*mirror);
    for (std::size_t i = next++; i < trials.size() && bad < 20; i = next++) {
      if (attempt(*mirror, trials[i], i)) continue;
      ++bad;
      mirror = std::make_unique<SmallMirror>();
      put_right(*mirror);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < kWorkers; ++i)
      workers.emplace_back(work);
  }
  std::cout << GetParam().name << ": seed " << seed << ", " << trials.size() << " trials;";
  for (const auto& [status, times] : failed_)
    std::cout << ' ' << times << " ended with " << status << ',';
  std::cout << '\n';
}

}  // namespace
}  // namespace sluice::failures

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Memory is enough, and quick.
  if (std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0)
    ::setenv("TMPDIR", "/dev/shm", 1);
  return RUN_ALL_TESTS();
}
