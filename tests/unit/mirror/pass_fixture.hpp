#pragma once

#include "fake_bucket.hpp"
#include "mirror/run_pass.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace sluice::mirror {

namespace fs = std::filesystem;
using Operation = fake::Bucket::Operation;
using Tree = std::map<std::string, std::string>;

class Remembers final : public Observer {
 public:
  explicit Remembers(std::function<void()> on_touched = {}) : on_touched_(std::move(on_touched)) {}

  void on_object(const ObjectEvent& event) override {
    std::lock_guard lock(mutex_);
    if (event.what == What::touched && on_touched_) on_touched_();
    events_[event.what].emplace_back(event.key);
    reasons_[std::string(event.key)] = event.reason;
  }
  void on_message(Level, std::string_view text) override {
    std::lock_guard lock(mutex_);
    messages_ += std::string(text) + '\n';
  }

  std::vector<std::string> keys(What what) {
    std::lock_guard lock(mutex_);
    auto found = events_[what];
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string reason(const std::string& key) {
    std::lock_guard lock(mutex_);
    return reasons_[key];
  }
  /// A line each.
  std::string messages() {
    std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  const std::function<void()> on_touched_;
  std::mutex mutex_;
  std::string messages_;
  std::map<What, std::vector<std::string>> events_;
  std::map<std::string, std::string> reasons_;
};

/// Seeds of the deterministic runtime: 0 to this. Sanitizers, under which each takes ten times as
/// long, find in two what they find in six.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSeedsEnd = 2;
#else
constexpr int kSeedsEnd = 6;
#endif

/// The whole engine on a bucket in memory and a real directory: on the threaded runtime (-1) and on
/// the deterministic one with several seeds.
class PassTest : public ::testing::TestWithParam<int> {
 protected:
  PassTest() {
    options_.dir = dir_ / "mirror";
    options_.source.bucket = "b";
    options_.tuning.part_bytes = 64 * 1024;
    options_.tuning.transfers = 8;
    options_.durability = MirrorOptions::Durability::none;
  }

  PassSummary run() {
    observer_ = std::make_unique<Remembers>(on_touched_);
    Counters counters;
    auto runtime = GetParam() < 0
                       ? async::make_threaded_runtime({.data_shards = 2})
                       : async::make_deterministic_runtime(
                             {.seed = static_cast<std::uint64_t>(GetParam()), .data_shards = 2});
    record::Source source;
    source.endpoint_host = "fake";
    source.bucket = "b";
    source.prefix = options_.source.prefix;
    const StoreFactory stores = [this](async::Runtime& r, const async::Executor&) {
      return Result<std::unique_ptr<store::ObjectStore>>(bucket_.make_store(r));
    };
    PassSummary summary;
    auto engine = Engine::open(options_, *observer_, *runtime, counters, source, stores);
    if (!engine) {
      summary.failure = engine.error();
      return summary;
    }
    runtime->run([&]() -> async::Task<void> {
      Pass pass(**engine);
      if (interrupt_after_) interrupter_ = [&pass] { pass.interrupt(); };
      summary = co_await run_pass(**engine, pass);
      interrupter_ = nullptr;
    });
    return summary;
  }

  /// Names of the files in staging.
  std::vector<std::string> staged() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(options_.dir + "/.sluice/staging"))
      if (!entry.is_directory()) names.push_back(entry.path());
    return names;
  }

  /// The next run is interrupted when it has served so many GETs.
  void interrupt_after(int gets) {
    interrupt_after_ = true;
    auto served = std::make_shared<std::atomic<int>>(0);
    bucket_.after_get([this, gets, served](const std::string&) {
      if (++*served == gets && interrupter_) interrupter_();
    });
  }
  void no_interruption() {
    bucket_.after_get(nullptr);
    interrupt_after_ = false;
  }

  Tree tree() const { return fake::tree_of(options_.dir); }
  Tree bucket_tree() const {
    Tree files;
    for (const auto& [key, object] : bucket_.objects())
      if (!key.ends_with('/')) files[key] = object.content;
    return files;
  }
  std::string file(const std::string& name) const { return options_.dir + "/" + name; }

  void put_some(int count) {
    std::mt19937 random(7);
    for (int i = 0; i < count; ++i) {
      const std::size_t size = i % 10 == 0 ? 64 * 1024 * (i % 4) + random() % 3 : random() % 5000;
      std::string content(size, '\0');
      for (char& c : content)
        c = static_cast<char>(random());
      bucket_.put("dir" + std::to_string(i % 7) + "/file " + std::to_string(i) + "é", content,
                  1'700'000'000'123 + i);
    }
  }

  const fake::TemporaryDirectory dir_;
  fake::Bucket bucket_;
  MirrorOptions options_;
  std::unique_ptr<Remembers> observer_;
  bool interrupt_after_ = false;
  std::function<void()> interrupter_;
  std::function<void()> on_touched_;  ///< called, on the publishing role, for each new time set
};

inline std::string runtime_name(const ::testing::TestParamInfo<int>& info) {
  return info.param < 0 ? std::string("threaded") : "seed" + std::to_string(info.param);
}

}  // namespace sluice::mirror
