#include "mirror/settle.hpp"

#include "temporary_directory.hpp"
#include "transfer/verify.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace sluice::mirror {
namespace {

namespace fs = std::filesystem;

/// A record and a directory as a run that was killed left them.
class SettleTest : public testing::Test {
 protected:
  SettleTest() {
    destination_ = local::Destination::open(dir_ / "mirror").value();
    record_ = record::Record::open(destination_->record_path(), {"h", "b", "p/"}, record::Adopt::no)
                  .value();
  }

  /// A staged file, and the pending row that goes with it.
  PendingRow stage(const std::string& key, const std::string& content) {
    auto file = destination_->create_staged(0, content.size()).value();
    EXPECT_TRUE(file.write_at(0, std::as_bytes(std::span(content.data(), content.size()))));
    PendingRow pending;
    pending.row.key = key;
    pending.row.version = Version{"etag of " + content, content.size(), 1'700'000'000'123};
    const LocalFile local = file.finish(1'700'000'000'123).value();
    pending.row.mtime_ns = local.mtime_ns;
    pending.row.inode = local.inode;
    pending.row.proof = Proof::length;
    pending.row.digest =
        transfer::digest_of_file(file.fd(), content.size(), DigestKind::crc64nvme).value();
    pending.staged_name = file.name();
    file.keep();
    record::Batch batch;
    batch.pending.push_back(pending);
    EXPECT_TRUE(record_->commit(batch));
    return pending;
  }

  void rename_into_place(const PendingRow& pending) {
    auto file = destination_->reopen_staged(pending.staged_name).value();
    ASSERT_TRUE(
        destination_->publish(file, local::RelativePath::from_key(pending.row.key, "p/").value()));
  }

  Settled settle_all() {
    GroupSync sync(*destination_, *runtime_, MirrorOptions::Durability::full);
    const auto settled = settle(*record_, *destination_, sync, "p/");
    EXPECT_TRUE(settled);
    EXPECT_TRUE(record_->pending().value().empty());
    return *settled;
  }

  bool is_stored(const PendingRow& pending) {
    const auto row = record_->find(pending.row.key).value();
    return row && row->version == pending.row.version && row->inode == pending.row.inode &&
           row->digest == pending.row.digest;
  }
  std::string staged(const PendingRow& pending) const {
    return dir_ / "mirror/.sluice/staging/" + pending.staged_name;
  }

