// The service over a long time: `sluice watch` for hundreds of passes over a bucket that never
// rests, with a server that fails, goes away for fifty passes, and comes back. Whatever happened to
// the bucket stands in the journal, once and in its order, whoever reads it: `sluice changes`, one
// that follows all the time, or the command of --exec.
//
// SLUICE_SERVICE_PASSES=5000 asks for more; SLUICE_SERVICE_SEED=7 repeats the draws of a run (its
// timing not).

#include "base/text.hpp"
#include "churn.hpp"
#include "command.hpp"
#include "footprint.hpp"
#include "origin/server.hpp"
#include "run.hpp"
#include "socket_faults.hpp"
#include "temporary_directory.hpp"
#include "world.hpp"

#include "sluice/changes.hpp"
#include "sluice/status.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

constexpr std::uint64_t kPartBytes = 64 << 10;  // the least that the program takes
constexpr std::uint64_t kPassesWithoutServer = 50;
/// Under sanitizers, on a loaded machine.
constexpr auto kPatience = 120s;
constexpr auto kLook = 5ms;

/// Keeps a port of loopback for us while nobody listens there.
class Reservation {
 public:
  explicit Reservation(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    holds_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Reservation() { ::close(fd_); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  bool holds() const { return holds_; }

 private:
  const int fd_;
  bool holds_ = false;
};

std::string shown(const Told& told) {
  return told.what + ' ' + chaos::shown(told.key) + " (" + told.old_etag + " -> " + told.etag +
         ", " + std::to_string(told.size_bytes) + " B)";
}

std::string shown(const std::vector<Told>& all) {
  std::string out;
  for (const Told& told : all)
    out += shown(told) + '\n';
  return out;
}

/// Lines of `sluice changes --json`.
std::vector<Told> parsed(const std::string& lines) {
  std::vector<Told> out;
  simdjson::dom::parser parser;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    simdjson::dom::object event;
    if (parser.parse(line).get(event) != simdjson::SUCCESS) {
      ADD_FAILURE() << "no JSON: " << line;
      return out;
    }
    const auto field = [&event](const char* name) {
      std::string_view value;
      return event[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
    };
    const std::string exact = field("key_base64");
    Told told{exact.empty() ? field("key") : text::from_base64(exact).value_or(""), field("what"),
              field("old_etag"), field("etag"), 0};
    EXPECT_EQ(event["size_bytes"].get(told.size_bytes), simdjson::SUCCESS) << line;
    out.push_back(std::move(told));
  }
  return out;
}

class Service : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SLUICE_BINARY") == nullptr) GTEST_SKIP() << "SLUICE_BINARY names no program";
    start_server(0);
  }

  void start_server(std::uint16_t port) {
    origin::ServerOptions options;
    options.credentials = {{kAccessKey, kSecretKey}};
    options.keep_requests = false;
    options.port = port;
    server_ = std::make_unique<origin::Server>(std::move(options));
    server_->add_bucket("photos", bucket_);
    server_->start();
  }

  testing::ProgramOptions command(Words words) const {
    return command_of(std::move(words), root_.path(), server_->url());
  }
  testing::ProgramOptions watch() const {
    return command({"watch",
                    "s3://photos",
                    dir_,
                    "--delete",
                    "--interval",
                    "20ms",
                    "--max-delete",
                    "100%",
                    "--part-size",
                    std::to_string(kPartBytes),
                    "--transfers",
                    "8",
                    "--max-attempts",
                    "3",
                    "--progress",
                    "never",
                    "--journal",
                    std::to_string(100 * most_ + 1000),
                    "--exec",
                    "cat >> " + told_by_exec_,
                    "-q"});
  }

  /// Those with a server. Of the record, which is new: their numbers begin at 1.
  std::uint64_t passes() const { return static_cast<std::uint64_t>(last_pass_) - lost_passes_; }

