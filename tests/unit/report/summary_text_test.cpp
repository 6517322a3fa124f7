#include "report/summary_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::report {
namespace {

using namespace std::chrono_literals;

void set(PassSummary& summary, What what, std::uint64_t count) {
  summary.progress.counts[static_cast<std::size_t>(what)] = count;
}

PassSummary good() {
  PassSummary summary;
  summary.listing_complete = true;
  summary.progress.listing_done = true;
  summary.progress.listed = 10'000;
  summary.progress.listed_bytes = std::uint64_t{4} << 30;
  summary.progress.to_fetch_bytes = std::uint64_t{1} << 30;
  summary.progress.fetched_bytes = std::uint64_t{1} << 30;
  set(summary, What::fetched, 3214);
  set(summary, What::kept, 6786);
  set(summary, What::deleted, 6);
  summary.requests = {10, 0, 3214, 6};
  summary.elapsed = 2s;
  return summary;
}

TEST(SummaryText, OfASuccess) {
  EXPECT_EQ(summary_text(good(), Run::real),
            "up to date: 10,000 objects in the bucket, 4 GiB\n"
            "  3,214 fetched (1 GiB), 6 deleted, 6,786 unchanged\n"
            "  2s, 512 MiB/s; requests: 10 LIST, 3,214 GET, 6 probe GET\n");
}

TEST(SummaryText, OfAQuietPass) {
  PassSummary summary = good();
  summary.progress.fetched_bytes = 0;
  set(summary, What::fetched, 0);
  set(summary, What::deleted, 0);
  summary.requests = {10, 0, 0, 0};
  EXPECT_EQ(summary_text(summary, Run::real),
            "up to date: 10,000 objects in the bucket, 4 GiB\n"
            "  6,786 unchanged\n"
            "  2s; requests: 10 LIST\n");
  EXPECT_FALSE(is_eventful(summary));
  EXPECT_TRUE(is_eventful(good()));
}

TEST(SummaryText, NeverCallsAnIncompleteMirrorUpToDate) {
  for (const What what : {What::failed, What::refused, What::archived, What::local_kept}) {
    PassSummary summary = good();
    set(summary, what, 1);
    const std::string text = summary_text(summary, Run::real);
    EXPECT_TRUE(text.starts_with("incomplete: ")) << text;
    EXPECT_NE(text.find("\n  1 "), std::string::npos) << text;
  }
  PassSummary summary = good();
  summary.failure = Error(ErrorKind::denied, "no");
  EXPECT_TRUE(summary_text(summary, Run::real).starts_with("failed: "));
  summary.interrupted = true;
  EXPECT_TRUE(summary_text(summary, Run::real).starts_with("interrupted: "));
  summary = good();
  summary.guard = Error(ErrorKind::guard, "too many");
  EXPECT_TRUE(summary_text(summary, Run::real).starts_with("deletion refused"));
}

TEST(SummaryText, OfADryRun) {
  PassSummary summary = good();
  summary.progress.fetched_bytes = 0;
  EXPECT_EQ(summary_text(summary, Run::dry),
            "dry run, nothing was changed: 10,000 objects in the bucket, 4 GiB\n"
            "  3,214 to fetch (1 GiB), 6 to delete, 6,786 unchanged\n"
            "  2s; requests: 10 LIST, 3,214 GET, 6 probe GET\n");
}

TEST(SummaryText, TellsOfRetriesAndWeakProofsAndExtraneousFiles) {
  PassSummary summary = good();
  summary.proofs.md5 = 3'000;
  summary.proofs.length = 5;
  summary.progress.retries = 1;
  set(summary, What::extraneous, 2);
  const std::string text = summary_text(summary, Run::real);
  EXPECT_NE(
      text.find("\n  verified: 3,000 by MD5, 5 by length only (the server offers no checksum)\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("; 1 retry\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n  2 files here but gone from the bucket"), std::string::npos) << text;
}

TEST(PassLine, IsOneLine) {
  PassSummary summary = good();
  set(summary, What::failed, 2);
  EXPECT_EQ(pass_line(summary),
            "3,214 fetched (1 GiB), 6 deleted, 6,786 unchanged, 2 failed in 2s");
  EXPECT_EQ(pass_line(PassSummary{}), "no objects in 0ms");
}

TEST(Shortcomings, NamesWhatIsMissing) {
  PassSummary summary = good();
  EXPECT_EQ(shortcomings(summary), "");
  set(summary, What::failed, 2);
  set(summary, What::archived, 1000);
  EXPECT_EQ(shortcomings(summary), "2 failed, 1,000 archived");
}

TEST(SummaryText, SaysWhatCameFromARunThatWasCutShort) {
  PassSummary summary;
  summary.listing_complete = true;
  summary.progress.counts[static_cast<std::size_t>(What::fetched)] = 1;
  summary.progress.fetched_bytes = std::uint64_t{1} << 30;
  summary.progress.resumed_bytes = std::uint64_t{3} << 30;
  EXPECT_THAT(summary_text(summary, Run::real),
              testing::HasSubstr("1 fetched (1 GiB, and 3 GiB from a run that was cut short)"));
}

}  // namespace
}  // namespace sluice::report
