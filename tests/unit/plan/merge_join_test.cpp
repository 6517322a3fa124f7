#include "plan/merge_join.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>

namespace sluice::plan {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class MergeJoinTest : public testing::Test {
 protected:
  MergeJoinTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-plan-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    record_ = record::Record::open((folder_ / "record.db").string(), {"host", "bucket", ""},
                                   record::Adopt::no)
                  .value();
  }
  ~MergeJoinTest() override {
    record_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  void fill(const std::set<std::string>& keys) {
    record::Batch batch;
    for (const auto& key : keys) {
      ObjectRow row;
      row.key = key;
      row.version.etag = "of " + key;
      batch.upserts.push_back(std::move(row));
    }
    record_->commit(batch).value();
  }

  std::vector<std::string> absent() {
    std::vector<std::string> out;
    for (const auto& row : record_->absent_after("", 1'000'000).value())
      out.push_back(row.key);
    return out;
  }

  /// Whether the row of `key` is found, and that it is the right one.
  static bool found(MergeJoin& join, const std::string& key) {
    const auto row = join.row_for(key);
    if (!row) throw ResultError(row.error());
    if (*row == nullptr) return false;
    EXPECT_EQ((*row)->key, key);
    EXPECT_EQ((*row)->version.etag, "of " + key);
    return true;
  }

  fs::path folder_;
  std::unique_ptr<record::Record> record_;
};

TEST_F(MergeJoinTest, WalksBothSides) {
  fill({"a", "c", "d", "f"});
  MergeJoin join(*record_, "");
  EXPECT_TRUE(found(join, "a"));
  EXPECT_FALSE(found(join, "b"));
  EXPECT_TRUE(found(join, "d"));
  EXPECT_FALSE(found(join, "e"));
  ASSERT_TRUE(join.finish());
  EXPECT_TRUE(join.ordered());
  EXPECT_THAT(absent(), ElementsAre("c", "f"));
}

TEST_F(MergeJoinTest, AnEmptyListingLeavesEverythingAbsent) {
  fill({"a", "b"});
  MergeJoin join(*record_, "");
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), ElementsAre("a", "b"));
}

TEST_F(MergeJoinTest, AnEmptyRecordFindsNothing) {
  MergeJoin join(*record_, "p/");
  EXPECT_FALSE(found(join, "p/a"));
  EXPECT_FALSE(found(join, "p/b"));
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), IsEmpty());
}

TEST_F(MergeJoinTest, OnlyThePrefixTakesPart) {
  fill({"o", "o/z", "p", "p/", "p/a", "p/\xff\xff", "p0", "q/a"});
  MergeJoin join(*record_, "p/");
  EXPECT_TRUE(found(join, "p/")) << "the key that is the prefix itself";
  EXPECT_TRUE(found(join, "p/a"));
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), ElementsAre("p/\xff\xff"));
}

TEST_F(MergeJoinTest, ThePrefixItselfCanBeAbsent) {
  fill({"p/", "p/a"});
  MergeJoin join(*record_, "p/");
  EXPECT_TRUE(found(join, "p/a"));
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), ElementsAre("p/"));
}

TEST_F(MergeJoinTest, ADescentEndsTheOrder) {
  fill({"a", "b", "c", "d"});
  MergeJoin join(*record_, "");
  EXPECT_TRUE(found(join, "c"));
  EXPECT_TRUE(join.ordered());
  EXPECT_TRUE(found(join, "a")) << "it had been passed over";
  EXPECT_FALSE(join.ordered());
  EXPECT_TRUE(found(join, "d"));
  EXPECT_TRUE(found(join, "b"));
  EXPECT_FALSE(found(join, "e"));
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), IsEmpty()) << "no row may be called absent any more";
}

TEST_F(MergeJoinTest, ARepeatedKeyIsFoundAgainAndProvesNothing) {
  fill({"a", "b", "c"});
  MergeJoin join(*record_, "");
  EXPECT_TRUE(found(join, "b"));
  EXPECT_TRUE(found(join, "b"));
  EXPECT_FALSE(join.ordered());
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), IsEmpty());
}

TEST_F(MergeJoinTest, BytesDecideTheOrder) {
  fill({"A", "a", "a\0"s, "é", "\xff"});
  MergeJoin join(*record_, "");
  for (const auto& key : {"A"s, "a"s, "a\0"s, "é"s, "\xff"s})
    EXPECT_TRUE(found(join, key));
  EXPECT_TRUE(join.ordered()) << "UTF-16 or a locale would say otherwise";
}