  /// What was told since the last call, as long as it takes until there is as much as is wanted;
  /// more may come with it.
  std::vector<Told> told_since(std::size_t wanted, testing::Program& program) {
    std::vector<Told> out;
    const auto deadline = Clock::now() + kPatience;
    while (Clock::now() < deadline) {
      const auto read = read_changes(dir_, seen_, 1000);
      if (const auto* list = std::get_if<ChangeList>(&read)) {
        if (seen_ == 0) seen_ = list->begins;
        for (const Change& change : list->changes) {
          if (change.seq <= seen_) continue;
          out.push_back({change.key, std::string(to_string(change.kind)), change.old_etag,
                         change.etag, change.size});
          seen_ = change.seq;
          last_pass_ = change.pass;
        }
      }
      if (out.size() >= wanted || program.wait(kLook)) break;
    }
    return out;
  }

  /// The bucket has changed so: until the mirror has, too.
  void expect_told(const std::vector<Told>& wanted, testing::Program& program) {
    std::vector<Told> told = told_since(wanted.size(), program);
    std::sort(told.begin(), told.end());
    ASSERT_EQ(shown(told), shown(wanted)) << "after pass " << passes() << '\n' << program.err();
    wanted_.insert(wanted_.end(), wanted.begin(), wanted.end());
    round_ends_.push_back(wanted_.size());
  }

  /// What of the answers is right in this round. No listing lies so that nobody can know.
  void draw_weather() {
    if (random_.chance(60)) return server_->clear_faults();
    DrawnRules drawn = draw_rules(random_, true);
    while (drawn.list_lies)
      drawn = draw_rules(random_, true);
    server_->set_faults(std::move(drawn.rules), random_.bits());
  }

  /// Newest first.
  std::vector<PassReport> last_passes(std::uint64_t most) const {
    const auto read = read_status(dir_, most);
    const auto* status = std::get_if<MirrorStatus>(&read);
    return status != nullptr ? status->passes : std::vector<PassReport>();
  }

  /// Nobody answers meanwhile.
  void expect_failed_passes(std::uint64_t count, testing::Program& program) {
    const auto before = last_passes(1);
    ASSERT_FALSE(before.empty());
    const auto has_failed = [&before](const PassReport& pass) {
      return pass.started_ms > before.front().started_ms && pass.outcome.starts_with("failed: ");
    };
    const auto deadline = Clock::now() + kPatience;
    for (std::uint64_t failed = 0; failed < count;) {
      program.signal(SIGUSR1);
      ASSERT_FALSE(program.wait(kLook)) << program.err();
      ASSERT_LT(Clock::now(), deadline) << program.err();
      const auto passes = last_passes(count + 1);  // and one that runs
      failed = static_cast<std::uint64_t>(std::count_if(passes.begin(), passes.end(), has_failed));
    }
  }

  /// The server goes, the bucket changes, the server comes back.
  void lose_the_server(testing::Program& program) {
    const std::uint16_t port = server_->port();
    server_->stop();
    const Reservation reservation(port);
    ASSERT_TRUE(reservation.holds());
    const std::vector<Told> wanted = churn_.round(12);
    expect_failed_passes(std::min(kPassesWithoutServer, most_ / 4), program);
    if (HasFatalFailure()) return;
    start_server(port);
    const std::uint64_t before = passes();
    expect_told(wanted, program);
    lost_passes_ = passes() - before;
  }

  /// Round by round as it happened.
  void expect_history(const std::string& lines, const char* who) {
    std::vector<Told> told = parsed(lines);
    EXPECT_EQ(told.size(), wanted_.size()) << who;
    std::size_t begin = 0;
    for (const std::size_t end : round_ends_) {
      if (end > told.size()) break;
      const auto at = [&told](std::size_t index) {
        return told.begin() + static_cast<std::ptrdiff_t>(index);
      };
      std::sort(at(begin), at(end));
      begin = end;
    }
    ASSERT_EQ(shown(told), shown(wanted_)) << who;
  }

  bool wait_for(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + kPatience;
    while (!condition()) {
      if (Clock::now() > deadline) return false;
      std::this_thread::sleep_for(kLook);
    }
    return true;
  }

