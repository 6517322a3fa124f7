// What seeded chaos (tests/chaos) has found, each made small.

#include "crypto/digest.hpp"
#include "pass_fixture.hpp"
#include "record/record.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace sluice::mirror {
namespace {

class FoundByChaos : public PassTest {
 protected:
  static std::string random_bytes(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string content(size, '\0');
    for (char& c : content)
      c = static_cast<char>(random());
    return content;
  }

  std::unique_ptr<record::Record> record() const {
    return record::Record::connect(options_.dir + "/.sluice/record.db", record::Access::read_write)
        .value();
  }

  /// Its ETag says nothing; a checksum does, if it has one.
  void put_opaque(const std::string& key, const std::string& content, bool checksum) {
    fake::Bucket::Object object;
    object.content = content;
    object.version = {"opaque " + std::to_string(++etags_), content.size(), 1'700'000'000'000};
    object.opaque_etag = true;
    if (checksum) {
      const std::string digest =
          crypto::digest(crypto::Algorithm::sha256, crypto::bytes_of(content));
      object.checksums.push_back({Digest{DigestKind::sha256, digest}, true});
    }
    bucket_.put_object(key, std::move(object));
  }

  unsigned etags_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Runtimes, FoundByChaos, ::testing::Range(-1, 4), runtime_name);

/// The listing promised no checksum, but that was the version before.
TEST_P(FoundByChaos, AVersionThatComesWhileItIsFetchedIsProvedAsWell) {
  put_opaque("k", "old", false);
  std::atomic<int> gets = 0;
  bucket_.set_faults([&](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::list) return fault;
    if (operation == Operation::get && ++gets == 1) put_opaque("k", "new content", true);
    fault.corrupt = operation == Operation::get && gets == 2;
    return fault;
  });
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
  EXPECT_EQ(summary.proofs.checksum, 1u);
}

TEST_P(FoundByChaos, StrictVerificationTakesAnEmptyObject) {
  options_.verify = MirrorOptions::Verify::strict;
  put_opaque("empty", "", false);
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
}

