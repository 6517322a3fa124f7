#include "report/wording.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace sluice::report {
namespace {

TEST(Wording, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(123456), "123,456");
  EXPECT_EQ(grouped(~std::uint64_t{0}), "18,446,744,073,709,551,615");
}

TEST(Wording, CountsInSingularAndPlural) {
  EXPECT_EQ(counted(0, "object"), "0 objects");
  EXPECT_EQ(counted(1, "object"), "1 object");
  EXPECT_EQ(counted(1234, "error"), "1,234 errors");
}

TEST(Wording, EscapesASentenceOnce) {
  EXPECT_EQ(printable("a\x1b[2J"), "a\\x1b[2J");
  EXPECT_EQ(printable("two\nlines\r"), "two\\x0alines\\x0d");
  const std::string named = "key " + text::escaped("back\\slash\x01") + " is refused";
  EXPECT_EQ(printable(named), named);
  EXPECT_EQ(printable("\\"), "\\");
  EXPECT_EQ(printable(""), "");
}

}  // namespace
}  // namespace sluice::report
