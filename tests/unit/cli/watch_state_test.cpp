#include "watch_state.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

class WatchStateTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sluice-state-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::create_directory(dir_ / ".sluice");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path file() const { return dir_ / ".sluice" / "watch"; }
  std::optional<report::LiveWatch> read() const {
    return read_watch_state(dir_, static_cast<std::uint64_t>(::getpid()));
  }
  static PassSummary complete(std::uint64_t lists) {
    PassSummary summary;
    summary.listing_complete = true;
    summary.requests.list = lists;
    return summary;
  }

  std::filesystem::path dir_;
};

TEST_F(WatchStateTest, SaysWhatThereIsToKnow) {
  WatchState state(dir_, 5min, "http://127.0.0.1:9464/");
  EXPECT_FALSE(read()) << "the directory may be somebody else's yet";
  LiveOptions live;
  live.interval = 5min;
  state.on_reload(live);
  EXPECT_FALSE(std::filesystem::exists(file()));

  state.on_pass_started();
  auto now = read();
  ASSERT_TRUE(now);
  EXPECT_EQ(now->interval, 5min);
  EXPECT_EQ(now->url, "http://127.0.0.1:9464/");
  EXPECT_FALSE(now->next_pass_ms);
  EXPECT_EQ(now->list_requests, 0U);
  EXPECT_GE(now->heard_ms + 1000, now->started_ms) << "clocks of file systems are coarse";

  Outlook outlook;
  outlook.next = 40s;
  state.on_pass(complete(7), outlook);
  PassSummary failed;
  failed.requests.list = 1;
  state.on_pass(failed, outlook);
  live.interval = 1h;
  state.on_reload(live);
  now = read();
  ASSERT_TRUE(now);
  EXPECT_EQ(now->interval, 1h);
  EXPECT_EQ(now->list_requests, 7U) << "a cut listing says nothing of a whole one";
  ASSERT_TRUE(now->next_pass_ms);
  EXPECT_GE(*now->next_pass_ms, now->started_ms + 40'000);

  state.on_pass_started();
  EXPECT_FALSE(read()->next_pass_ms);
  state.end();
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / ".sluice"));
  state.on_pass(complete(7), outlook);
  EXPECT_FALSE(std::filesystem::exists(file())) << "it does not come back";
}

TEST_F(WatchStateTest, IsOfOneProcess) {
  WatchState state(dir_, 1s, "");
  state.on_pass_started();
  EXPECT_FALSE(read_watch_state(dir_, 1));
  EXPECT_FALSE(read_watch_state(dir_, 0));
  EXPECT_EQ(read()->url, "");
}

TEST_F(WatchStateTest, WhatIsTornOrForeignIsReadAsFarAsItGoes) {
  const auto left = [this](const std::string& text) {
    std::ofstream(file()) << text;
    return read();
  };
  const std::string pid = "pid " + std::to_string(::getpid()) + "\n";
  EXPECT_FALSE(left(""));
  EXPECT_FALSE(left("pid"));
  EXPECT_FALSE(left("pid x\n"));
  const auto now =
      left(pid + "new_field 5\ninterval_ms -3\n\nnext_pass_ms 99999999999999999999\nlist_req");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->interval, 0s);
  EXPECT_FALSE(now->next_pass_ms);
  std::filesystem::remove(file());
  std::filesystem::create_directory(file());
  EXPECT_FALSE(read());
}

}  // namespace
}  // namespace sluice::cli
