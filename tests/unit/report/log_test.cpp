#include "report/log.hpp"

#include "captured.hpp"
#include "report/reporter.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace sluice::report {
namespace {

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sluice-log-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ / "log"; }
  std::string file() const {
    std::ostringstream out;
    out << std::ifstream(path()).rdbuf();
    return out.str();
  }
  std::unique_ptr<Log> open(LogOptions options) {
    auto log = Log::open(options, terminal_);
    return log ? *std::move(log) : nullptr;
  }
  bool has_stamped(const std::string& line) const {
    return std::regex_search(file(), std::regex(R"(\d{4}-\d\d-\d\dT[0-9:.]+Z)" + line));
  }
  std::string err() { return captured_.err.text(); }
  std::string out() {
    terminal_.flush();
    return captured_.out.text();
  }

  std::filesystem::path folder_;
  Captured captured_;
  Terminal terminal_{captured_.plain()};
};

ObjectEvent event(What what, std::string_view key) {
  ObjectEvent out;
  out.what = what;
  out.key = key;
  out.size = 10;
  return out;
}

TEST_F(LogTest, NamesTheProgramAndTheLevel) {
  const auto log = open({});
  log->write(Level::error, "e");
  log->write(Level::warning, "w");
  log->write(Level::info, "i {} %v");
  log->write(Level::debug, "d");
  EXPECT_EQ(err(), "sluice: error: e\nsluice: warning: w\nsluice: i {} %v\n");
}

TEST_F(LogTest, StampsLinesWhereAsked) {
  LogOptions options;
  options.stamp = Stamp::utc;
  options.terminal_level = Level::debug;
  open(options)->write(Level::debug, "d");
  EXPECT_TRUE(
      std::regex_match(err(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z debug: d\n)")))
      << err();
}

TEST_F(LogTest, EscapesWhatCouldForgeALine) {
  LogOptions options;
  options.file = path();
  open(options)->write(Level::error, "key a\x1b[31m\nsluice: forged \\x1b");
  EXPECT_EQ(err(), "sluice: error: key a\\x1b[31m\\x0asluice: forged \\x1b\n");
  EXPECT_NE(file().find("key a\\x1b[31m\\x0asluice: forged \\x1b\n"), std::string::npos);
}

TEST_F(LogTest, AppendsToItsFileWithALevelOfItsOwn) {
  std::ofstream(path()) << "before\n";
  LogOptions options;
  options.file = path();
  options.terminal_level = Level::error;
  options.file_level = Level::info;
  {
    const auto log = open(options);
    log->write(Level::info, "noted");
    log->write(Level::debug, "lost");
    log->record(Level::info, "object");
    EXPECT_TRUE(log->records(Level::info));
    EXPECT_FALSE(log->records(Level::debug));
  }
  EXPECT_EQ(err(), "");
  const std::string stamp = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )";
  EXPECT_TRUE(std::regex_match(
      file(), std::regex("before\n" + stamp + "info noted\n" + stamp + "info object\n")))
      << file();
}

TEST_F(LogTest, SaysWhyTheFileCannotBeOpened) {
  LogOptions options;
  options.file = folder_ / "missing" / "log";
  const auto log = Log::open(options, terminal_);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().kind, ErrorKind::local);
  EXPECT_EQ(log.error().os_error, ENOENT);
  EXPECT_NE(log.error().message.find(options.file), std::string::npos) << log.error().message;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "missing"));
}

TEST_F(LogTest, AnErrorHasItsDetailsOnASecondLine) {
  Error error(ErrorKind::denied, "access to b is denied");
  error.http_status = 403;
  open({})->write(error);
  EXPECT_EQ(err(),
            "sluice: error: access to b is denied\n"
            "sluice: error:   the server said: HTTP 403\n");
}

