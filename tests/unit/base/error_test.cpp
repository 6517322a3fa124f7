#include "base/result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace sluice {
namespace {

TEST(ErrorKind, EveryKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::cancelled); ++kind)
    names.insert(to_string(static_cast<ErrorKind>(kind)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorKind::cancelled) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(LocalError, CarriesTheErrno) {
  const Error error = local_error("cannot write \"a\"", ENOSPC);
  EXPECT_EQ(error.kind, ErrorKind::local);
  EXPECT_EQ(error.os_error, ENOSPC);
  EXPECT_EQ(error.message, "cannot write \"a\": No space left on device; free some space there");
  EXPECT_EQ(local_error("a", ENOTDIR).message, "a: Not a directory");
}

TEST(Result, ValueOfAFailureThrowsItsMessage) {
  const Result<int> result = Error(ErrorKind::usage, "no such flag");
  try {
    static_cast<void>(result.value());
    FAIL();
  } catch (const ResultError& error) {
    EXPECT_STREQ(error.what(), "no such flag");
    EXPECT_EQ(error.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace sluice
