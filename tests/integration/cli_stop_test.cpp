// SIGTERM and SIGINT in every phase of a watch: it ends within five seconds, whatever it waits for,
// and the next run goes on from there.
#include "cli_fixture.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kMostToStop = 5s;
constexpr auto kPatience = 60s;

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Or only not waited for by whoever inherited it.
bool has_ended(int pid) {
  std::ifstream state("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(state, line);
  return line.empty() || line.find(") Z ") != std::string::npos;
}

/// Takes connections, and never says a word.
class MuteServer {
 public:
  MuteServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool listens = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                         ::listen(fd_, 16) == 0 &&
                         ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    EXPECT_TRUE(listens);
    port_ = ntohs(address.sin_port);
  }
  ~MuteServer() { ::close(fd_); }
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  bool wait_for_caller() const {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1;
  }

 private:
  const int fd_;
  std::uint16_t port_ = 0;
};

class CliStop : public Cli, public ::testing::WithParamInterface<int> {
 protected:
  Words watch(Words more = {}) const {
    Words words = {"watch", "s3://photos", dir(), "--interval", "1h", "--delete"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// "a" and "b" are mirrored, and the next pass is an hour away.
  std::unique_ptr<Program> settled_watch(Words more = {}) {
    bucket_->put("a", "one");
    bucket_->put("b", "two");
    auto program = std::make_unique<Program>(options(watch(std::move(more))));
    EXPECT_TRUE(program->wait_for("pass done", kPatience)) << program->err();
    server_->clear_requests();
    return program;
  }
  bool wait_for_request(Operation operation, std::string_view key = {}) const {
    return wait_until([&] {
      for (const auto& request : server_->requests())
        if (request.operation == operation && request.key == key) return true;
      return false;
    });
  }

  void expect_stop(Program& program, int signal) {
    const auto sent = Clock::now();
    program.signal(signal);
    EXPECT_EQ(program.wait(kPatience), 128 + signal) << program.err();
    EXPECT_LT(Clock::now() - sent, kMostToStop);
    for (const auto& [path, content] : tree_of(dir()))
      EXPECT_TRUE(bucket_->was_ever(path, content)) << path << " is torn";
  }
  void expect_stop(Program& program) {
    expect_stop(program, GetParam());
    EXPECT_TRUE(has(program.err(), "stopping in order")) << program.err();
  }

  /// Undisturbed, the next run makes the mirror equal to the bucket and leaves nothing behind.
  void expect_next_run_to_finish() {
    server_->clear_faults();
    server_->clear_requests();
    const Ran ran = sync({"--delete"});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
    const auto tree = tree_of(dir());
    EXPECT_EQ(tree.size(), bucket_->size());
    for (const std::string& key : bucket_->keys()) {
      ASSERT_TRUE(tree.contains(key)) << key;
      EXPECT_TRUE(bucket_->was_ever(key, tree.at(key))) << key;
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir() + "/.sluice/staging"))
      EXPECT_FALSE(entry.is_regular_file()) << entry.path();
  }
};

INSTANTIATE_TEST_SUITE_P(Signals, CliStop, ::testing::Values(SIGTERM, SIGINT),
                         [](const auto& instance) {
                           return std::string(instance.param == SIGTERM ? "Terminate"
                                                                        : "Interrupt");
                         });

TEST_P(CliStop, BetweenPasses) {
  const auto program = settled_watch();
  expect_stop(*program);
  expect_next_run_to_finish();
  EXPECT_EQ(requests(Operation::get), 0U) << "nothing was left to do";
}

TEST_P(CliStop, WhileItLists) {
  const auto program = settled_watch();
  bucket_->put("c", "three");
  server_->set_faults({rule(Operation::list, faults::stall(0))});
  program->signal(SIGUSR1);
  ASSERT_TRUE(wait_for_request(Operation::list)) << program->err();
  expect_stop(*program);
  expect_next_run_to_finish();
}

TEST_P(CliStop, WhileItDownloads) {
  constexpr std::uint64_t kMiB = 1 << 20;
  const auto program = settled_watch({"--part-size", "1MiB", "--transfers", "2"});
  bucket_->put_generated("big", 16 * kMiB, 7);
  origin::Rule second_half = rule(Operation::get, faults::stall(1000), "big");
  second_half.match.bytes = origin::Match::Bytes{8 * kMiB, 16 * kMiB};
  server_->set_faults({second_half});
  program->signal(SIGUSR1);
  // Eight parts have come, two do not get on.
  ASSERT_TRUE(wait_until([&] { return requests(Operation::get) >= 10; })) << program->err();
  expect_stop(*program);
  EXPECT_FALSE(tree_of(dir()).contains("big"));
  expect_next_run_to_finish();
  EXPECT_LT(server_->counts().body_bytes_sent, 10 * kMiB) << "what had come was asked for again";
}

TEST_P(CliStop, WhileItPublishes) {
  const auto program = settled_watch();
  for (int i = 0; i < 300; ++i)
    bucket_->put("many/" + std::to_string(i), "number " + std::to_string(i));
  program->signal(SIGUSR1);
  // A file is visible when its group is being published.
  ASSERT_TRUE(wait_until([&] {
    std::error_code none_yet;
    return std::filesystem::directory_iterator(dir() + "/many", none_yet) !=
           std::filesystem::directory_iterator();
  })) << program->err();
  expect_stop(*program);
  expect_next_run_to_finish();
}

TEST_P(CliStop, AtAnyMomentOfAPass) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::chrono::microseconds usual = 100ms;
  for (int cycle = 0; cycle < 6; ++cycle) {
    const auto program = settled_watch({"--part-size", "64KiB"});
    for (int i = 0; i < 60; ++i)
      bucket_->put("k" + std::to_string(random() % 200), std::string(random() % 200'000, 'x'));
    const auto began = Clock::now();
    program->signal(SIGUSR1);
    if (cycle == 0) {
      ASSERT_TRUE(wait_until([&] {
        const std::string err = program->err();
        return err.find("pass done") != err.rfind("pass done");
      })) << program->err();
      usual = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    } else {
      std::this_thread::sleep_for(usual * (random() % 1000) / 1000);
    }
    expect_stop(*program);
    if (HasFailure()) return;
  }
  expect_next_run_to_finish();
}

TEST_P(CliStop, WhileItAsksWhetherAKeyHasGone) {
  const auto program = settled_watch();
  bucket_->remove("b");
  server_->set_faults({rule(Operation::get, faults::stall(0), "b")});
  program->signal(SIGUSR1);
  ASSERT_TRUE(wait_for_request(Operation::get, "b")) << program->err();
  expect_stop(*program);
  EXPECT_TRUE(tree_of(dir()).contains("b")) << "nobody has said that it is gone";
  expect_next_run_to_finish();
}

TEST_P(CliStop, AfterAPassThatFailed) {
  const auto program = settled_watch();
  bucket_->put("c", "three");
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  program->signal(SIGUSR1);
  ASSERT_TRUE(program->wait_for("; tried again in ", kPatience)) << program->err();
  expect_stop(*program);
  expect_next_run_to_finish();
}

TEST_P(CliStop, BetweenTriesOfARequest) {
  const auto program = settled_watch({"--log-level", "debug"});
  bucket_->put("c", "three");
  server_->set_faults(
      {rule(Operation::get, faults::status(503, "SlowDown", "", {{"Retry-After", "60"}}))});
  program->signal(SIGUSR1);
  ASSERT_TRUE(wait_for_request(Operation::get, "c")) << program->err();
  ASSERT_TRUE(program->wait_for("; again in ", kPatience)) << program->err();
  expect_stop(*program);
  expect_next_run_to_finish();
}

TEST_P(CliStop, WhileNobodyListensAtTheEndpoint) {
  const auto program = settled_watch({"--log-level", "debug"});
  server_->stop();
  program->signal(SIGUSR1);
  ASSERT_TRUE(program->wait_for("; again in ", kPatience)) << program->err();
  expect_stop(*program);
  serve(with_credentials());
  expect_next_run_to_finish();
}

TEST_P(CliStop, WhileTheServerSaysNothingToTls) {
  bucket_->put("a", "one");
  const MuteServer mute;
  environment_["AWS_ENDPOINT_URL"] = "https://" + mute.address();
  Program program(options(watch()));
  ASSERT_TRUE(mute.wait_for_caller()) << program.err();
  expect_stop(program);
}

TEST_P(CliStop, WhileAProgramIsAskedForCredentials) {
  bucket_->put("a", "one");
  const std::string pid_file = work_ / "pid";
  const std::string script = work_ / "credentials.sh";
  write_file(script, "echo $$ > " + pid_file + ".new; mv " + pid_file + ".new " + pid_file +
                         "; sleep 1000");
  const std::string config = work_ / "config";
  write_file(config, "[default]\ncredential_process = /bin/sh " + script + "\n");
  const auto with_keys = environment_;
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  environment_["AWS_CONFIG_FILE"] = config;
  Program program(options(watch()));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(pid_file); })) << program.err();
  expect_stop(program);
  const int pid = std::stoi(read_file(pid_file));
  EXPECT_TRUE(wait_until([&] { return has_ended(pid); })) << "the program goes on";
  environment_ = with_keys;
  expect_next_run_to_finish();
}

