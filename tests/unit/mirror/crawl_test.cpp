#include "transfer/crawl.hpp"

#include "pass_fixture.hpp"

namespace sluice::mirror {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kPart = 256 * 1024;
constexpr int kParts = 24;

/// An object in many parts; GETs of it may crawl: 40 KiB/s, where others bring 25 MiB/s. In virtual
/// time only: nobody waits for it.
class CrawlTest : public PassTest {
 protected:
  CrawlTest() {
    options_.tuning.part_bytes = kPart;
    options_.tuning.max_attempts = 1;  // what is given up does not count as a try
    std::string content;
    while (content.size() < kPart * kParts)
      content += "line " + std::to_string(content.size()) + '\n';
    content.resize(kPart * kParts);
    bucket_.put("large", std::move(content));
  }

  /// The GETs with these numbers, counted from 1, crawl.
  void let_crawl(std::function<bool(int)> which) {
    auto gets = std::make_shared<std::atomic<int>>(0);
    bucket_.set_faults([gets, which = std::move(which)](Operation operation, std::string_view) {
      fake::Bucket::Fault fault;
      if (operation == Operation::get && which(++*gets)) fault.each_piece = 100ms;
      return fault;
    });
  }

  PassSummary expect_mirrored(std::uint64_t gets) {
    auto summary = run();
    EXPECT_EQ(exit_status(summary), ExitStatus::equal)
        << (summary.failure ? summary.failure->message : "");
    EXPECT_EQ(tree(), bucket_tree());
    EXPECT_EQ(bucket_.count(Operation::get), gets);
    std::uint64_t bytes = 0;
    for (const auto& [key, object] : bucket_.objects())
      bytes += object.content.size();
    EXPECT_EQ(summary.progress.fetched_bytes, bytes);
    return summary;
  }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, CrawlTest, ::testing::Range(0, 4), runtime_name);

TEST_P(CrawlTest, APartThatCrawlsIsAskedForAgainFromItsLastByte) {
  let_crawl([](int number) { return number == 12; });
  const auto summary = expect_mirrored(kParts + 1);
  EXPECT_EQ(summary.progress.retries, 1u);
  EXPECT_LT(summary.elapsed, 6s);  // of 6.4 s
}

TEST_P(CrawlTest, ThreeTimesAndThenItMayTakeItsTime) {
  bucket_.put("ill", std::string(kPart * 2, 'x'));
  options_.tuning.part_bytes = kPart * 2;
  bucket_.set_faults([](Operation operation, std::string_view key) {
    fake::Bucket::Fault fault;
    if (operation == Operation::get && key == "ill") fault.each_piece = 200ms;
    return fault;
  });
  const auto summary = expect_mirrored(kParts / 2 + 1 + transfer::CrawlWatch::kMostTimes);
  EXPECT_EQ(summary.progress.retries, transfer::CrawlWatch::kMostTimes);
}

TEST_P(CrawlTest, WhereAllAreSlowNoneIsGivenUp) {
  let_crawl([](int) { return true; });
  const auto summary = expect_mirrored(kParts);
  EXPECT_EQ(summary.progress.retries, 0u);
}

}  // namespace
}  // namespace sluice::mirror
