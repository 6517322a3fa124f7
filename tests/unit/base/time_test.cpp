#include "base/time.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <limits>
#include <string>

namespace sluice::dates {
namespace {

std::string vectors_file(const std::string& name) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr || *folder == '\0') folder = std::getenv("SLUICE_TEST_DATA");
  return std::string(folder == nullptr ? "tests/data" : folder) + "/" + name;
}

class DateVectors : public testing::Test {
 protected:
  void SetUp() override {
    const auto error = parser_.load(vectors_file("dates.json")).get(root_);
    ASSERT_EQ(error, simdjson::SUCCESS) << vectors_file("dates.json");
  }

  /// Runs `parse` over one list; how many cases there were.
  template <class Parse>
  int run(const char* list, const char* expected_name, Parse parse) {
    int count = 0;
    for (const auto one : root_[list].get_array()) {
      const std::string_view text = one["text"].get_string();
      const auto expected = one[expected_name];
      const auto got = parse(text);
      if (expected.is_null())
        EXPECT_EQ(got, std::nullopt) << text::escaped(text);
      else
        EXPECT_EQ(got, std::int64_t(expected.get_int64())) << text::escaped(text);
      ++count;
    }
    return count;
  }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

TEST_F(DateVectors, Http) {
  EXPECT_GE(run("http", "expect", parse_http), 18);
}

TEST_F(DateVectors, Iso8601) {
  EXPECT_GE(run("iso8601", "expect_ms", parse_iso_ms), 15);
}

TEST(ParseHttp, TheOldFormsAreExact) {
  EXPECT_EQ(parse_http("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http("Tuesday, 31-Dec-69 23:59:59 GMT"), 3155759999) << "69 is 2069";
  EXPECT_EQ(parse_http("Sun Nov 16 08:49:37 1994"), 784975777);
  for (const auto* bad :
       {"Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 1994 ", "Sun, 06-Nov-94 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37", "Sun, 06 Nov -994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", ",", "Sun,"})
    EXPECT_EQ(parse_http(bad), std::nullopt) << bad;
}

TEST(ParseIso, RefusesWhatIsNotExact) {
  for (const auto* bad :
       {"2013-05-24T00:00:00.Z", "2013-05-24T00:00:00+0100", "2013-05-24T00:00:00+24:00",
        "2013-05-24T00:00:00+01:60", "2013-05-24T00:00:00ZZ", "2013-05-24T00:00Z",
        "2013-5-24T00:00:00Z", "+013-05-24T00:00:00Z", "2013-05-24T00:00:00.1 Z",
        "2013-00-24T00:00:00Z", "2013-13-24T00:00:00Z", "1900-02-29T00:00:00Z"})
    EXPECT_EQ(parse_iso_ms(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_iso_ms("2000-02-29T00:00:00.5Z"), 951782400500);
  EXPECT_EQ(parse_iso_ms("1969-12-31T23:59:59.250Z"), -750);
  EXPECT_EQ(parse_iso_ms("2013-05-24T00:00:00." + std::string(5000, '9') + "Z"), 1369353600999);
}

TEST(Format, KnownMoments) {
  EXPECT_EQ(format_http(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_iso_ms(1709210096789), "2024-02-29T12:34:56.789Z");
  EXPECT_EQ(format_iso_ms(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_amz(1440938160), "20150830T123600Z");
}

TEST(Format, NoTimeBreaksTheForm) {
  EXPECT_EQ(format_http(std::numeric_limits<std::int64_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format_amz(std::numeric_limits<std::int64_t>::min()), "00000101T000000Z");
  EXPECT_EQ(format_iso_ms(std::numeric_limits<std::int64_t>::min()).size(), 24U);
}

TEST(Format, IsReadBackForEveryDay) {
  // Every 7 h 11 min over 400 years of the Gregorian cycle.
  for (std::int64_t at = -2'208'988'800; at < 10'413'792'000; at += 25'860) {
    ASSERT_EQ(parse_http(format_http(at)), at);
    ASSERT_EQ(parse_iso_ms(format_iso_ms(at * 1000 + 7)), at * 1000 + 7);
  }
}

}  // namespace
}  // namespace sluice::dates
