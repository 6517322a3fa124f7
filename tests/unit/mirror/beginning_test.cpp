#include "pass_fixture.hpp"

namespace sluice::mirror {
namespace {

using namespace std::chrono_literals;

/// How many requests a pass begins with. In virtual time only: what is near is a matter of time.
class BeginningTest : public PassTest {
 protected:
  BeginningTest() {
    options_.tuning.transfers = 0;  // found by trying
    for (int n = 0; n < 200; ++n)
      bucket_.put("object " + std::to_string(n), "x");
  }

  /// GETs that were asked for before the first was answered.
  std::uint64_t at_once(std::chrono::milliseconds page_takes) {
    bucket_.set_faults([page_takes](Operation operation, std::string_view) {
      fake::Bucket::Fault fault;
      fault.each_piece = operation == Operation::list ? page_takes : 30ms;
      return fault;
    });
    std::uint64_t asked = 0;
    bucket_.after_get([&](const std::string&) {
      if (asked == 0) asked = bucket_.count(Operation::get);
    });
    const PassSummary summary = run();
    bucket_.after_get(nullptr);
    EXPECT_EQ(exit_status(summary), ExitStatus::equal);
    return asked;
  }
};

TEST_P(BeginningTest, SixteenWhereTheFirstPageComesAtOnce) {
  EXPECT_EQ(at_once(5ms), 16u);
}

TEST_P(BeginningTest, SixtyFourWhereItTakesItsTime) {
  EXPECT_EQ(at_once(40ms), 64u);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, BeginningTest, ::testing::Range(0, 3), runtime_name);

}  // namespace
}  // namespace sluice::mirror
