// The engine through its public face, against the origin in this process, over HTTP and TLS.

#include "origin/certificate.hpp"
#include "origin/faults.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"
#include "temporary_directory.hpp"

#include "sluice/mirror.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace sluice {
namespace {

namespace fs = std::filesystem;
namespace faults = origin::faults;
using origin::Operation;

constexpr std::uint64_t kMiB = 1024 * 1024;
// Sanitizers make everything about ten times as dear; the bucket shrinks with them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLargest = 48 * kMiB;
constexpr std::size_t kObjects = 2'000;
#else
constexpr std::uint64_t kLargest = 1024 * kMiB;
constexpr std::size_t kObjects = 10'000;
#endif
constexpr std::int64_t kTime = 1'700'000'000'000;

class Quiet final : public Observer {
 public:
  void on_object(const ObjectEvent& event) override {
    std::lock_guard lock(mutex_);
    if (event.error != nullptr) errors_ += std::string(event.error->message) + "\n";
  }
  void on_message(Level level, std::string_view text) override {
    if (level < Level::warning) return;
    std::lock_guard lock(mutex_);
    errors_ += std::string(text) + "\n";
  }
  std::string errors() {
    std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  std::mutex mutex_;
  std::string errors_;
};

/// Whether the file holds exactly the content, block by block.
::testing::AssertionResult same_content(const std::string& path, const origin::Content& content) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return ::testing::AssertionFailure() << "cannot read " << path;
  if (fs::file_size(path) != content.size())
    return ::testing::AssertionFailure() << path << " has " << fs::file_size(path) << " bytes";
  std::vector<char> ours(kMiB);
  std::vector<char> theirs(kMiB);
  for (std::uint64_t at = 0; at < content.size();) {
    in.read(ours.data(), static_cast<std::streamsize>(ours.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    if (content.read(at, theirs.data(), got) != got ||
        !std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(got), theirs.begin()))
      return ::testing::AssertionFailure() << path << " differs after byte " << at;
    at += got;
  }
  return ::testing::AssertionSuccess();
}

enum class Transport : std::uint8_t { http, tls };

class EngineTest : public ::testing::TestWithParam<Transport> {
 protected:
  EngineTest() : certificate_(origin::make_test_certificate()) {
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_CONFIG_FILE", (dir_ / "no-config").c_str(), 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", (dir_ / "no-credentials").c_str(), 1);
    origin::ServerOptions options;
    options.credentials = {{"AKIDEXAMPLE", "secret"}};
    if (GetParam() == Transport::tls) {
      options.tls = certificate_.tls();
      fake::write_file(dir_ / "ca.pem", certificate_.ca_pem);
      options_.source.ca_bundle = dir_ / "ca.pem";
    }
    server_ = std::make_unique<origin::Server>(std::move(options));
    server_->add_bucket("photos", bucket_);
    server_->start();
    options_.source.bucket = "photos";
    options_.source.region = "us-east-1";
    options_.source.endpoint_url = server_->url();
    options_.dir = dir_ / "mirror";
    options_.durability = MirrorOptions::Durability::none;
  }

  PassSummary sync() {
    observer_ = std::make_unique<Quiet>();
    Mirror mirror(options_, *observer_);
    return mirror.sync();
  }

  std::string why(const PassSummary& summary) {
    return (summary.failure ? summary.failure->message + "\n" : "") + observer_->errors();
  }

  std::string file(const std::string& key) const { return options_.dir + "/" + key; }

  void expect_mirrored() {
    std::size_t checked = 0;
    for (const std::string& key : bucket_->keys()) {
      const auto object = bucket_->find(key);
      ASSERT_TRUE(object);
      ASSERT_TRUE(same_content(file(key), *object->content));
      struct stat st {};
      ASSERT_EQ(stat(file(key).c_str(), &st), 0);
      const std::int64_t ms = st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1'000'000;
      EXPECT_EQ(ms, object->info.modified_ms) << key;
      ++checked;
    }
    EXPECT_EQ(checked, bucket_->size());
  }

