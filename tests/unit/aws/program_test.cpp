#include "aws/program.hpp"

#include "async/group.hpp"
#include "async/runtime.hpp"
#include "aws/command_line.hpp"
#include "aws/providers.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

TEST(SplitWords, AsAPosixShellQuotes) {
  using Words = std::vector<std::string>;
  const std::pair<const char*, Words> rows[] = {
      {"a", {"a"}},
      {"  a \t b\n", {"a", "b"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a'b'\"c\"d", {"abcd"}},
      {R"(a "x\"y\\z\n")", {"a", R"(x"y\z\n)"}},
      {R"(a 'x\"')", {"a", R"(x\")"}},
      {R"(C:\\x a\ b)", {R"(C:\x)", "a b"}},
      {"a '' \"\"", {"a", "", ""}},
      {"a | b $HOME ~ *;", {"a", "|", "b", "$HOME", "~", "*;"}},
  };
  for (const auto& [line, expected] : rows) {
    const auto words = split_words(line);
    ASSERT_TRUE(words) << line;
    EXPECT_EQ(*words, expected) << line;
  }
  for (const char* bad : {"", "  ", "a 'b", "a \"b", "a \\", "''"})
    EXPECT_FALSE(split_words(bad)) << bad;
  EXPECT_FALSE(split_words(std::string_view("a\0b", 3)));
  EXPECT_FALSE(split_words(std::string_view("a \\\0b", 5)));
}

async::Task<void> run_into(std::vector<std::string> words, ProgramLimits limits,
                           std::optional<Result<ProgramOutcome>>& out) {
  Result<ProgramOutcome> outcome = co_await run_program(std::move(words), limits);
  out.emplace(std::move(outcome));
}

async::Task<void> credentials_into(std::string command_line,
                                   std::optional<Result<Credentials>>& out) {
  Result<Credentials> found = co_await credentials_from_program(std::move(command_line), "SETTING");
  out.emplace(std::move(found));
}

class Program : public tests::SharedFiles {
 protected:
  ProgramOutcome run(const std::string& script, ProgramLimits limits = {}) {
    std::optional<Result<ProgramOutcome>> out;
    async::make_threaded_runtime({})->run([&] {
      return run_into({"/bin/sh", "-c", script}, limits, out);
    });
    return out.value().value();
  }

  std::string found(const std::string& script) {
    const auto path = home_ / "program";
    write(path, "#!/bin/sh\n" + script);
    if (::chmod(path.c_str(), 0700) != 0) throw std::runtime_error("chmod failed");
    std::optional<Result<Credentials>> out;
    async::make_threaded_runtime({})->run(
        [&] { return credentials_into(path.string() + " an-argument", out); });
    if (!*out) {
      EXPECT_EQ(out->error().kind, ErrorKind::credentials);
      return "error: " + out->error().message;
    }
    const Credentials& got = **out;
    return got.access_key + ' ' + got.secret_key + ' ' + got.session_token;
  }
};

TEST_F(Program, OutputErrorsAndStatus) {
  const ProgramOutcome outcome = run("echo out; echo err >&2; exit 3");
  EXPECT_EQ(outcome.output, "out\n");
  EXPECT_EQ(outcome.errors, "err\n");
  EXPECT_EQ(WEXITSTATUS(outcome.status), 3);
}

TEST_F(Program, InheritsNothing) {
  const int open = ::open("/dev/null", O_RDONLY);  // not even without O_CLOEXEC
  ASSERT_GE(open, 3);
  EXPECT_EQ(
      run("cat; for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f; done; true").output,
      "");
  ::close(open);
}

TEST_F(Program, SignalsAreAsUsual) {
  ::signal(SIGPIPE, SIG_IGN);
  const ProgramOutcome outcome = run("kill -PIPE $$; echo still here");
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(WIFSIGNALED(outcome.status));
}

TEST_F(Program, LimitsOfTimeAndOutput) {
  ProgramLimits limits;
  limits.time = 300ms;
  const SteadyTime start = SteadyClock::now();
  EXPECT_TRUE(run("sleep 600 & sleep 600", limits).timed_out);
  EXPECT_LT(SteadyClock::now() - start, 100s);
  limits.time = 60s;
  limits.output_bytes = 1000;
  EXPECT_TRUE(run("while :; do echo 0123456789; done", limits).too_much_output);
  limits.error_bytes = 10;
  EXPECT_EQ(run("i=0; while [ $i -lt 2000 ]; do echo 0123456789 >&2; i=$((i+1)); done; "
                "printf the-end >&2",
                limits)
                .errors,
            "89\nthe-end");
}

TEST_F(Program, WhoeverItLeavesBehindIsNotWaitedFor) {
  ProgramLimits limits;
  limits.time = 300s;
  const ProgramOutcome outcome = run("sleep 1000 & echo $!", limits);
  const pid_t left_behind = std::stoi(outcome.output);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(::kill(left_behind, SIGKILL), 0) << "it may be an agent that is meant to stay";
}

TEST_F(Program, CancellingKillsIt) {
  const auto pid_file = home_ / "pid";
  std::optional<Result<ProgramOutcome>> out;
  pid_t pid = 0;
  const auto runtime = async::make_threaded_runtime({});
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    std::vector<std::string> words = {"/bin/sh", "-c",
                                      "echo $$ > " + pid_file.string() + ".new; mv " +
                                          pid_file.string() + ".new " + pid_file.string() +
                                          "; exec sleep 1000"};
    group.spawn(runtime->executor(async::Role::control),
                run_into(std::move(words), ProgramLimits(), out));
    while (!std::filesystem::exists(pid_file))
      co_await runtime->sleep_for(5ms);
    std::ifstream(pid_file) >> pid;
    group.cancel();
    co_await group.join();
  });
  EXPECT_FALSE(out);
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(Program, Credentials) {
  EXPECT_EQ(found(R"(echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}')"), "A s ");
  EXPECT_EQ(found(R"(echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s",
    "SessionToken": "t", "Expiration": "2040-01-02T03:04:05+00:00"}')"),
            "A s t");
}

TEST_F(Program, FailuresSayWhyAndQuoteNoOutput) {
  const std::string who =
      "error: SETTING: the program " + (home_ / "program").string() + " failed: ";
  const std::pair<const char*, std::string> rows[] = {
      {"echo SECRET; echo no such vault >&2; exit 7",
       "it ended with status 7 and said: no such vault"},
      {"echo SECRET; kill -TERM $$", "it was ended by signal 15"},
      {"echo SECRET", "its output is not usable: it is no JSON object"},
      {R"(echo '{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "SECRET"}')",
       "its output is not usable: its Version is not 1"},
      {R"(echo '{"Version": 1, "SecretAccessKey": "SECRET"}')",
       "its output is not usable: it has no AccessKeyId"},
      {"printf 'a\\033[2Jb' >&2; exit 1", "it ended with status 1 and said: a\\x1b[2Jb"},
  };
  for (const auto& [script, expected] : rows)
    EXPECT_EQ(found(script), who + expected);
}

TEST_F(Program, OneThatIsNotThere) {
  std::optional<Result<Credentials>> out;
  async::make_threaded_runtime({})->run(
      [&] { return credentials_into("/nowhere/program --key SECRET", out); });
  ASSERT_FALSE(*out);
  EXPECT_EQ(out->error().kind, ErrorKind::credentials);
  EXPECT_NE(out->error().message.find("SETTING: cannot run /nowhere/program: No such file"),
            std::string::npos)
      << out->error().message;
  EXPECT_EQ(out->error().message.find("SECRET"), std::string::npos);
}

}  // namespace
}  // namespace sluice::aws