TEST_P(CliStop, WhileAServiceIsAskedForCredentials) {
  bucket_->put("a", "one");
  const MuteServer mute;
  const auto with_keys = environment_;
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + mute.address() + "/";
  Program program(options(watch()));
  ASSERT_TRUE(mute.wait_for_caller()) << program.err();
  expect_stop(program);
  environment_ = with_keys;
  expect_next_run_to_finish();
}

// --- what runs beside the passes ---

class CliStopBeside : public CliStop {
 protected:
  /// A command that takes its time, and has to be killed.
  std::string stubborn() const {
    return "trap '' TERM; echo $$ > " + pid_file() + ".new; mv " + pid_file() + ".new " +
           pid_file() + "; while :; do sleep 0.2; done";
  }
  std::string pid_file() const { return work_ / "pid"; }
  void TearDown() override {
    if (!std::filesystem::exists(pid_file())) return;
    const int pid = std::stoi(read_file(pid_file()));
    if (!has_ended(pid)) ::kill(-pid, SIGKILL);  // it leads a group
  }
  void expect_command_gone() const {
    const int pid = std::stoi(read_file(pid_file()));
    EXPECT_TRUE(wait_until([&] { return has_ended(pid); })) << "the command goes on";
  }
  /// What the command has not taken comes again.
  void expect_changes_to_come_again(std::string_view key) {
    const std::string told = work_ / "told";
    EXPECT_EQ(run(watch({"--once", "--exec", "cat > " + told})).status, 0);
    EXPECT_TRUE(has(read_file(told), key)) << read_file(told);
  }
};

