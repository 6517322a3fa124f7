#include "local/lock.hpp"

#include "destination_fixture.hpp"

namespace sluice::local {
namespace {

TEST(LockHolder, IsTheProcessThatHasIt) {
  const TemporaryDirectory work;
  const std::string dir = work.path() / "mirror";
  const std::string folder = dir + "/.sluice";
  EXPECT_EQ(lock_holder(folder), std::nullopt) << "no such folder";
  {
    const auto held = Destination::open(dir);
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_EQ(lock_holder(folder), static_cast<std::uint64_t>(::getpid()));
    const auto other = Destination::open(dir);
    EXPECT_EQ(other ? ErrorKind::cancelled : other.error().kind, ErrorKind::locked);
  }
  EXPECT_EQ(lock_holder(folder), std::nullopt) << "the file stays, the lock has gone";
}

}  // namespace
}  // namespace sluice::local
