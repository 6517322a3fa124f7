#include "pass_fixture.hpp"

#include <sys/stat.h>

namespace sluice::mirror {
namespace {

INSTANTIATE_TEST_SUITE_P(Runtimes, PassTest, ::testing::Range(-1, kSeedsEnd), runtime_name);

TEST_P(PassTest, MirrorsEverythingThenOnlyLists) {
  put_some(100);
  bucket_.put("empty", "");
  bucket_.put("folder/", "");
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal)
      << (summary.failure ? summary.failure->message : "");
  EXPECT_EQ(tree(), bucket_tree());
  EXPECT_TRUE(fs::is_directory(file("folder")));
  EXPECT_EQ(summary.progress.count(What::fetched), 102u);
  EXPECT_TRUE(staged().empty());

  bucket_.reset_counts();
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(summary.progress.count(What::kept), 102u);
  EXPECT_EQ(bucket_.count(Operation::list), 1u);
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
  EXPECT_EQ(bucket_.count(Operation::head), 0u);
}

TEST_P(PassTest, KnowsHowManyKeysTheLastWholePassSaw) {
  put_some(20);
  EXPECT_EQ(run().progress.listed_before, 0u);
  bucket_.put("one more", "x");
  EXPECT_EQ(run().progress.listed_before, 20u);
  bucket_.put("and another", std::string(3 * 64 * 1024, 'x'));
  interrupt_after(1);
  EXPECT_TRUE(run().interrupted);
  no_interruption();
  EXPECT_EQ(run().progress.listed_before, 21u);
}

TEST_P(PassTest, TimesAreThoseOfTheBucket) {
  bucket_.put("a", "content", 1'600'000'000'456);
  run();
  struct stat st {};
  ASSERT_EQ(stat(file("a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(st.st_mtim.tv_nsec, 456'000'000);
}

TEST_P(PassTest, SameSizeSameSecondOtherContentIsFetched) {
  bucket_.put("a", "one", 1'600'000'000'000);
  run();
  bucket_.put("a", "two", 1'600'000'000'000);
  const auto summary = run();
  EXPECT_EQ(summary.progress.count(What::fetched), 1u);
  EXPECT_EQ(tree(), (Tree{{"a", "two"}}));
}

TEST_P(PassTest, LocalDamageIsRepaired) {
  bucket_.put("gone", "one");
  bucket_.put("edited", "two");
  run();
  fs::remove(file("gone"));
  fake::write_file(file("edited"), "mine");
  run();
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(PassTest, WithoutDeleteNothingIsRemoved) {
  bucket_.put("a", "one");
  bucket_.put("b", "two");
  run();
  bucket_.remove("a");
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::extraneous), std::vector<std::string>{"a"});
  EXPECT_TRUE(fs::exists(file("a")));
}

TEST_P(PassTest, DeletesWhatIsGoneAndOurs) {
  options_.delete_extraneous = true;
  bucket_.put("d/a", "one");
  bucket_.put("b", "two");
  bucket_.put("c", "three");
  run();
  fake::write_file(file("foreign"), "not ours");
  fake::write_file(file("c"), "modified");
  bucket_.remove("d/a");
  bucket_.remove("c");
  const auto summary = run();
  EXPECT_EQ(observer_->keys(What::deleted), std::vector<std::string>{"d/a"});
  EXPECT_EQ(observer_->keys(What::local_kept), std::vector<std::string>{"c"});
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(tree(), (Tree{{"b", "two"}, {"c", "modified"}, {"foreign", "not ours"}}));
  EXPECT_FALSE(fs::exists(file("d")));
}

/// Killed between the removal of a file and that of its folders.
TEST_P(PassTest, EmptyFoldersOfAFileThatHasGoneArePruned) {
  bucket_.put("d/e/a", "one");
  bucket_.put("b", "two");
  run();
  bucket_.remove("d/e/a");
  fs::remove(file("d/e/a"));
  const Tree before = tree();
  options_.dry_run = true;
  options_.delete_extraneous = true;
  run();
  EXPECT_TRUE(fs::exists(file("d/e")));
  options_.dry_run = false;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_FALSE(fs::exists(file("d")));
  EXPECT_EQ(tree(), before);
}

TEST_P(PassTest, AnEmptyListingDeletesNothing) {
  options_.delete_extraneous = true;
  put_some(5);
  run();
  const Tree before = tree();
  for (const auto& [key, object] : bucket_.objects())
    bucket_.remove(key);
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::guard);
  EXPECT_EQ(tree(), before);
  options_.allow_empty_source = true;
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_TRUE(tree().empty());
}

TEST_P(PassTest, AnEmptyListingWithoutDeleteIsReported) {
  bucket_.put("a", "one");
  run();
  bucket_.remove("a");
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::extraneous), std::vector<std::string>{"a"});
  EXPECT_EQ(tree(), (Tree{{"a", "one"}}));
}

