#include "pass_fixture.hpp"
#include "transfer/fetcher.hpp"

#include <fstream>

namespace sluice::mirror {
namespace {

/// --verify length: nothing is checked by a digest, so large files get none.
class LengthTest : public PassTest {
 protected:
  LengthTest() {
    options_.verify = MirrorOptions::Verify::length;
    bucket_.put("large", std::string(300'000, 'l'));
    bucket_.put("small", std::string(3'000, 's'));
  }

  ObjectRow row(const std::string& key) const {
    const auto record =
        record::Record::connect(options_.dir + "/.sluice/record.db", record::Access::read_only);
    return *(*record)->find(key).value();
  }

  /// A run that is to succeed; the GETs that it made.
  std::uint64_t gets_of_run() {
    bucket_.reset_counts();
    EXPECT_EQ(exit_status(run()), ExitStatus::equal);
    EXPECT_EQ(tree(), bucket_tree());
    return bucket_.count(Operation::get);
  }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, LengthTest, ::testing::Range(-1, 3), runtime_name);

TEST_P(LengthTest, LargeFilesAreNotHashed) {
  for (const std::uint64_t part_bytes : {64u << 10, 8u << 20}) {
    fs::remove_all(options_.dir);
    options_.tuning.part_bytes = part_bytes;
    gets_of_run();
    EXPECT_EQ(row("large").digest.kind, DigestKind::none);
    EXPECT_EQ(row("large").proof, Proof::length);
    EXPECT_NE(row("small").digest.kind, DigestKind::none);
    EXPECT_EQ(gets_of_run(), 0u);
  }
}

TEST_P(LengthTest, AChecksumIsComparedWithTheETagIfThereIsNoOther) {
  gets_of_run();
  options_.compare = MirrorOptions::Compare::checksum;
  EXPECT_EQ(gets_of_run(), 0u);
  EXPECT_EQ(row("large").proof, Proof::md5);
  EXPECT_EQ(gets_of_run(), 0u);
}

TEST_P(LengthTest, AChecksumFindsWhatHasChanged) {
  gets_of_run();
  const auto time = fs::last_write_time(file("large"));
  {
    std::fstream out(file("large"), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(200'000);
    out.put('!');
  }
  fs::last_write_time(file("large"), time);
  EXPECT_NE(tree(), bucket_tree());
  options_.compare = MirrorOptions::Compare::checksum;
  EXPECT_GT(gets_of_run(), 0u);
  // It has a digest now: where the ETag proves nothing, every such run would fetch it again.
  EXPECT_NE(row("large").digest.kind, DigestKind::none);
  EXPECT_EQ(gets_of_run(), 0u);
}

TEST_P(LengthTest, ACopyOfTheMirrorIsProvedByTheETag) {
  gets_of_run();
  const std::string copy = dir_ / "copy";
  fs::copy_file(file("large"), copy);
  fs::last_write_time(copy, fs::last_write_time(file("large")));
  fs::rename(copy, file("large"));
  EXPECT_EQ(gets_of_run(), 0u);
}

TEST_P(LengthTest, WhatTakesLongIsHashedSoThatItCanGoOn) {
  if (GetParam() < 0) GTEST_SKIP() << "it takes too long in real time";
  constexpr std::uint64_t kParts = 24;
  bucket_.put("large", std::string(64 * 1024 * kParts, 'l'));
  options_.tuning.transfers = 1;
  std::atomic<int> gets = 0;
  bucket_.set_faults([&gets](Operation operation, std::string_view key) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && key == "large" && ++gets == 5) {
      fault.error = Error(ErrorKind::throttled, "slow down");
      fault.error->retry_after = 2 * transfer::kHashedAfter;
    }
    return fault;
  });
  interrupt_after(13);
  EXPECT_EQ(exit_status(run()), ExitStatus::interrupted);
  no_interruption();
  const PassSummary summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
  // Nothing is known of the parts before the pause.
  EXPECT_GE(summary.progress.resumed_bytes, 3u * 64 * 1024);
  EXPECT_LE(summary.progress.resumed_bytes, 12u * 64 * 1024);
}

}  // namespace
}  // namespace sluice::mirror