TEST_F(MergeJoinTest, AnEarlierPassIsForgotten) {
  fill({"a", "b"});
  ObjectRow stale;
  stale.key = "stale";
  ASSERT_TRUE(record_->note_absent({stale}));
  MergeJoin join(*record_, "");
  EXPECT_TRUE(found(join, "a"));
  ASSERT_TRUE(join.finish());
  EXPECT_THAT(absent(), ElementsAre("b"));
}

TEST_F(MergeJoinTest, TheRowStaysValidUntilTheNextCall) {
  std::set<std::string> keys;
  for (int n = 0; n < 3000; ++n)
    keys.insert("k" + std::to_string(10'000 + n));
  fill(keys);
  MergeJoin join(*record_, "");
  for (const auto& key : keys) {
    const ObjectRow* row = join.row_for(key).value();
    ASSERT_NE(row, nullptr);
    record::Batch batch;
    batch.deletes = {key};
    if (key.back() == '7') {
      ASSERT_TRUE(record_->commit(batch)) << "what the publisher may do";
    }
    ASSERT_EQ(row->key, key);
  }
}

TEST_F(MergeJoinTest, RowsAreHeldInChunks) {
  constexpr int kRows = 5 * static_cast<int>(MergeJoin::kChunkRows) + 17;
  std::set<std::string> keys;
  for (int n = 0; n < kRows; ++n)
    keys.insert("p/" + std::to_string(100'000 + n));
  fill(keys);
  MergeJoin join(*record_, "p/");
  // Passing over everything: what is noted so far shows that rows leave memory chunk by chunk.
  std::size_t most_held = 0, passed = 0;
  for (const auto& key : keys) {
    ASSERT_FALSE(found(join, key + "-")) << "a key just after each row";
    ++passed;
    most_held = std::max(most_held, passed - record_->count_absent().value());
  }
  EXPECT_LE(most_held, MergeJoin::kChunkRows + 1);
  ASSERT_TRUE(join.finish());
  EXPECT_EQ(record_->count_absent().value(), keys.size());
}

TEST_F(MergeJoinTest, RandomSetsAgreeWithAMap) {
  const std::uint64_t seed = testing::UnitTest::GetInstance()->random_seed() != 0
                                 ? testing::UnitTest::GetInstance()->random_seed()
                                 : 20'261'124U;
  std::mt19937_64 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string alphabet = "ab/\xff"s + '\0';
  const auto random_key = [&] {
    std::string key;
    for (std::size_t length = 1 + random() % 6; length > 0; --length)
      key += alphabet[random() % alphabet.size()];
    return key;
  };
  for (int round = 0; round < 60; ++round) {
    const std::string prefix = round % 3 == 0 ? "" : round % 3 == 1 ? "a" : "ab/";
    record::Batch wipe;
    for (const auto& row : record_->rows_after("", 1'000'000).value())
      wipe.deletes.push_back(row.key);
    record_->commit(wipe).value();
    std::set<std::string> rows, listing;
    const std::size_t row_count = random() % 4000, listed_count = random() % 400;
    while (rows.size() < row_count && rows.size() < 3000)
      rows.insert(random_key());
    for (std::size_t n = 0; n < listed_count; ++n)
      listing.insert(prefix + random_key());
    fill(rows);

    std::vector<std::string> keys(listing.begin(), listing.end());
    const bool shuffled = round % 5 == 4 && keys.size() > 1;
    if (shuffled) std::swap(keys[random() % keys.size()], keys[random() % keys.size()]);
    const bool sorted = std::is_sorted(keys.begin(), keys.end());

    MergeJoin join(*record_, prefix);
    for (const auto& key : keys)
      ASSERT_EQ(found(join, key), rows.contains(key)) << round;
    ASSERT_TRUE(join.finish());
    ASSERT_EQ(join.ordered(), sorted);
    std::vector<std::string> expected;
    for (const auto& row : rows)
      if (sorted && row.starts_with(prefix) && !listing.contains(row)) expected.push_back(row);
    ASSERT_EQ(absent(), expected) << round;
  }
}

}  // namespace
}  // namespace sluice::plan