  const std::uint64_t most_ = number_of("SLUICE_SERVICE_PASSES", 200);
  const std::uint64_t seed_ = number_of("SLUICE_SERVICE_SEED", 1);
  Random random_{seed_};
  const fake::TemporaryDirectory root_;
  const std::string dir_ = root_ / "mirror";
  const std::string told_by_exec_ = root_ / "told";
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
  Churn churn_{*bucket_, random_, 60, kPartBytes};
  std::vector<Told> wanted_;             ///< so far
  std::vector<std::size_t> round_ends_;  ///< in `wanted_`
  std::uint64_t seen_ = 0;               ///< of the journal
  std::int64_t last_pass_ = 0;
  std::uint64_t lost_passes_ = 0;
};

TEST_F(Service, TellsEveryChangeOnceAndInOrder) {
  SCOPED_TRACE("SLUICE_SERVICE_SEED=" + std::to_string(seed_));
  const std::vector<Told> populated = churn_.round(60);
  testing::Program program(watch());
  expect_told(populated, program);
  ASSERT_FALSE(HasFatalFailure());
  testing::Program follower(command({"changes", dir_, "--json", "--follow"}));

  FootprintRange warm;
  FootprintRange end;
  FootprintRange follower_at_end;
  bool lost_once = false;
  while (passes() < most_) {
    if (!lost_once && passes() >= most_ / 2) {
      lost_once = true;
      lose_the_server(program);
    } else {
      draw_weather();
      expect_told(churn_.round(random_.between(1, 4)), program);
    }
    ASSERT_FALSE(HasFatalFailure());
    if (passes() >= most_ / 5 && !lost_once) warm.add(footprint_of(program.pid()));
    if (passes() >= most_ * 5 / 6) {
      end.add(footprint_of(program.pid()));
      follower_at_end.add(footprint_of(follower.pid()));
    }
  }
  EXPECT_TRUE(lost_once);
  server_->clear_faults();
  expect_told(churn_.round(1), program);
  ASSERT_FALSE(HasFatalFailure());

  testing::Program reader(command({"changes", dir_, "--json"}));
  ASSERT_EQ(reader.wait(kPatience), 0) << reader.err();
  const std::string lines = reader.out();
  expect_history(lines, "sluice changes");
  EXPECT_TRUE(wait_for([&] { return follower.out().size() >= lines.size(); })) << follower.err();
  EXPECT_EQ(follower.out(), lines) << "by --follow";
  const auto told_by_exec = [this] {
    return std::filesystem::exists(told_by_exec_) ? fake::read_file(told_by_exec_) : std::string();
  };
  EXPECT_TRUE(wait_for([&] { return told_by_exec().size() >= lines.size(); }));
  EXPECT_EQ(told_by_exec(), lines) << "by --exec";

  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 128 + SIGTERM) << program.err();
  EXPECT_TRUE(fake::tree_of(dir_) == churn_.now()) << "the mirror is not the bucket";
  follower.signal(SIGTERM);
  EXPECT_EQ(follower.wait(), 128 + SIGTERM);

  std::cout << "SLUICE_SERVICE_SEED=" << seed_ << ": " << passes() << " passes and " << lost_passes_
            << " without a server, " << wanted_.size() << " changes; at most "
            << warm.most.resident_kib << " KiB and " << warm.most.descriptors
            << " descriptors before the server went, at least " << end.least.resident_kib
            << " KiB and " << end.least.descriptors << " in the end\n";
  // What passes take goes up and down; what they leave only up.
  if (!kKeepsWhatWasFreed) {
    constexpr std::uint64_t kHeapOfAPassKib = 2048;  // more or less of it, from pass to pass
    EXPECT_LT(end.least.resident_kib, warm.most.resident_kib * 105 / 100 + kHeapOfAPassKib);
  }
  // Of eight transfers not all need have run before.
  EXPECT_LE(end.least.descriptors, warm.most.descriptors + 8);
  EXPECT_LE(follower_at_end.least.descriptors, 16U) << "of the one that follows";
}

}  // namespace
}  // namespace sluice::chaos

int main(int argc, char** argv) {
  return sluice::chaos::run_in_memory(argc, argv);
}
