#include "pass_fixture.hpp"

namespace sluice::mirror {
namespace {

/// In virtual time, where a file that is hashed takes as long as it waits for others to go beside.
class VerifyingBesideTest : public PassTest {
 protected:
  void expect_no_wait_for_each(std::size_t bytes) {
    constexpr int kObjects = 40;
    options_.tuning.transfers = 1;
    options_.tuning.part_bytes = 1 << 20;
    for (int n = 0; n < kObjects; ++n)
      bucket_.put("object " + std::to_string(n), std::string(bytes, 'x'));
    const PassSummary summary = run();
    EXPECT_EQ(exit_status(summary), ExitStatus::equal);
    EXPECT_EQ(summary.proofs.md5, unsigned{kObjects});
    EXPECT_LT(summary.elapsed, 10 * transfer::FileDigester::kGather);
  }
};

TEST_P(VerifyingBesideTest, ATransferDoesNotWaitForItsFileToBeVerified) {
  expect_no_wait_for_each(100'000);
}

TEST_P(VerifyingBesideTest, SmallObjectsWaitForNobody) {
  expect_no_wait_for_each(1000);
}

TEST_P(VerifyingBesideTest, EmptyObjectsWaitForNobody) {
  expect_no_wait_for_each(0);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, VerifyingBesideTest, ::testing::Range(0, 3), runtime_name);

}  // namespace
}  // namespace sluice::mirror
