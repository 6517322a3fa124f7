#include "plan/licence.hpp"

#include <gtest/gtest.h>

namespace sluice::plan {
namespace {

TEST(DeletionLicence, OnlyFromACompleteOrderedListing) {
  for (const bool complete : {false, true}) {
    for (const bool ordered : {false, true}) {
      for (const std::uint64_t keys : {0u, 1u}) {
        for (const bool allow_empty : {false, true}) {
          Error why;
          const auto licence = DeletionLicence::from({complete, ordered, keys}, allow_empty, &why);
          EXPECT_EQ(licence.has_value(), complete && ordered && (keys > 0 || allow_empty));
          EXPECT_EQ(why.message.empty(), licence.has_value());
        }
      }
    }
  }
}

TEST(GuardDeletion, DefaultIsHalfOfTheRecordBeyondAHundredFiles) {
  const DeleteLimit limit;
  EXPECT_FALSE(guard_deletion(limit, 100, 100));
  EXPECT_TRUE(guard_deletion(limit, 101, 101));
  EXPECT_FALSE(guard_deletion(limit, 500, 1000));
  EXPECT_TRUE(guard_deletion(limit, 501, 1000));
}

TEST(GuardDeletion, ACountIsACount) {
  DeleteLimit limit;
  limit.files = 3;
  limit.percent.reset();
  EXPECT_FALSE(guard_deletion(limit, 3, 1000));
  const auto refused = guard_deletion(limit, 4, 1000);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, ErrorKind::guard);
  limit.files = 0;
  EXPECT_FALSE(guard_deletion(limit, 0, 0));
  EXPECT_TRUE(guard_deletion(limit, 1, 1'000'000));
}

}  // namespace
}  // namespace sluice::plan