  const fake::TemporaryDirectory dir_;
  std::unique_ptr<async::Runtime> runtime_ = async::make_deterministic_runtime({});
  std::unique_ptr<local::Destination> destination_;
  std::unique_ptr<record::Record> record_;
};

TEST(SlowSyncRuleTest, ASlowSyncIsAvoidedForAMinute) {
  using namespace std::chrono_literals;
  SlowSyncRule rule;
  const SteadyTime start{1h};
  rule.note(start, start + 500ms);
  EXPECT_FALSE(rule.is_avoided(start + 500ms));
  rule.note(start, start + 501ms);
  EXPECT_TRUE(rule.is_avoided(start + 501ms));
  EXPECT_TRUE(rule.is_avoided(start + 60s));
  EXPECT_FALSE(rule.is_avoided(start + 61s));
}

TEST_F(SettleTest, AFileThatWasRenamedIsStored) {
  const auto pending = stage("p/a", "content");
  rename_into_place(pending);
  EXPECT_EQ(settle_all().stored, 1u);
  EXPECT_TRUE(is_stored(pending));
}

TEST_F(SettleTest, AnIntactStagedFileIsPublished) {
  const auto pending = stage("p/folder/a", "content");
  EXPECT_EQ(settle_all().published, 1u);
  EXPECT_TRUE(is_stored(pending));
  EXPECT_TRUE(fs::exists(dir_ / "mirror/folder/a"));
  EXPECT_FALSE(fs::exists(staged(pending)));
}

TEST_F(SettleTest, ATornStagedFileIsDropped) {
  const auto pending = stage("p/a", "content");
  std::ofstream(staged(pending)) << "xontent";
  EXPECT_EQ(settle_all().dropped, 1u);
  EXPECT_FALSE(record_->find("p/a").value());
  EXPECT_FALSE(fs::exists(dir_ / "mirror/a"));
  EXPECT_FALSE(fs::exists(staged(pending)));
}

TEST_F(SettleTest, TheOldRowStaysUntilItsSuccessorIsThere) {
  const auto before = stage("p/a", "old");
  rename_into_place(before);
  settle_all();
  const auto after = stage("p/a", "new one");
  fs::remove(staged(after));
  EXPECT_EQ(settle_all().dropped, 1u);
  EXPECT_TRUE(is_stored(before));
}

TEST_F(SettleTest, WhatWasModifiedSinceIsNotReplaced) {
  const auto before = stage("p/a", "old");
  rename_into_place(before);
  settle_all();
  stage("p/a", "new one");
  fake::write_file(dir_ / "mirror/a", "edited");
  stage("p/b", "content");
  fake::write_file(dir_ / "mirror/b", "somebody's");
  EXPECT_EQ(settle_all().dropped, 2u);
  EXPECT_EQ(fake::read_file(dir_ / "mirror/a"), "edited");
  EXPECT_EQ(fake::read_file(dir_ / "mirror/b"), "somebody's");
}

TEST_F(SettleTest, ANewVersionReplacesTheOneTheRecordKnows) {
  rename_into_place(stage("p/a", "old"));
  settle_all();
  const auto after = stage("p/a", "new one");
  EXPECT_EQ(settle_all().published, 1u);
  EXPECT_EQ(fake::read_file(dir_ / "mirror/a"), "new one");
  EXPECT_TRUE(is_stored(after));
}

TEST_F(SettleTest, WhatStandsInTheWayIsLeftToThePass) {
  stage("p/a", "content");
  fs::create_directory(dir_ / "mirror/a");
  EXPECT_EQ(settle_all().dropped, 1u);
  EXPECT_TRUE(fs::is_directory(dir_ / "mirror/a"));
}

TEST_F(SettleTest, ARowThatNamesAFileElsewhereLeadsNowhere) {
  auto pending = stage("p/a", "content");
  std::ofstream(dir_ / "secret") << "content";
  pending.staged_name = "../../../secret";
  record::Batch batch;
  batch.pending.push_back(pending);
  ASSERT_TRUE(record_->commit(batch));
  EXPECT_EQ(settle_all().dropped, 1u);
  EXPECT_TRUE(fs::exists(dir_ / "secret"));
}

TEST_F(SettleTest, StagingIsEmptiedButForPartialDownloads) {
  auto orphan = destination_->create_staged(1, 0).value();
  orphan.keep();
  auto kept = destination_->create_staged(1, 0).value();
  kept.keep();
  record::Batch batch;
  batch.partials.push_back(PartialRow{"p/big", Version{"e", 100, 0}, 50, kept.name(), {{1, 7}}});
  ASSERT_TRUE(record_->commit(batch));
  settle_all();
  EXPECT_FALSE(fs::exists(dir_ / "mirror/.sluice/staging/" + orphan.name()));
  EXPECT_TRUE(fs::exists(dir_ / "mirror/.sluice/staging/" + kept.name()));
  const auto row = record_->find_partial("p/big").value();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->part_bytes, 50u);
  EXPECT_EQ(row->parts, (std::map<std::uint32_t, std::uint64_t>{{1, 7}}));

  ASSERT_TRUE(clear_leftovers(*record_, *destination_, {"p/big"}));
  EXPECT_FALSE(record_->find_partial("p/big").value());
  EXPECT_FALSE(fs::exists(dir_ / "mirror/.sluice/staging/" + kept.name()));
}

/// Its name would soon be that of another file, which resuming would write into.
TEST_F(SettleTest, APartialDownloadWithoutAFileIsForgotten) {
  auto kept = destination_->create_staged(1, 0).value();
  kept.keep();
  record::Batch batch;
  batch.partials.push_back(PartialRow{"p/big", Version{"e", 100, 0}, 50, kept.name(), {{1, 7}}});
  batch.partials.push_back(PartialRow{"p/lost", Version{"e", 100, 0}, 50, "1/17", {{1, 7}}});
  ASSERT_TRUE(record_->commit(batch));
  settle_all();
  EXPECT_TRUE(record_->find_partial("p/big").value());
  EXPECT_FALSE(record_->find_partial("p/lost").value());
}

}  // namespace
}  // namespace sluice::mirror
