#include "s3/page_fields.hpp"

#include "base/text.hpp"
#include "base/time.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluice::s3 {
namespace {

TEST(PageFields, NamesWithAndWithoutPrefix) {
  EXPECT_EQ(page_field("Contents"), PageField::contents);
  EXPECT_EQ(page_field("s3:Contents"), PageField::contents);
  EXPECT_EQ(page_field("content"), PageField::other);
  EXPECT_EQ(page_field("ContentsX"), PageField::other);
  EXPECT_EQ(page_field(""), PageField::other);
  EXPECT_EQ(page_field("NextContinuationToken"), PageField::next_token);
  EXPECT_EQ(page_field("ContinuationToken"), PageField::other);
  EXPECT_EQ(object_field("Key"), ObjectField::key);
  EXPECT_EQ(object_field("x:y:Key"), ObjectField::key);
  EXPECT_EQ(object_field("key"), ObjectField::other);
  EXPECT_EQ(object_field("ChecksumType"), ObjectField::checksum_type);
}

TEST(S3Date, AgreesWithTheCarefulParser) {
  for (const char* text : {"2024-01-02T03:04:05.678Z",
                           "2024-02-28T23:59:59.999Z",
                           "2024-02-29T00:00:00.000Z",
                           "2023-02-29T00:00:00.000Z",
                           "1970-01-01T00:00:00.000Z",
                           "1969-12-31T23:59:59.000Z",
                           "2100-02-29T00:00:00.000Z",
                           "2000-02-29T12:00:00.001Z",
                           "9999-12-31T23:59:59.999Z",
                           "2024-13-01T00:00:00.000Z",
                           "2024-00-01T00:00:00.000Z",
                           "2024-01-00T00:00:00.000Z",
                           "2024-04-31T00:00:00.000Z",
                           "2024-01-01T24:00:00.000Z",
                           "2024-01-01T00:60:00.000Z",
                           "2024-01-01T00:00:60.000Z",
                           "2024-01-01T00:00:00.00aZ",
                           "2024-01-01 00:00:00.000Z",
                           "2024-01-01T00:00:00Z",
                           "2024-01-01T00:00:00.000+00:00",
                           "",
                           "x",
                           "-024-01-01T00:00:00.000Z",
                           "20 4-01-01T00:00:00.000Z"}) {
    EXPECT_EQ(parse_s3_date(text), dates::parse_iso_ms(text)) << text;
  }
}

TEST(S3Date, EveryDayOfFourCenturies) {
  // 1970 to 2370, in steps of 17 hours and a bit.
  for (std::int64_t ms = 0; ms < 12'622'780'800'000; ms += 61'234'567) {
    ASSERT_EQ(parse_s3_date(dates::format_iso_ms(ms)), ms) << dates::format_iso_ms(ms);
  }
}

TEST(UrlDecode, AgreesWithTheAllocatingOne) {
  std::mt19937 random(1);
  constexpr std::string_view kAlphabet = "%%%+0123456789abcdefABCDEFgz/ ";
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 12, ' ');
    for (char& c : text)
      c = kAlphabet[random() % kAlphabet.size()];
    const auto wanted = text::uri_decoded(text, text::Plus::space);
    std::string decoded = text;
    const auto length = url_decode(decoded);
    ASSERT_EQ(length.has_value(), wanted.has_value()) << text;
    if (length) {
      ASSERT_EQ(decoded.substr(0, *length), *wanted) << text;
    }
  }
}

}  // namespace
}  // namespace sluice::s3
