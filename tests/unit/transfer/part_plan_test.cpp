#include "transfer/part_plan.hpp"

#include <gtest/gtest.h>

namespace sluice::transfer {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

TEST(PartPlan, AnEmptyObjectHasNoParts) {
  EXPECT_EQ(PartPlan(0, kMiB).count(), 0u);
}

TEST(PartPlan, PartsCoverTheObjectOnce) {
  for (const std::uint64_t size :
       {std::uint64_t{1}, kMiB - 1, kMiB, kMiB + 1, 8 * kMiB - 1, 8 * kMiB, 8 * kMiB + 1}) {
    const PartPlan plan(size, kMiB);
    std::uint64_t at = 0;
    for (std::uint32_t i = 0; i < plan.count(); ++i) {
      EXPECT_EQ(plan.range(i).offset(), at);
      EXPECT_LE(plan.range(i).length(), kMiB);
      at += plan.range(i).length();
    }
    EXPECT_EQ(at, size);
  }
}

TEST(PartPlan, NeverMoreThanTenThousandParts) {
  const std::uint64_t size = 5ull * 1024 * 1024 * kMiB;  // 5 TiB, the largest object there is
  const PartPlan plan(size, kMiB);
  EXPECT_LE(plan.count(), PartPlan::kMaxParts);
  EXPECT_EQ(plan.range(plan.count() - 1).last(), size - 1);
}

}  // namespace
}  // namespace sluice::transfer
