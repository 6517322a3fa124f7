// The executable, as scripts use it. Its path is in $SLUICE_ORIGIN.
#include "client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace sluice::origin {
namespace {

using test::Client;
using testing::HasSubstr;
using testing::Not;

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SLUICE_ORIGIN") == nullptr) GTEST_SKIP() << "$SLUICE_ORIGIN is not set";
    std::string name = std::filesystem::temp_directory_path() / "origin-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override {
    if (child > 0) ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
    std::filesystem::remove_all(root);
  }

  void start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::getenv("SLUICE_ORIGIN"));
    std::vector<char*> argv;
    for (std::string& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::string key = "AWS_ACCESS_KEY_ID=AKIDTEST";
    std::string secret = "AWS_SECRET_ACCESS_KEY=secret";
    char* environment[] = {key.data(), secret.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string out = root / "out";
    for (const int fd : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, fd, out.c_str(), O_CREAT | O_WRONLY | O_APPEND,
                                       0600);
    }
    ASSERT_EQ(::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(child, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::uint16_t port() {
    for (int i = 0; i < 1000; ++i) {
      const std::string text = read("port");
      if (!text.empty()) return static_cast<std::uint16_t>(std::stoi(text));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("no port file: " + read("out"));
  }
  std::string path(const char* name) const { return root / name; }
  std::string read(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(root / name).rdbuf();
    return text.str();
  }
  void write(const char* name, const std::string& bytes) const {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name) << bytes;
  }

  std::filesystem::path root;
  pid_t child = 0;
};

TEST_F(ProgramTest, ServesADirectory) {
  write("tree/a/b", "hello");
  write("faults.json", R"({"rules": [{"match": {"from": 2}, "action": {"kind": "status",
                          "code": "SlowDown"}}]})");
  start({"--dir", path("tree"), "--bucket", "photos", "--port-file", path("port"), "--log",
         path("log"), "--faults", path("faults.json"), "--seed", "5", "--exit-with-parent"});
  Client client(port());
  EXPECT_EQ(client.get("/photos/a/b").body, "hello");
  EXPECT_EQ(client.get("/photos/a/b").status, 503);
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_THAT(read("log"), HasSubstr(R"("key":"a/b")"));
  EXPECT_THAT(read("log"), HasSubstr(R"("faults":["status"])"));
  EXPECT_THAT(read("out"), HasSubstr("seed 5"));
}

TEST_F(ProgramTest, ServesTlsAndMadeUpObjects) {
  start({"--synthetic", "counter:10:100", "--tls-self-signed", path("tls"), "--port-file",
         path("port"), "--threads", "2"});
  const std::uint16_t at = port();
  Client client(at, read("tls/ca.pem"), "localhost");
  EXPECT_EQ(client.get("/demo/item-000000000003").body.size(), 100u);
  ::kill(child, SIGINT);
  EXPECT_EQ(wait(), 0);
}

TEST_F(ProgramTest, HandsOutCredentials) {
  start({"--synthetic", "counter:10:100", "--services", "container,sts", "--service-token", "t0k",
         "--credential-lifetime", "60", "--port-file", path("port"), "--log", path("log")});
  Client client(port());
  const std::string ask = "GET /v1/credentials HTTP/1.1\r\nHost: h\r\nAuthorization: ";
  client.send(ask + "other\r\n\r\n");
  EXPECT_EQ(client.receive().status, 401);
  client.send(ask + "t0k\r\n\r\n");
  EXPECT_THAT(client.receive().body, HasSubstr("\"AccessKeyId\": \"ASIATASK0"));
  client.send("GET /latest/api/token HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive().status, 403) << "not switched on: a bucket";
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_THAT(read("log"), HasSubstr(R"("operation":"container")"));
  EXPECT_THAT(read("log"), Not(HasSubstr("t0k")));
}

TEST_F(ProgramTest, Mistakes) {
  struct Case {
    std::vector<std::string> arguments;
    int status;
    const char* message;
  };
  const Case cases[] = {
      {{"--help"}, 0, "--self-signed"},
      {{}, 2, "either --dir or --synthetic"},
      {{"--dir", "/nonexistent-directory"}, 1, "No such file"},
      {{"--synthetic", "what:1"}, 2, "no key set"},
      {{"--synthetic", "counter:1", "--listen", "x"}, 2, "ADDRESS:PORT"},
      {{"--synthetic", "counter:1", "--faults", "/nonexistent"}, 1, "cannot read"},
      {{"--synthetic", "counter:1", "--tls-cert", "x"}, 2, "--tls-key"},
      {{"--synthetic", "counter:1", "--services", "imds,what"}, 2, "what not in"},
      {{"--synthetic", "counter:1", "--region", "x", "--redirect=302"}, 2, "302"},
      {{"--synthetic", "counter:1", "--redirect-to", "http://x"}, 2, "--redirect"},
      {{"--unknown"}, 2, "unknown"},
  };
  for (const Case& c : cases) {
    start(c.arguments);
    EXPECT_EQ(wait(), c.status) << c.message;
    if (c.status != 0) {
      EXPECT_THAT(read("out"), HasSubstr(c.message));
    }
    std::filesystem::remove(root / "out");
  }
}

}  // namespace
}  // namespace sluice::origin
