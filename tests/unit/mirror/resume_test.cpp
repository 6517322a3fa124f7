#include "pass_fixture.hpp"

#include <fstream>

namespace sluice::mirror {
namespace {

constexpr std::uint64_t kPart = 64 * 1024;
constexpr int kParts = 24;

/// One object of kParts parts, and what runs that were cut short leave of it.
class ResumeTest : public PassTest {
 protected:
  ResumeTest() { put_large(1); }

  void put_large(unsigned seed, const std::string& key = "large") {
    std::mt19937 random(seed);
    std::string content(kPart * kParts - 5, '\0');
    for (char& c : content)
      c = static_cast<char>(random());
    bucket_.put(key, content, 1'700'000'000'000 + seed);
  }

  /// Runs until some parts have come, then is interrupted.
  void run_half() {
    interrupt_after(kParts / 2);
    EXPECT_EQ(exit_status(run()), ExitStatus::interrupted);
    no_interruption();
    EXPECT_EQ(staged().size(), 1u);
    EXPECT_TRUE(tree().empty());
    bucket_.reset_counts();
  }

  void expect_mirrored(const PassSummary& summary) {
    EXPECT_EQ(exit_status(summary), ExitStatus::equal)
        << (summary.failure ? summary.failure->message : "");
    EXPECT_EQ(tree(), bucket_tree());
    EXPECT_TRUE(staged().empty());
  }

  /// At most these were on their way when it was interrupted.
  std::uint64_t most_gets() const { return kParts / 2 + options_.tuning.transfers; }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, ResumeTest, ::testing::Range(-1, kSeedsEnd), runtime_name);

TEST_P(ResumeTest, TheNextRunFetchesOnlyTheRest) {
  run_half();
  const auto summary = run();
  expect_mirrored(summary);
  EXPECT_LE(bucket_.count(Operation::get), most_gets());
  EXPECT_GE(summary.progress.resumed_bytes, (kParts - most_gets()) * kPart - 5);
  bucket_.reset_counts();
  EXPECT_EQ(run().progress.resumed_bytes, 0u);
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
}

TEST_P(ResumeTest, AnotherPartSizeUsesTheMapOfTheFirstRun) {
  run_half();
  options_.tuning.part_bytes = 1 << 20;
  expect_mirrored(run());
  EXPECT_LE(bucket_.count(Operation::get), most_gets());
  EXPECT_GE(bucket_.count(Operation::get), kParts / 2 - options_.tuning.transfers);
}

TEST_P(ResumeTest, BytesThatWereDamagedOnDiskAreFetchedAgain) {
  run_half();
  {
    std::fstream file(staged().front(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t at = 100; at < kPart * (kParts - 1); at += kPart) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put('!');
    }
  }
  const auto summary = run();
  expect_mirrored(summary);
  // One in 256 of the bytes was a '!' before.
  EXPECT_LE(summary.progress.resumed_bytes, 2 * kPart);
}

TEST_P(ResumeTest, NothingOfAnotherVersionIsUsed) {
  run_half();
  put_large(2);
  const auto summary = run();
  expect_mirrored(summary);
  EXPECT_EQ(summary.progress.resumed_bytes, 0u);
  EXPECT_EQ(bucket_.count(Operation::get), static_cast<std::uint64_t>(kParts));
}

TEST_P(ResumeTest, APartialDownloadOfAKeyThatHasGoneIsRemoved) {
  run_half();
  bucket_.remove("large");
  bucket_.put("other", "x");
  expect_mirrored(run());
}

TEST_P(ResumeTest, AStagedFileThatHasGoneCostsOnlyTheDownload) {
  run_half();
  fs::remove(staged().front());
  expect_mirrored(run());
  EXPECT_EQ(bucket_.count(Operation::get), static_cast<std::uint64_t>(kParts));
}

TEST_P(ResumeTest, ALinkInPlaceOfTheStagedFileIsNotFollowed) {
  run_half();
  const std::string victim = dir_ / "victim";
  std::ofstream(victim) << "mine";
  const std::string name = staged().front();
  fs::remove(name);
  fs::create_symlink(victim, name);
  expect_mirrored(run());
  std::ifstream in(victim);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine");
}

TEST_P(ResumeTest, AFailedPartLeavesTheOthersForTheNextRun) {
  options_.tuning.max_attempts = 1;
  std::atomic<int> gets = 0;
  bucket_.set_faults([&gets](Operation operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && ++gets == kParts - 2)
      fault.error = Error(ErrorKind::transient, "reset");
    return fault;
  });
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(staged().size(), 1u);
  bucket_.set_faults(nullptr);
  bucket_.reset_counts();
  expect_mirrored(run());
  EXPECT_LE(bucket_.count(Operation::get), 3u);
}

TEST_P(ResumeTest, InterruptedAgainAndAgainItComesToAnEnd) {
  unsigned runs = 0;
  for (; runs < 40; ++runs) {
    interrupt_after(3);
    if (exit_status(run()) == ExitStatus::equal) break;
  }
  no_interruption();
  EXPECT_GT(runs, 1u);
  EXPECT_LT(runs, 40u);
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(ResumeTest, AnObjectInPartsIsProvedByItsChecksum) {
  auto object = bucket_.objects().at("large");
  object.version.etag = "0123456789abcdef0123456789abcdef-24";
  store::Checksum wrong;
  wrong.digest = Digest{DigestKind::crc32, std::string("\1\2\3\4")};
  object.checksums = {wrong};
  bucket_.put_object("large", object);
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_TRUE(tree().empty());
  EXPECT_TRUE(staged().empty());

  // What sluice itself computed of the same content as a file in one part.
  object.checksums.clear();
  bucket_.put_object("large", object);
  options_.tuning.part_bytes = 16 << 20;
  ASSERT_EQ(run().unproven, 1u);
  const auto record =
      record::Record::connect(options_.dir + "/.sluice/record.db", record::Access::read_only);
  store::Checksum right;
  right.digest = (*record)->find("large").value()->digest;
  object.checksums = {right};
  bucket_.put_object("large", object);
  fs::remove_all(options_.dir);
  options_.tuning.part_bytes = kPart;
  bucket_.reset_counts();
  summary = run();
  expect_mirrored(summary);
  EXPECT_EQ(summary.unproven, 0u);
  EXPECT_EQ(bucket_.count(Operation::head), 1u);
}

}  // namespace
}  // namespace sluice::mirror