INSTANTIATE_TEST_SUITE_P(Signals, CliStopBeside, ::testing::Values(SIGTERM));

TEST_P(CliStopBeside, WhileACommandRunsThatDoesNotWantToEnd) {
  bucket_->put("a", "one");
  Program program(options(watch({"--exec", stubborn()})));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(pid_file()); })) << program.err();
  expect_stop(program);
  expect_command_gone();
  expect_changes_to_come_again("\"key\":\"a\"");
}

TEST_P(CliStopBeside, WhileTheCommandOfTheLastPassRuns) {
  bucket_->put("a", "one");
  Program program(options(watch({"--once", "--exec", stubborn()})));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(pid_file()); })) << program.err();
  expect_stop(program);
  expect_command_gone();
  expect_changes_to_come_again("\"key\":\"a\"");
}

/// Standard output is a pipe that is full, and whoever has its other end does not read.
class CliStopUnread : public CliStop {
 protected:
  void SetUp() override {
    CliStop::SetUp();
    if (IsSkipped()) return;
    const std::string pipe = work_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    reader_ = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(reader_, 0);
    ASSERT_GT(::fcntl(reader_, F_SETPIPE_SZ, 4096), 0);
    for (int i = 0; i < 150; ++i)
      bucket_->put(std::string(60, 'x') + std::to_string(i), "x");
    ProgramOptions unread = options(watch());
    unread.arguments.insert(unread.arguments.begin(),
                            {"-c", "exec \"$@\" > " + pipe, "sh", unread.path});
    unread.path = "/bin/sh";
    program_ = std::make_unique<Program>(unread);
    // Nothing more goes into the pipe.
    ASSERT_TRUE(wait_until([this] {
      pollfd room{.fd = reader_, .events = POLLOUT, .revents = 0};
      return ::poll(&room, 1, 0) == 0;
    })) << program_->err();
  }
  void TearDown() override {
    program_.reset();
    if (reader_ >= 0) ::close(reader_);
  }

  std::unique_ptr<Program> program_;
  int reader_ = -1;
};

INSTANTIATE_TEST_SUITE_P(Signals, CliStopUnread, ::testing::Values(SIGTERM));

TEST_P(CliStopUnread, EndsAllTheSame) {
  expect_stop(*program_, GetParam());
  expect_next_run_to_finish();
}

TEST_P(CliStopUnread, EndsAtOnceWithTheSecondSignal) {
  program_->signal(SIGUSR1);  // whose words nobody reads either
  program_->signal(SIGINT);
  ASSERT_FALSE(program_->wait(200ms)) << "how? " << program_->err();
  const auto sent = Clock::now();
  program_->signal(GetParam());
  EXPECT_EQ(program_->wait(kPatience), 128 + GetParam()) << program_->err();
  EXPECT_LT(Clock::now() - sent, 2s);
}

}  // namespace
}  // namespace sluice::testing
