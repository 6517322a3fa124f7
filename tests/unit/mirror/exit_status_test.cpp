#include "sluice/summary.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

PassSummary with(What what) {
  PassSummary summary;
  summary.progress.counts[static_cast<std::size_t>(what)] = 1;
  return summary;
}

TEST(ExitStatus, ZeroOnlyIfTheMirrorEqualsTheBucket) {
  EXPECT_EQ(exit_status(PassSummary{}), ExitStatus::equal);
  for (const What what : {What::kept, What::fetched, What::adopted, What::touched, What::deleted,
                          What::extraneous, What::forgotten, What::vanished})
    EXPECT_EQ(exit_status(with(what)), ExitStatus::equal) << to_string(what);
  for (const What what : {What::failed, What::refused, What::archived, What::local_kept})
    EXPECT_EQ(exit_status(with(what)), ExitStatus::incomplete) << to_string(what);
}

TEST(ExitStatus, TheGravestWins) {
  PassSummary summary = with(What::failed);
  summary.guard = Error(ErrorKind::guard, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::guard);
  summary.failure = Error(ErrorKind::unreachable, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::network);
  summary.local_failures = 1;
  EXPECT_EQ(exit_status(summary), ExitStatus::local);
  summary.failure = Error(ErrorKind::denied, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::denied);
  summary.failure = Error(ErrorKind::missing_bucket, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::no_bucket);
  summary.failure = Error(ErrorKind::usage, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::usage);
  summary.failure = Error(ErrorKind::locked, "");
  EXPECT_EQ(exit_status(summary), ExitStatus::locked);
  summary.interrupted = true;
  EXPECT_EQ(exit_status(summary), ExitStatus::interrupted);
}

TEST(ExitStatus, ADryRunThatCouldListIsEqual) {
  PassSummary summary;
  summary.dry_run = true;
  summary.guard = Error(ErrorKind::guard, "no");
  summary.progress.counts[static_cast<std::size_t>(What::refused)] = 1;
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  summary.failure = Error(ErrorKind::invalid_answer, "no listing");
  EXPECT_EQ(exit_status(summary), ExitStatus::network);
}

}  // namespace
}  // namespace sluice
