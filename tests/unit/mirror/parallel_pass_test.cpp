#include "pass_fixture.hpp"

namespace sluice::mirror {
namespace {

/// A pass whose listing runs in several ranges at once, on a source that has shown its order.
class ParallelPassTest : public PassTest {
 protected:
  ParallelPassTest() {
    bucket_.set_page_keys(5);
    options_.tuning.list_concurrency = 6;
  }
  void put_numbered(int count) {
    for (int n = 0; n < count; ++n)
      bucket_.put("dir" + std::to_string(n / 50) + "/" + std::to_string(10'000 + n), "x");
  }
  bool is_order_proved() {
    auto record =
        record::Record::connect(options_.dir + "/.sluice/record.db", record::Access::read_only);
    return (*record)->byte_order_proved();
  }
};

TEST_P(ParallelPassTest, OneOrderedPassProvesTheOrder) {
  put_numbered(150);
  ASSERT_FALSE(run().failure);
  EXPECT_EQ(bucket_.count(Operation::list), 30u) << "nothing is known: page after page";
  EXPECT_TRUE(is_order_proved());
  bucket_.reset_counts();
  ASSERT_FALSE(run().failure);
  EXPECT_GT(bucket_.count(Operation::list), 30u) << "ranges end with a page that is half in vain";
  EXPECT_LE(bucket_.count(Operation::list), 30u * 115 / 100 + 50);
  bucket_.shuffle_listing(true);
  ASSERT_FALSE(run().failure);
  EXPECT_FALSE(is_order_proved()) << "it was not what it was taken for";
  bucket_.reset_counts();
  ASSERT_FALSE(run().failure);
  EXPECT_EQ(bucket_.count(Operation::list), 30u);
}

TEST_P(ParallelPassTest, WhatIsGoneFromAnyRangeIsDeleted) {
  options_.delete_extraneous = true;
  put_numbered(200);
  bucket_.put("dir0", "shadowed by the folder");
  run();
  for (int n = 3; n < 200; n += 7)
    bucket_.remove("dir" + std::to_string(n / 50) + "/" + std::to_string(10'000 + n));
  for (int n = 0; n < 200; n += 11)
    bucket_.put("dir" + std::to_string(n / 50) + "/" + std::to_string(10'000 + n), "new",
                1'800'000'000'000);
  const PassSummary summary = run();
  EXPECT_FALSE(summary.failure);
  EXPECT_TRUE(summary.listing_complete);
  Tree expected = bucket_tree();
  expected.erase("dir0");
  EXPECT_EQ(tree(), expected);
}

TEST_P(ParallelPassTest, ARangeThatFailsLeavesEverything) {
  options_.delete_extraneous = true;
  options_.tuning.max_attempts = 1;
  put_numbered(200);
  run();
  const Tree before = tree();
  for (int n = 0; n < 80; ++n)
    bucket_.remove("dir" + std::to_string(n / 50) + "/" + std::to_string(10'000 + n));
  std::atomic<int> requests = 0;
  bucket_.set_faults([&requests](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::list && ++requests > 12)
      fault.error = Error(ErrorKind::transient, "reset");
    return fault;
  });
  const PassSummary summary = run();
  EXPECT_TRUE(summary.failure);
  EXPECT_FALSE(summary.listing_complete);
  EXPECT_EQ(tree(), before);
}

/// The same histories, listed in ranges and page after page, end in the same trees.
TEST_P(ParallelPassTest, RangesAndPagesMakeTheSameMirror) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  options_.delete_extraneous = true;
  options_.max_delete = {};
  options_.max_delete.percent.reset();
  options_.allow_empty_source = true;
  const std::vector<std::string> pieces = {"a",        "a/", "b", "/b", "\x7f",
                                           "\xc2\x80", "字", "0", "9"};
  for (int round = 0; round < 4; ++round) {
    bucket_.set_page_keys(static_cast<unsigned>(random() % 9 + 1));
    for (int n = 0; n < 150; ++n) {
      std::string key = pieces[random() % pieces.size()];
      for (std::size_t length = random() % 4; length > 0; --length)
        key += pieces[random() % pieces.size()];
      if (random() % 3 == 0)
        bucket_.remove(key);
      else
        bucket_.put(key, key.ends_with('/') ? "" : std::to_string(random()),
                    1'700'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000'000));
    }
    const MirrorOptions ranged = options_;
    const PassSummary in_ranges = run();
    const Tree mirrored = tree();
    options_.tuning.list_concurrency = 1;
    options_.dir = dir_ / "serial";
    const PassSummary in_pages = run();
    EXPECT_EQ(mirrored, tree());
    EXPECT_FALSE(in_ranges.failure);
    EXPECT_EQ(in_ranges.progress.listed, in_pages.progress.listed);
    // Whether a shadowed file was fetched before its folder came is a matter of timing.
    for (const What what : {What::deleted, What::failed})
      EXPECT_EQ(in_ranges.progress.count(what), in_pages.progress.count(what)) << to_string(what);
    options_ = ranged;
  }
}

INSTANTIATE_TEST_SUITE_P(Runtimes, ParallelPassTest, ::testing::Values(-1, 1, 2), runtime_name);

}  // namespace
}  // namespace sluice::mirror