  void expect_only_lists() {
    server_->clear_requests();
    const PassSummary summary = sync();
    EXPECT_EQ(exit_status(summary), ExitStatus::equal) << why(summary);
    const auto counts = server_->counts();
    EXPECT_EQ(counts.total, counts.of(Operation::list));
    // In several ranges at once a few pages are asked for in vain.
    const std::uint64_t pages = (bucket_->size() + 999) / 1000;
    EXPECT_GE(counts.total, pages);
    EXPECT_LE(counts.total, pages * 115 / 100 + 50);
    EXPECT_EQ(counts.refused_signatures(), 0u);
  }

  const fake::TemporaryDirectory dir_;
  const origin::TestCertificate certificate_;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
  MirrorOptions options_;
  std::unique_ptr<Quiet> observer_;
};

std::string transport_name(const ::testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::http ? "http" : "tls";
}
INSTANTIATE_TEST_SUITE_P(Transports, EngineTest, ::testing::Values(Transport::http, Transport::tls),
                         transport_name);

/// Keys that break clients which normalise, decode twice, or build shell commands.
constexpr std::array<const char*, 22> kOddKeys = {
    "a b",         "a+b",       "a%2Fb",       "a%20b",           "tab\tkey",      "line\nfeed",
    "quote\"key",  "apos'key",  "amp&lt;",     "semi;colon",      "question?mark", "hash#key",
    "at@sign",     "colon:key", "back\\slash", "tilde~",          "star*",         "ünïcödé",
    "日本語/キー", "😀",         "$(id)",       " lead and trail "};

TEST_P(EngineTest, TenThousandMixedObjects) {
  std::uint64_t seed = 1;
  const auto put = [&](const std::string& key, std::uint64_t size) {
    ++seed;
    bucket_->put_generated(key, size, seed, kTime + static_cast<std::int64_t>(seed));
  };
  for (const char* key : kOddKeys)
    put(std::string("odd/") + key, 1000);
  for (const std::uint64_t size : {8 * kMiB - 1, 8 * kMiB, 8 * kMiB + 1, 20 * kMiB})
    put("large/" + std::to_string(size), size);
  put("large/the largest", kLargest);
  constexpr std::array<std::uint64_t, 5> kSizes = {0, 1, 4096, 100, 20'000};
  for (std::size_t i = bucket_->size(); i < kObjects; ++i)
    put("d" + std::to_string(i % 37) + "/e" + std::to_string(i % 5) + "/f" + std::to_string(i),
        kSizes[i % kSizes.size()]);
  ASSERT_EQ(bucket_->size(), kObjects);

  const PassSummary summary = sync();
  ASSERT_EQ(exit_status(summary), ExitStatus::equal) << why(summary);
  EXPECT_EQ(summary.progress.count(What::fetched), kObjects);
  EXPECT_EQ(summary.unproven, 0u);
  expect_mirrored();
  expect_only_lists();
}

TEST_P(EngineTest, ChangeOfTheSameSizeAndSecondIsFetched) {
  bucket_->put("k", "before", kTime);
  bucket_->put("other", "stays", kTime);
  ASSERT_EQ(exit_status(sync()), ExitStatus::equal);
  bucket_->put("k", "after!", kTime);
  server_->clear_requests();
  ASSERT_EQ(exit_status(sync()), ExitStatus::equal);
  EXPECT_EQ(server_->counts().of(Operation::get), 1u);
  expect_mirrored();
}

TEST_P(EngineTest, EveryFaultOfTheNetworkIsRiddenOut) {
  for (int i = 0; i < 60; ++i)
    bucket_->put_generated("k" + std::to_string(i), 1000 + 28'000 * static_cast<std::uint64_t>(i),
                           static_cast<std::uint64_t>(i), kTime);
  options_.tuning.part_bytes = 64 * 1024;
  std::vector<origin::Rule> rules;
  // Each fault once a key, on every other of its GETs, and of those that break the protocol (which
  // have few tries) one a key: no part runs out of tries by bad luck.
  const auto on_get = [&rules](std::uint64_t nth, origin::Action action, const char* key = "*") {
    origin::Rule rule;
    rule.match.operation = Operation::get;
    rule.match.key = key;
    rule.match.from = nth;
    rule.match.to = nth;
    rule.match.count_by_key = true;
    rule.actions.push_back(std::move(action));
    rules.push_back(std::move(rule));
  };
  on_get(1, faults::status(503, "SlowDown"));
  on_get(3, faults::status(500, "InternalError"));
  on_get(5, faults::cut(500));
  on_get(7, faults::reset(700));
  on_get(9, faults::reset_before_answer());
  on_get(11, faults::close_before_answer());
  on_get(13, faults::cut_head(20));
  on_get(15, faults::garbage("not http at all"), "k*1");
  on_get(17, faults::flip(10));
  on_get(19, faults::body("<html>portal</html>", 200, "text/html"), "k*2");
  on_get(21, faults::wrong_content_range(5), "k*3");
  on_get(23, faults::informational(3));
  on_get(25, faults::chunked(), "k*4");
  on_get(27, faults::close_after_answer());
  server_->set_faults(std::move(rules), 42);
  const PassSummary summary = sync();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal) << why(summary);
  EXPECT_GT(summary.progress.retries, 0u);
  server_->clear_faults();
  expect_mirrored();
  expect_only_lists();
}

TEST_P(EngineTest, AServerThatIgnoresRangesLeavesNoMixedFile) {
  bucket_->put_generated("big", 300'000, 9, kTime);
  options_.tuning.part_bytes = 64 * 1024;
  options_.tuning.max_attempts = 3;
  origin::Rule rule;
  rule.match.operation = Operation::get;
  rule.actions.push_back(faults::ignore_range());
  server_->set_faults({rule});
  const PassSummary summary = sync();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete) << why(summary);
  EXPECT_FALSE(fs::exists(file("big")));
}

TEST_P(EngineTest, ARangeThatCrawlsIsAskedForAgainOverAnotherConnection) {
  bucket_->put_generated("large", 32 * kMiB, 7, kTime);
  options_.tuning.part_bytes = kMiB;
  options_.tuning.threads = 1;
  options_.tuning.transfers = 4;
  origin::Match first;
  first.operation = Operation::get;
  first.from = first.to = 9;
  server_->set_faults({{first, {faults::rate(64 * 1024)}}}, /*seed=*/1);  // for 16 s
  const PassSummary summary = sync();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal) << why(summary);
  expect_mirrored();

