// What a service manager is told: the notify protocol, spoken with a socket of the test's own.
#include "cli_fixture.hpp"

#include <simdjson.h>

#include <csignal>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

/// The manager's end.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path) : path_(std::move(path)) {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      ADD_FAILURE() << "cannot bind " << path_;
  }
  ~NotifySocket() { ::close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// Reads until a message begins so; all that came stands in `heard`.
  bool hears(std::string_view beginning, std::chrono::milliseconds most = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, 50) <= 0) continue;
      char buffer[4096];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      const std::string message(buffer, static_cast<std::size_t>(got));
      heard += message + '\n';
      if (message.starts_with(beginning)) return true;
    }
    return false;
  }

  std::string heard;

 private:
  const std::string path_;
  int fd_ = -1;
};

class CliService : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    environment_["NOTIFY_SOCKET"] = work_ / "notify";
    manager_ = std::make_unique<NotifySocket>(work_ / "notify");
  }
  std::unique_ptr<NotifySocket> manager_;
};

TEST_F(CliService, TheManagerFollowsAWatch) {
  bucket_->put("a", "one");
  environment_["WATCHDOG_USEC"] = "400000";
  Program program(options({"watch", "s3://photos", dir(), "--interval", "1h", "--exec",
                           "env > " + (work_ / "environment")}));
  ASSERT_TRUE(manager_->hears("READY=1")) << manager_->heard;
  ASSERT_TRUE(manager_->hears("STATUS=last pass: 1 fetched")) << manager_->heard;
  EXPECT_TRUE(has(manager_->heard, "; the next in ")) << manager_->heard;
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(manager_->hears("WATCHDOG=1")) << manager_->heard;

  program.signal(SIGHUP);
  ASSERT_TRUE(manager_->hears("RELOADING=1\nMONOTONIC_USEC=")) << manager_->heard;
  ASSERT_TRUE(manager_->hears("READY=1")) << manager_->heard;

  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  program.signal(SIGUSR1);
  ASSERT_TRUE(manager_->hears("STATUS=1 pass in a row failed, tried again in ")) << manager_->heard;
  program.signal(SIGTERM);
  EXPECT_TRUE(manager_->hears("STOPPING=1")) << manager_->heard;
  EXPECT_EQ(program.wait(5s), 143) << program.err();
  EXPECT_FALSE(has(read_file(work_ / "environment"), "NOTIFY_SOCKET"))
      << "what --exec starts must not speak for us";
}

TEST_F(CliService, ItIsNotReadyBeforeItsMirrorIsOpen) {
  write_file(dir(), "no folder");
  EXPECT_EQ(run({"watch", "s3://photos", dir()}).status, 6);
  EXPECT_FALSE(manager_->hears("READY=1", 100ms)) << manager_->heard;
}

TEST_F(CliService, WithoutAManagerOrAWatchdogNothingIsSaid) {
  bucket_->put("a", "one");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(manager_->hears("STATUS=last pass")) << manager_->heard;
  EXPECT_FALSE(manager_->hears("WATCHDOG=1", 300ms)) << manager_->heard;
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(5s), 130);
  environment_["NOTIFY_SOCKET"] = work_ / "nobody";
  EXPECT_EQ(run({"watch", "s3://photos", dir(), "--once"}).status, 0);
}

// --- the log for machines ---

TEST_F(Cli, TheLogIsJsonThroughAndThrough) {
  bucket_->put("good", "x");
  bucket_->put("den\"ied", "x");
  server_->set_faults({rule(Operation::get, faults::status(403, "AccessDenied"), "den\"ied")});
  const std::string log = work_ / "log";
  const Ran ran = sync({"--log-format", "json", "--log-file", log, "-v"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_TRUE(has(ran.out, "fetched good")) << "results stay text: " << ran.out;
  simdjson::dom::parser parser;
  for (const std::string& text : {ran.err, read_file(log)}) {
    bool told = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      simdjson::dom::element entry;
      ASSERT_EQ(parser.parse(line).get(entry), simdjson::SUCCESS) << line;
      for (const char* field : {"time", "level", "message"})
        EXPECT_TRUE(entry[field].is_string()) << line;
      std::string_view code;
      if (entry["error"]["code"].get(code) != simdjson::SUCCESS) continue;
      told = true;
      EXPECT_EQ(code, "AccessDenied");
      EXPECT_EQ(std::string_view(entry["key"]), "den\"ied");
      EXPECT_EQ(std::string_view(entry["level"]), "error");
    }
    EXPECT_TRUE(told) << text;
  }
  EXPECT_TRUE(has(read_file(log), R"("what":"fetched","key":"good")")) << read_file(log);
}

TEST_F(CliService, TheJournalHasTimesOfItsOwn) {
  bucket_->put("a", "one");
  environment_["SLUICE_LOG_FORMAT"] = "journal";
  Program program(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(program.wait_for("<6>pass done")) << program.err();
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  program.signal(SIGUSR1);
  ASSERT_TRUE(program.wait_for("\n<3>")) << program.err();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 143) << program.err();
  EXPECT_TRUE(std::regex_match(program.err(), std::regex("(<[346]>[^<].*\n)+"))) << program.err();
  EXPECT_TRUE(program.out().starts_with("fetched a (3 B")) << program.out();
}

}  // namespace
}  // namespace sluice::testing