/// The file of an unordered listing that a folder replaces may well be in the bucket.
TEST_P(FoundByChaos, AShadowedKeyIsRefusedInAnyOrder) {
  for (const bool shuffled : {false, true}) {
    options_.dir = dir_ / (shuffled ? "shuffled" : "ordered");
    bucket_.put("a", random_bytes(10, 1));
    bucket_.put("a/b", random_bytes(200'000, 2));
    bucket_.put("b", "b");
    bucket_.shuffle_listing(shuffled);
    bucket_.set_page_keys(shuffled ? 2 : 1000);
    EXPECT_EQ(exit_status(run()), ExitStatus::incomplete) << shuffled;
    EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a"}) << shuffled;
    EXPECT_EQ(tree().count("a/b"), 1u);
  }
}

/// In an unordered listing the file was there before, and its key comes first.
TEST_P(FoundByChaos, AnUnorderedListingDoesNotProveAFileGone) {
  bucket_.put("a", "mirrored");
  bucket_.put("z", "z");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  bucket_.put("a/b", "below");
  bucket_.shuffle_listing(true);
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a"});
}

/// The row of a partial download outlives its staged file when a crash comes between: another
/// object must not get its name.
TEST_P(FoundByChaos, TwoObjectsNeverShareAStagedFile) {
  bucket_.put("x", random_bytes(400'000, 1));
  interrupt_after(3);
  EXPECT_EQ(exit_status(run()), ExitStatus::interrupted);
  no_interruption();
  ASSERT_EQ(staged().size(), 1u);
  fs::remove(staged().front());
  // The names that the next run gives first, in either shard.
  {
    const auto known = record();
    record::Batch batch;
    batch.partials = {*known->find_partial("x").value(), *known->find_partial("x").value()};
    batch.partials[0].staged_name = "0/0";
    batch.partials[1].staged_name = "1/0";
    batch.partials[1].key = "y";
    ASSERT_TRUE(known->commit(batch));
  }
  bucket_.put("y", random_bytes(400'000, 1));
  // It is on its way when those are decided upon.
  bucket_.put("a", random_bytes(700'000, 2));
  bucket_.set_page_keys(1);
  options_.tuning.transfers = 1;
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::failed), std::vector<std::string>());
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(FoundByChaos, AFolderInPlaceOfAFileLeavesNoRow) {
  bucket_.put("a", "file");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  fs::remove(file("a"));
  fs::create_directory(file("a"));
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_FALSE(record()->find("a").value());
}

TEST_P(FoundByChaos, BelowAForeignFileNothingIsFetched) {
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  fake::write_file(file("a"), "foreign");
  bucket_.put("a/b/c", "below");
  bucket_.put("b", "beside");
  for (int i = 0; i < 2; ++i) {
    bucket_.reset_counts();
    EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
    EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a/b/c"});
    EXPECT_EQ(bucket_.count(Operation::get), i == 0 ? 1u : 0u);
  }
  EXPECT_EQ(fake::read_file(file("a")), "foreign");
}

/// What this pass has put there is ours, though the record does not say so yet.
TEST_P(FoundByChaos, AFileOfTheSamePassGivesWayToAFolder) {
  options_.tuning.group_age = std::chrono::milliseconds(1);
  bucket_.put("a", "file");
  for (int i = 0; i < 40; ++i)
    bucket_.put("a/" + std::to_string(i), random_bytes(5000, static_cast<unsigned>(i)));
  bucket_.set_page_keys(1);
  run();
  EXPECT_EQ(tree().size(), 40u);
  EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"a"});
}

TEST_P(FoundByChaos, AFolderWhoseMarkerIsListedStaysWhenItBecomesEmpty) {
  options_.delete_extraneous = true;
  bucket_.put("kept/", "");
  bucket_.put("kept/file", "x");
  bucket_.put("gone/file", "x");
  bucket_.put("other", "x");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  bucket_.remove("kept/file");
  bucket_.remove("gone/file");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_TRUE(fs::is_directory(file("kept")));
  EXPECT_FALSE(fs::exists(file("gone")));
}

/// The marker of the folder has gone, say. What is the user's stays.
TEST_P(FoundByChaos, AnEmptyFolderGivesWayToAFileWithDelete) {
  bucket_.put("a/b/", "");
  bucket_.put("c/", "");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  fake::write_file(file("c/d/own"), "foreign");
  for (const char* gone : {"a/b/", "c/"})
    bucket_.remove(gone);
  for (const char* key : {"a", "c"})
    bucket_.put(key, "a file now");
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_TRUE(fs::is_directory(file("a/b"))) << "without --delete nothing goes";
  options_.delete_extraneous = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(tree(), (Tree{{"a", "a file now"}, {"c/d/own", "foreign"}}));
}

/// The same for a key `a`, but `a/b/` is still listed: the folder wins.
TEST_P(FoundByChaos, AFolderWithAMarkerBelowItDoesNotGiveWay) {
  options_.delete_extraneous = true;
  bucket_.put("a/b/", "");
  bucket_.put("a beside/", "");  // sorts between "a" and "a/"
  bucket_.put("a", "shadowed");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
    EXPECT_TRUE(fs::is_directory(file("a/b")));
  }
}

TEST_P(FoundByChaos, AnArchivedObjectIsNotAskedForWhenTheLocalFileDiffers) {
  fs::create_directories(options_.dir);
  for (const char* local : {"some bytes", "another length"}) {
    fake::write_file(file("k"), local);
    fake::Bucket::Object object;
    object.content = "same size!";
    object.version = {fake::md5_hex(object.content), object.content.size(), 1'700'000'000'000};
    object.storage = StorageClass::archived;
    bucket_.put_object("k", object);
    EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
    EXPECT_EQ(observer_->keys(What::archived), std::vector<std::string>{"k"});
    EXPECT_EQ(bucket_.count(Operation::get), 0u) << local;
    EXPECT_EQ(fake::read_file(file("k")), local);
  }
}

/// A crash came after files had been deleted and before their rows were: these are no deletions.
TEST_P(FoundByChaos, RowsWithoutAFileDoNotCountForTheGuard) {
  for (const std::string key : {"a", "b", "c", "d"})
    bucket_.put("folder/" + key, key);
  bucket_.put("z", "z");
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  options_.delete_extraneous = true;
  options_.max_delete.files = 1;
  for (const std::string key : {"a", "b", "c"})
    bucket_.remove("folder/" + key);
  fs::remove(file("folder/a"));
  // Two would go, one may: what has gone already is forgotten all the same.
  EXPECT_EQ(exit_status(run()), ExitStatus::guard);
  EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"folder/a"});
  EXPECT_EQ(record()->totals().value().objects, 4u);
  EXPECT_TRUE(fs::exists(file("folder/b")) && fs::exists(file("folder/c")));
  fs::remove(file("folder/b"));
  options_.dry_run = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"folder/b"});
  EXPECT_EQ(record()->totals().value().objects, 4u);
  options_.dry_run = false;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"folder/b"});
  EXPECT_EQ(observer_->keys(What::deleted), std::vector<std::string>{"folder/c"});
  EXPECT_EQ(tree(), bucket_tree());
  EXPECT_EQ(record()->totals().value().objects, 2u);
}

/// Also where there are no rows below: the folder is a key of its own, or the user's.
TEST_P(FoundByChaos, ARowWhoseFileBecameAFolderIsForgotten) {
  for (const bool deletes : {false, true}) {
    options_.delete_extraneous = deletes;
    bucket_.put("c", "c");
    bucket_.put("z", "z");
    EXPECT_EQ(exit_status(run()), ExitStatus::equal);
    bucket_.remove("c");
    fs::remove(file("c"));
    fs::create_directory(file("c"));
    EXPECT_EQ(exit_status(run()), ExitStatus::equal);
    EXPECT_EQ(observer_->keys(What::forgotten), std::vector<std::string>{"c"});
    EXPECT_EQ(record()->totals().value().objects, 1u);
    EXPECT_TRUE(fs::is_directory(file("c")));
    fs::remove(file("c"));
  }
}

/// A crash after the time was set and before the record says so: the file is still ours.
TEST_P(FoundByChaos, ANewTimeThatACrashCutShortIsNoLocalChange) {
  options_.local_changes = MirrorOptions::LocalChanges::keep;
  bucket_.put("k", "content", 1'700'000'000'000);
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  bucket_.put("k", "content", 1'700'000'005'000);
  // As the crash left it: the record as it is when the time has just been set.
  const std::string path = options_.dir + "/.sluice/record.db";
  const std::string aside = dir_ / "aside.db";
  on_touched_ = [&] {
    for (const char* suffix : {"", "-wal"})
      if (fs::exists(path + suffix)) fs::copy_file(path + suffix, aside + suffix);
  };
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  on_touched_ = nullptr;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::remove(path + suffix);
    if (fs::exists(aside + suffix)) fs::rename(aside + suffix, path + suffix);
  }
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::local_kept), std::vector<std::string>());
}

}  // namespace
}  // namespace sluice::mirror