TEST_P(PassTest, TheGuardHoldsBackAMassDeletion) {
  options_.delete_extraneous = true;
  for (int i = 0; i < 300; ++i)
    bucket_.put("k" + std::to_string(i), "x");
  run();
  for (int i = 0; i < 160; ++i)
    bucket_.remove("k" + std::to_string(i));
  bucket_.put("new", "downloads stay");
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::guard);
  EXPECT_EQ(tree().size(), 301u);
  options_.max_delete.percent = 60;
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(PassTest, AFailedPageDeletesNothing) {
  options_.delete_extraneous = true;
  for (int i = 100; i < 150; ++i)
    bucket_.put("k" + std::to_string(i), "x");
  run();
  const Tree before = tree();
  for (int i = 100; i < 110; ++i)
    bucket_.remove("k" + std::to_string(i));
  bucket_.set_page_keys(10);
  int call = 0;
  bucket_.set_faults([&call](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::list && ++call > 2)
      fault.error = Error(ErrorKind::invalid_answer, "no valid listing");
    return fault;
  });
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::network);
  EXPECT_EQ(tree(), before);
}

TEST_P(PassTest, AKeyThatIsStillThereIsNotDeleted) {
  options_.delete_extraneous = true;
  bucket_.put("a", "one");
  bucket_.put("b", "two");
  run();
  // The listing does not show it, but the service has it when it is asked.
  bucket_.remove("a");
  bucket_.set_faults([this](Operation operation, std::string_view key) {
    if (operation == Operation::is_gone && key == "a") bucket_.put("a", "one");
    return fake::Bucket::Fault{};
  });
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete) << "it was not compared";
  EXPECT_EQ(observer_->keys(What::failed), std::vector<std::string>{"a"});
  EXPECT_EQ(tree(), (Tree{{"a", "one"}, {"b", "two"}}));
}

TEST_P(PassTest, AnUnorderedServerIsMirroredButNothingIsDeleted) {
  options_.delete_extraneous = true;
  put_some(50);
  bucket_.shuffle_listing(true);
  run();
  EXPECT_EQ(tree(), bucket_tree());
  const auto doomed = bucket_.objects().begin()->first;
  bucket_.remove(doomed);
  bucket_.reset_counts();
  const auto summary = run();
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
  EXPECT_EQ(exit_status(summary), ExitStatus::guard);
  EXPECT_EQ(tree().size(), 50u);
}

TEST_P(PassTest, FaultsAreRiddenOut) {
  put_some(80);
  std::mt19937 random(static_cast<unsigned>(GetParam() + 10));
  std::mutex mutex;
  bucket_.set_faults([&](Operation operation, std::string_view) {
    std::lock_guard lock(mutex);
    fake::Bucket::Fault fault;
    const auto draw = random() % 100;
    if (draw < 15) fault.error = Error(ErrorKind::transient, "reset");
    if (draw < 8 && operation == Operation::get) fault.cut_after = random() % 5000;
    if (draw >= 95) fault.error = Error(ErrorKind::throttled, "SlowDown");
    return fault;
  });
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
  EXPECT_GT(summary.progress.retries, 0u);
}