  EXPECT_EQ(server_->counts().of(Operation::get), 33u);
  EXPECT_EQ(summary.progress.fetched_bytes, 32 * kMiB);
  const auto requests = server_->requests();
  const auto crawled = std::find_if(requests.begin(), requests.end(),
                                    [](const auto& request) { return !request.faults.empty(); });
  ASSERT_NE(crawled, requests.end());
  EXPECT_TRUE(crawled->client_left);
  EXPECT_GT(requests.back().start_us, crawled->start_us);
  EXPECT_NE(requests.back().connection, crawled->connection);
  EXPECT_NE(requests.back().range, crawled->range) << "it goes on where it was";
}

TEST_P(EngineTest, AnOverwriteBetweenRangesGivesOneVersion) {
  bucket_->put_generated("big", 2 * kMiB, 1, kTime);
  options_.tuning.part_bytes = 256 * 1024;
  origin::Rule rule;
  rule.match.operation = Operation::get;
  rule.match.from = 3;
  rule.match.to = 3;
  rule.actions.push_back(faults::overwrite_same_size());
  server_->set_faults({rule});
  const PassSummary summary = sync();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal) << why(summary);
  // The new version's time came from a HEAD, in whole seconds; the next listing puts it right.
  server_->clear_requests();
  ASSERT_EQ(exit_status(sync()), ExitStatus::equal);
  EXPECT_EQ(server_->counts().of(Operation::get), 0u);
  expect_mirrored();
}

