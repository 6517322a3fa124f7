#include "transfer/active_transfers.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluice::transfer {
namespace {

using Entry = ActiveTransfers::Entry;

std::shared_ptr<Assembly> object_of(const std::string& key, std::uint64_t size) {
  Version version;
  version.size = size;
  FetchTask task(key, local::RelativePath::from_key(key, "").value(), version);
  return std::make_shared<Assembly>(std::move(task), PartPlan(size, 64 * 1024));
}

SteadyTime at(int second) {
  return SteadyTime(std::chrono::seconds(second));
}

TEST(ActiveTransfers, AnObjectIsThereAsLongAsAnyOfItsPartsIs) {
  ActiveTransfers active;
  const auto object = object_of("a", 200'000);
  std::optional<Entry> first(std::in_place, active, object, at(1));
  std::optional<Entry> second(std::in_place, active, object, at(2));
  object->add_received(70'000);
  EXPECT_EQ(active.count(), 1U);
  first.reset();
  const auto seen = active.oldest(9);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].key, "a");
  EXPECT_EQ(seen[0].size_bytes, 200'000U);
  EXPECT_EQ(seen[0].received_bytes, 70'000U);
  EXPECT_EQ(seen[0].begun, at(1));
  object->add_received(200'000);  // a part came twice
  EXPECT_EQ(active.oldest(1)[0].received_bytes, 200'000U);
  second.reset();
  EXPECT_EQ(active.count(), 0U);
}

TEST(ActiveTransfers, TheOldestComeFirstAndNoMoreThanAsked) {
  ActiveTransfers active;
  const Entry late(active, object_of("late", 1), at(30));
  const Entry early(active, object_of("early", 1), at(10));
  const Entry middle(active, object_of("middle", 1), at(20));
  const auto seen = active.oldest(2);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].key, "early");
  EXPECT_EQ(seen[1].key, "middle");
  EXPECT_EQ(active.count(), 3U);
  EXPECT_TRUE(active.oldest(0).empty());
}

TEST(ActiveTransfers, AKeyOutlivesTheTaskThatIsHandedOn) {
  ActiveTransfers active;
  const auto object = object_of("a rather long key that has no room in the string", 1);
  const Entry entry(active, object, at(1));
  const FetchTask taken = object->take_task();
  EXPECT_EQ(active.oldest(1)[0].key, taken.key);
}

}  // namespace
}  // namespace sluice::transfer