TEST_P(PassTest, AnEndpointThatIsDownEndsThePass) {
  if (GetParam() < 0) GTEST_SKIP() << "takes half a minute on a real clock";
  put_some(200);
  bucket_.set_faults([](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get) fault.error = Error(ErrorKind::unreachable, "no route");
    return fault;
  });
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::network);
  ASSERT_TRUE(summary.failure);
  EXPECT_NE(summary.failure->message.find("not one request has succeeded for 30 s"),
            std::string::npos)
      << summary.failure->message;
  // 8 at a time have had their tries, not 200.
  EXPECT_LT(bucket_.count(Operation::get), 500u);
  bucket_.set_faults(nullptr);
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(PassTest, AnObjectOverwrittenBetweenRangesIsOneVersion) {
  const std::string before(300 * 1024, 'a');
  const std::string after(250 * 1024, 'b');
  bucket_.put("big", before);
  int gets = 0;
  bucket_.after_get([&](const std::string& key) {
    if (++gets == 2) bucket_.put(key, after);
  });
  options_.tuning.transfers = 1;
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"big", after}}));
}

TEST_P(PassTest, AVanishedKeyIsNoError) {
  bucket_.put("a", "one");
  bucket_.put("b", "two");
  bucket_.set_faults([](Operation operation, std::string_view key) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && key == "a")
      fault.error = Error(ErrorKind::missing_key, "gone");
    return fault;
  });
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::vanished), std::vector<std::string>{"a"});
}

TEST_P(PassTest, ADeniedKeyFailsAloneButDeniedCredentialsEndThePass) {
  put_some(30);
  bucket_.put("secret", "x");
  bucket_.set_faults([](Operation operation, std::string_view key) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && key == "secret")
      fault.error = Error(ErrorKind::denied, "no s3:GetObject");
    return fault;
  });
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(tree().size(), 30u);

  bucket_.set_faults([](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get)
      fault.error = Error(ErrorKind::credentials, "the key is no longer valid");
    return fault;
  });
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::denied);
}

TEST_P(PassTest, KeysThatCannotBeStoredAreRefused) {
  for (const char* key : {"ok", "a//b", "../escape", "/lead", ".sluice/record.db", "dir/./x"})
    bucket_.put(key, "x");
  bucket_.put("slash/", "content");
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(summary.progress.count(What::refused), 6u);
  EXPECT_EQ(tree(), (Tree{{"ok", "x"}}));
  EXPECT_FALSE(fs::exists(dir_ / "escape"));
}

TEST_P(PassTest, TheFolderWinsOverTheFileOfTheSameName) {
  bucket_.put("a", "file");
  bucket_.put("a/b", "below");
  for (int pass = 0; pass < 2; ++pass) {
    const auto summary = run();
    EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
    EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a"});
    EXPECT_EQ(tree(), (Tree{{"a/b", "below"}}));
  }
}

TEST_P(PassTest, AFileBecomesAFolderAcrossPasses) {
  bucket_.put("a", "file");
  run();
  bucket_.put("a/b", "below");
  bucket_.remove("a");
  const auto summary = run();
  EXPECT_EQ(tree(), (Tree{{"a/b", "below"}}));
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"a"});
  EXPECT_EQ(summary.progress.count(What::refused) + summary.progress.count(What::extraneous), 0u);

  bucket_.remove("a/b");
  bucket_.put("a/c/d", "deeper");
  bucket_.put("a-b", "between");
  options_.delete_extraneous = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"a/c/d", "deeper"}, {"a-b", "between"}}));
}

TEST_P(PassTest, AFolderWhoseFileARunThatWasKilledLeftInTheRecord) {
  bucket_.put("a", "file");
  run();
  const std::string path = options_.dir + "/.sluice/record.db";
  const auto row = record::Record::connect(path, record::Access::read_only).value()->find("a");
  bucket_.remove("a");
  bucket_.put("a/b", "below");
  run();
  record::Batch batch;
  batch.upserts = {**row};
  ASSERT_TRUE(record::Record::connect(path, record::Access::read_write).value()->commit(batch));
  options_.delete_extraneous = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"a"});
  EXPECT_EQ(tree(), (Tree{{"a/b", "below"}}));
}

TEST_P(PassTest, AFileIsShadowedByKeysBelowItThatComeLater) {
  bucket_.put("a", "file");
  bucket_.put("a-b", "between");
  ASSERT_EQ(exit_status(run()), ExitStatus::equal);
  bucket_.put("a/b", "below");
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
    EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a"});
    EXPECT_EQ(tree(), (Tree{{"a/b", "below"}, {"a-b", "between"}}));
  }
}