TEST_P(EngineTest, AListingThatCannotBeBelievedDeletesNothing) {
  for (int i = 0; i < 30; ++i)
    bucket_->put("k" + std::to_string(i), "x", kTime);
  options_.delete_extraneous = true;
  options_.tuning.max_attempts = 2;
  ASSERT_EQ(exit_status(sync()), ExitStatus::equal);
  for (int i = 0; i < 10; ++i)
    bucket_->remove("k" + std::to_string(i));
  const std::vector<origin::Action> lies = {
      faults::status(500, "InternalError"),
      faults::body("<Error><Code>InternalError</Code></Error>"),
      faults::body("<html><body>Please log in</body></html>", 200, "text/html"),
      faults::body(""),
      faults::list_cut(400),
      faults::list_token(origin::faults::TokenFault::drop_is_truncated),
      faults::list_prefix("elsewhere/"),
  };
  for (const origin::Action& lie : lies) {
    origin::Rule rule;
    rule.match.operation = Operation::list;
    rule.actions.push_back(lie);
    server_->set_faults({rule});
    const PassSummary summary = sync();
    EXPECT_EQ(exit_status(summary), ExitStatus::network) << lie.name << ": " << why(summary);
    EXPECT_EQ(fake::tree_of(options_.dir).size(), 30u) << lie.name;
  }
  server_->clear_faults();
  ASSERT_EQ(exit_status(sync()), ExitStatus::equal);
  EXPECT_EQ(fake::tree_of(options_.dir).size(), 20u);
}

TEST_P(EngineTest, StopEndsAStalledTransferAndLeavesNothingTorn) {
  bucket_->put("small", "whole", kTime);
  bucket_->put_generated("stalls", 4 * kMiB, 3, kTime);
  origin::Rule rule;
  rule.match.key = "stalls";
  rule.match.operation = Operation::get;
  // Far enough in that a part waits in the kernel below the socket's low-water mark, not all of it.
  rule.actions.push_back(faults::stall(1'000'000));
  server_->set_faults({rule});
  observer_ = std::make_unique<Quiet>();
  Mirror mirror(options_, *observer_);
  std::thread stopper([&] {
    while (mirror.progress().fetched_bytes < 500'000)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    mirror.stop();
  });
  const auto before = std::chrono::steady_clock::now();
  const PassSummary summary = mirror.sync();
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
  EXPECT_EQ(exit_status(summary), ExitStatus::interrupted);
  EXPECT_FALSE(fs::exists(file("stalls")));
}

TEST_P(EngineTest, WatchPicksUpAdditionsChangesAndRemovals) {
  bucket_->put("stays", "1", kTime);
  bucket_->put("changes", "1", kTime);
  bucket_->put("goes", "1", kTime);
  options_.delete_extraneous = true;
  observer_ = std::make_unique<Quiet>();
  Mirror mirror(options_, *observer_);
  WatchOptions watch;
  watch.interval = std::chrono::milliseconds(20);
  int passes = 0;
  const PassSummary last = mirror.watch(watch, [&](const PassSummary& summary, const Outlook&) {
    ++passes;
    if (passes == 1) {
      EXPECT_EQ(summary.progress.count(What::fetched), 3u);
      bucket_->put("changes", "2", kTime);
      bucket_->put("comes", "1", kTime);
      bucket_->remove("goes");
    } else if (passes == 2) {
      EXPECT_EQ(summary.progress.count(What::fetched), 2u);
      EXPECT_EQ(summary.progress.count(What::deleted), 1u);
      server_->set_faults({origin::Rule{{}, {faults::status(403, "AccessDenied")}}});
    } else if (passes == 3) {
      EXPECT_EQ(exit_status(summary), ExitStatus::denied) << "a failed pass is told";
      server_->clear_faults();
    } else {
      EXPECT_EQ(exit_status(summary), ExitStatus::equal) << "and does not end the watch";
      mirror.stop();
    }
  });
  EXPECT_EQ(exit_status(last), ExitStatus::interrupted);
  EXPECT_EQ(passes, 4);
  EXPECT_FALSE(fs::exists(file("goes")));
  expect_mirrored();
}

TEST_P(EngineTest, ListsInKeyOrder) {
  for (int i = 0; i < 2500; ++i)
    bucket_->put("k" + std::to_string(i), "x", kTime);
  ListOptions options;
  options.source = options_.source;
  options.source.prefix = "k1";
  Quiet quiet;
  std::vector<std::string> keys;
  const auto failure = list_bucket(options, quiet, [&](const ListEntry& entry) {
    keys.emplace_back(entry.key);
    return true;
  });
  EXPECT_FALSE(failure) << failure->message;
  EXPECT_EQ(keys.size(), 1111u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

}  // namespace
}  // namespace sluice