TEST_F(LogTest, IsJsonOnTheTerminalAndInTheFile) {
  LogOptions options;
  options.file = path();
  options.format = LogFormat::json;
  options.stamp = Stamp::utc;
  {
    const auto log = open(options);
    log->write(Level::warning, "key \"a\"\n\x1b");
    log->write(Level::debug, "lost");
    Error error(ErrorKind::denied, "no access");
    error.http_status = 403;
    log->write(error);
    Reporter reporter({}, terminal_, *log);
    reporter.on_object(event(What::fetched, "k\xff"));
  }
  const std::string time = R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",)";
  const std::string said =
      time + R"("level":"warning","message":"key \\"a\\"\\u000a\\u001b"\}\n)" + time +
      R"("level":"error","message":"no access",)" +
      R"("error":\{"kind":"denied","message":"no access","http_status":403\}\}\n)";
  EXPECT_TRUE(std::regex_match(err(), std::regex(said))) << err();
  const std::string object = time + R"x("level":"info","message":"fetched k\\\\xff \(10 B\)",)x" +
                             R"("what":"fetched","key":"k[^"]+","key_base64":"a/8=",)" +
                             R"("size_bytes":10\}\n)";
  EXPECT_TRUE(std::regex_match(file(), std::regex(said + object))) << file();
}

TEST_F(LogTest, HasPrioritiesForTheJournalAndTextInTheFile) {
  LogOptions options;
  options.file = path();
  options.format = LogFormat::journal;
  options.stamp = Stamp::utc;
  options.terminal_level = Level::debug;
  {
    const auto log = open(options);
    log->write(Level::error, "e\n<0>forged");
    log->write(Level::warning, "w");
    log->write(Level::info, "i");
    log->write(Level::debug, "d");
  }
  EXPECT_EQ(err(), "<3>e\\x0a<0>forged\n<4>w\n<6>i\n<7>d\n");
  EXPECT_TRUE(has_stamped(" warning w\n")) << file();
}

TEST_F(LogTest, ReporterSendsResultsOutAndComplaintsToTheLog) {
  const auto log = open({});
  Reporter reporter({}, terminal_, *log);
  const Error error(ErrorKind::corrupt, "b is corrupt");
  ObjectEvent failed = event(What::failed, "b");
  failed.error = &error;
  reporter.on_object(event(What::fetched, "a"));
  reporter.on_object(event(What::kept, "k"));
  reporter.on_object(event(What::vanished, "v"));
  reporter.on_object(event(What::archived, "c"));
  reporter.on_object(failed);
  reporter.on_message(Level::info, "hello");
  EXPECT_EQ(out(), "fetched a (10 B)\n");
  EXPECT_EQ(err(), "sluice: warning: archived c\nsluice: error: b is corrupt\nsluice: hello\n");
}

TEST_F(LogTest, ReporterShowsDetailsOnlyWhenAsked) {
  const auto log = open({});
  ReporterOptions options;
  options.details = true;
  Reporter reporter(options, terminal_, *log);
  ObjectEvent fetched = event(What::fetched, "a");
  fetched.reason = "new";
  reporter.on_object(fetched);
  reporter.on_object(event(What::vanished, "v"));
  reporter.on_object(event(What::kept, "k"));
  EXPECT_EQ(out(), "fetched a (10 B, new)\nvanished v\n");
}

TEST_F(LogTest, ReporterAlwaysShowsADryRunAndRecordsWhatItHides) {
  LogOptions log_options;
  log_options.file = path();
  {
    const auto log = open(log_options);
    ReporterOptions options;
    options.results = false;
    Reporter reporter(options, terminal_, *log);
    ObjectEvent dry = event(What::deleted, "d");
    dry.dry_run = true;
    reporter.on_object(dry);
    reporter.on_object(event(What::fetched, "a"));
  }
  EXPECT_EQ(out(), "would delete d\n");
  EXPECT_NE(file().find(" info would delete d\n"), std::string::npos) << file();
  EXPECT_NE(file().find(" info fetched a (10 B)\n"), std::string::npos) << file();
}

}  // namespace
}  // namespace sluice::report