TEST_P(PassTest, WhatIsInTheWayIsRefused) {
  bucket_.put("taken", "x");
  bucket_.put("fine", "y");
  fs::create_directories(file("taken"));
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(tree(), (Tree{{"fine", "y"}}));
}

TEST_P(PassTest, AnExistingTreeIsAdoptedByItsContent) {
  put_some(20);
  bucket_.put("differs", "bucket");
  for (const auto& [key, object] : bucket_.objects())
    fake::write_file(file(key), object.content);
  fake::write_file(file("differs"), "local!");
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(summary.progress.count(What::fetched), 1u);
  EXPECT_EQ(summary.progress.count(What::adopted) + summary.progress.count(What::touched), 20u);
  EXPECT_EQ(tree(), bucket_tree());
  bucket_.reset_counts();
  EXPECT_EQ(run().progress.count(What::kept), 21u);
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
}

TEST_P(PassTest, LossOfTheRecordCostsNoDownload) {
  put_some(18);
  bucket_.put_in_parts("even", std::string(250'000, 'e'), {100'000, 100'000, 50'000});
  bucket_.put_in_parts("like it", std::string(150'000, 'l'), {100'000, 50'000});
  run();
  for (const char* name : {"record.db", "record.db-wal", "record.db-shm"})
    fs::remove(options_.dir + "/.sluice/" + name);
  bucket_.reset_counts();
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
  EXPECT_EQ(summary.progress.count(What::adopted), 20u);
  EXPECT_EQ(summary.proofs.composite, 2u);
  EXPECT_EQ(bucket_.count(Operation::head), 1u) << "the second is as the first";
  bucket_.reset_counts();
  EXPECT_EQ(run().progress.count(What::kept), 20u);
  EXPECT_EQ(bucket_.count(Operation::head), 0u);
}

TEST_P(PassTest, DryRunChangesNothing) {
  bucket_.put("a", "one");
  bucket_.put("b", "two");
  options_.delete_extraneous = true;
  run();
  bucket_.remove("a");
  bucket_.put("b", "TWO");
  bucket_.put("c", "three");
  const Tree before = tree();
  options_.dry_run = true;
  const auto summary = run();
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(observer_->keys(What::deleted), std::vector<std::string>{"a"});
  EXPECT_EQ(observer_->keys(What::fetched), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(bucket_.count(Operation::get), 2u);  // those of the first pass
  options_.dry_run = false;
  run();
  EXPECT_EQ(tree(), bucket_tree());
  (void)summary;
}

TEST_P(PassTest, FiltersLeaveExcludedFilesAlone) {
  options_.delete_extraneous = true;
  bucket_.put("a.txt", "one");
  bucket_.put("b.log", "two");
  run();
  bucket_.remove("b.log");
  bucket_.put("c.log", "three");
  options_.filters.push_back({FilterRule::Kind::exclude, "*.log"});
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"a.txt", "one"}, {"b.log", "two"}}));
}

TEST_P(PassTest, APrefixIsCutOff) {
  options_.source.prefix = "data/";
  bucket_.put("data/x/y", "one");
  bucket_.put("data2/z", "no");
  bucket_.put("data/", "");
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"x/y", "one"}}));
}

TEST_P(PassTest, InterruptedItLeavesOnlyWholeFilesAndGoesOnLater) {
  put_some(120);
  interrupt_after(40);
  auto summary = run();
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(exit_status(summary), ExitStatus::interrupted);
  for (const auto& [path, content] : tree())
    EXPECT_TRUE(bucket_.was_ever(path, content)) << path;
  no_interruption();
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(PassTest, EveryDurabilityMirrorsAndRecords) {
  put_some(60);
  for (const auto durability :
       {MirrorOptions::Durability::full, MirrorOptions::Durability::each_file,
        MirrorOptions::Durability::none}) {
    fs::remove_all(options_.dir);
    options_.durability = durability;
    EXPECT_EQ(exit_status(run()), ExitStatus::equal);
    EXPECT_EQ(tree(), bucket_tree());
    bucket_.reset_counts();
    EXPECT_EQ(exit_status(run()), ExitStatus::equal);
    EXPECT_EQ(bucket_.count(Operation::get), 0u) << "the record did not know";
  }
}

}  // namespace
}  // namespace sluice::mirror
