// `sluice watch` for hundreds of passes over a bucket that never rests: it grows neither in memory
// nor in descriptors, and in the end the mirror equals the bucket. SLUICE_WATCH_POLLS=5000 asks for
// more.

#include "command.hpp"
#include "footprint.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"
#include "random.hpp"
#include "run.hpp"
#include "temporary_directory.hpp"
#include "tree.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <thread>
#include <unistd.h>

namespace sluice::chaos {
namespace {

using namespace std::chrono_literals;

class Watch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SLUICE_BINARY") == nullptr) GTEST_SKIP() << "SLUICE_BINARY names no program";
    WorldOptions world;
    world.most_keys = 60;
    world.part_bytes = 64 << 10;
    world.archives = false;
    world.without_etags = false;
    world.time_grain = 1000;
    world_ = std::make_unique<World>(world, random_);
    world_->listen([this](const std::string& key, const Version* now) {
      origin::ObjectOptions options;
      if (now != nullptr && now->evidence != Evidence::md5) options.etag = '"' + now->etag + '"';
      if (now != nullptr)
        bucket_->put(key, now->content, now->modified_ms, options);
      else
        bucket_->remove(key);
    });
    origin::ServerOptions options;
    options.credentials = {{kAccessKey, kSecretKey}};
    options.keep_requests = false;
    server_ = std::make_unique<origin::Server>(std::move(options));
    server_->add_bucket("photos", bucket_);
    server_->start();
  }

  testing::ProgramOptions command() const {
    return command_of({"watch", "s3://photos", root_ / "mirror", "--interval", "20ms", "-q",
                       "--delete", "--max-delete", "100%", "--part-size", "65536", "--durability",
                       "none", "--allow-empty-source", "--progress", "never", "--transfers", "8"},
                      root_.path(), server_->url());
  }

  /// The bucket is one page: a pass lists once.
  std::uint64_t polls() const { return server_->counts().of(origin::Operation::list); }

  /// The bucket changes until there have been so many passes. What the program takes meanwhile;
  /// nullopt if the passes do not come.
  std::optional<FootprintRange> churn_until(std::uint64_t wanted, testing::Program& program) {
    FootprintRange range;
    auto last_progress = std::chrono::steady_clock::now();
    for (std::uint64_t seen = polls(); seen < wanted;) {
      for (std::uint64_t changes = random_.below(4); changes > 0; --changes)
        world_->change();
      if (program.wait(20ms)) return std::nullopt;
      range.add(footprint_of(program.pid()));
      const std::uint64_t polled = polls();
      if (polled != seen) last_progress = std::chrono::steady_clock::now();
      seen = polled;
      if (std::chrono::steady_clock::now() - last_progress > 60s) return std::nullopt;
    }
    return range;
  }

  /// Keys that a mirror has as files, with what is in them.
  std::map<std::string, std::string> wanted() const {
    std::map<std::string, std::string> files;
    const std::set<std::string> present = world_->present();
    for (const std::string& key : present) {
      const auto below = present.lower_bound(key + "/");
      const bool shadowed = std::any_of(below, present.end(), [&key, this](const std::string& k) {
        const bool is_marker = k.ends_with('/');
        return k.starts_with(key + "/") && is_storable(k) &&
               (!is_marker || world_->find(k)->now().content.empty());
      });
      if (is_storable(key) && !key.ends_with('/') && !shadowed)
        files[key] = world_->find(key)->now().content;
    }
    return files;
  }

  bool is_equal() const {
    try {
      return fake::tree_of(root_ / "mirror") == wanted();
    } catch (const std::exception&) {
      return false;  // it changes while it is read
    }
  }

  Random random_{7};
  const fake::TemporaryDirectory root_;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
  std::unique_ptr<World> world_;
};

TEST_F(Watch, GrowsNeitherInMemoryNorInDescriptors) {
  const std::uint64_t most = number_of("SLUICE_WATCH_POLLS", 500);
  world_->populate();
  testing::Program program(command());
  ASSERT_TRUE(churn_until(most / 3, program)) << program.err();
  const auto warm = churn_until(most / 2, program);
  ASSERT_TRUE(warm) << program.err();
  ASSERT_TRUE(churn_until(most * 5 / 6, program)) << program.err();
  const auto end = churn_until(most, program);
  ASSERT_TRUE(end) << program.err();

  // The last change has to be listed and fetched; where a file becomes a folder that takes another
  // pass.
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!is_equal() && std::chrono::steady_clock::now() < deadline)
    ASSERT_FALSE(program.wait(20ms)) << program.err();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 128 + SIGTERM);
  const std::string said = program.err();
  SCOPED_TRACE(said.substr(said.size() - std::min<std::size_t>(said.size(), 2000)));

  // What passes take goes up and down; what they leave only up.
  std::cout << polls() << " passes: at most " << warm->most.resident_kib << " KiB and "
            << warm->most.descriptors << " descriptors before the half of them, at least "
            << end->least.resident_kib << " KiB and " << end->least.descriptors << " in the end\n";
  if (!kKeepsWhatWasFreed) {
    EXPECT_LT(end->least.resident_kib, warm->most.resident_kib * 105 / 100);
  }
  // Of eight transfers not all need have run before.
  EXPECT_LE(end->least.descriptors, warm->most.descriptors + 8);
  std::map<std::string, std::string> files = fake::tree_of(root_ / "mirror");
  for (const auto& [key, content] : wanted())
    EXPECT_EQ(files.contains(key) && files.at(key) == content, true) << shown(key);
  EXPECT_EQ(files.size(), wanted().size());
}

}  // namespace
}  // namespace sluice::chaos

int main(int argc, char** argv) {
  return sluice::chaos::run_in_memory(argc, argv);
}
