#include "s3/answers.hpp"

#include "s3/etag.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::s3 {
namespace {

using std::chrono::milliseconds;
using Headers = std::vector<std::pair<std::string, std::string>>;

http::ResponseHead answer(int status, Headers headers,
                          std::optional<std::uint64_t> length = std::nullopt) {
  http::ResponseHead head;
  head.status = status;
  head.headers = std::move(headers);
  head.content_length = length;
  return head;
}

store::GetRequest request_for(std::optional<ByteRange> range = std::nullopt) {
  store::GetRequest request;
  request.key = "k";
  request.range = range;
  request.version.etag = "e";
  request.version.size = 100;
  return request;
}

ErrorKind problem(const http::ResponseHead& head, const store::GetRequest& request) {
  const auto checked = check_get_answer(head, request);
  EXPECT_FALSE(checked);
  return checked ? ErrorKind::cancelled : checked.error().kind;
}

TEST(ContentRange, Forms) {
  const auto range = parse_content_range("bytes 1-2/3");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 1U);
  EXPECT_EQ(range->last, 2U);
  EXPECT_EQ(range->total, 3U);
  EXPECT_TRUE(parse_content_range("Bytes 0-0/1"));
  for (const char* text :
       {"", "bytes", "bytes */3", "bytes 1-2/*", "bytes 2-1/3", "bytes 1-3/3", "bytes=1-2/3",
        "bytes 1-2", "bytes -2/3", "bytes 1-/3", "bytes 1-2/", "items 1-2/3", "bytes 1-2/3x",
        "bytes 1/2-3", "bytes 0-18446744073709551616/18446744073709551617"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(Etag, QuotesAndWeakness) {
  EXPECT_EQ(unquoted_etag("\"abc\""), "abc");
  EXPECT_EQ(unquoted_etag("abc"), "abc");
  EXPECT_EQ(unquoted_etag("W/\"abc\""), "");
  EXPECT_EQ(unquoted_etag("\"a\r\nx: y\""), "");
  EXPECT_EQ(unquoted_etag("\"a\"b\""), "");
  EXPECT_EQ(unquoted_etag("\"\xc3\xbc\""), "\xc3\xbc");
  EXPECT_EQ(unquoted_etag(std::string(1025, 'a')), "");
  EXPECT_EQ(quoted_etag("abc"), "\"abc\"");
}

TEST(GetAnswer, Whole) {
  const auto checked = check_get_answer(
      answer(200, {{"ETag", "\"e\""}, {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 100),
      request_for());
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->version.etag, "e");
  EXPECT_EQ(checked->version.size, 100U);
  EXPECT_EQ(checked->version.modified_ms, 784'111'777'000);
  EXPECT_TRUE(checked->checksums.empty());
  EXPECT_FALSE(checked->opaque_etag);
}

TEST(GetAnswer, InChunksItHasTheLengthThatWasListed) {
  const auto checked = check_get_answer(answer(200, {{"etag", "\"e\""}}), request_for());
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->version.size, 100U);
}

TEST(GetAnswer, WholeButNotWhatWasAskedFor) {
  EXPECT_EQ(problem(answer(200, {{"etag", "\"e\""}}, 99), request_for()), ErrorKind::changed);
  EXPECT_EQ(problem(answer(200, {{"etag", "\"f\""}}, 100), request_for()), ErrorKind::changed);
  EXPECT_EQ(problem(answer(200, {{"etag", "W/\"e\""}}, 100), request_for()), ErrorKind::changed);
  EXPECT_EQ(problem(answer(200, {}, 100), request_for()), ErrorKind::invalid_answer);
  EXPECT_EQ(problem(answer(206, {{"etag", "\"e\""}, {"content-range", "bytes 0-99/100"}}, 100),
                    request_for()),
            ErrorKind::invalid_answer);
}

TEST(GetAnswer, Part) {
  const store::GetRequest request = request_for(ByteRange::make(10, 20));
  const auto part = [&](const char* range, std::optional<std::uint64_t> length) {
    return check_get_answer(answer(206, {{"etag", "e"}, {"content-range", range}}, length),
                            request);
  };
  const auto good = part("bytes 10-29/100", 20);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->version.size, 100U);
  EXPECT_TRUE(part("bytes 10-29/100", std::nullopt)) << "chunked";
  EXPECT_EQ(part("bytes 9-28/100", 20).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("bytes 10-30/100", 21).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("bytes 10-28/100", 19).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("bytes 10-29/100", 21).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("bytes 10-29/*", 20).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("", 20).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(part("bytes 10-29/101", 20).error().kind, ErrorKind::changed);
  EXPECT_EQ(part("bytes 10-19/20", 10).error().kind, ErrorKind::changed) << "it has shrunk";
}

TEST(GetAnswer, PartOfAnotherVersionOrKind) {
  const store::GetRequest request = request_for(ByteRange::make(10, 20));
  EXPECT_EQ(
      problem(answer(206, {{"etag", "f"}, {"content-range", "bytes 10-29/100"}}, 20), request),
      ErrorKind::changed);
  EXPECT_EQ(problem(answer(206, {{"content-range", "bytes 10-29/100"}}, 20), request),
            ErrorKind::invalid_answer);
  EXPECT_EQ(problem(answer(206,
                           {{"etag", "e"},
                            {"content-range", "bytes 10-29/100"},
                            {"content-type", "Multipart/ByteRanges; boundary=x"}},
                           20),
                    request),
            ErrorKind::invalid_answer);
}

TEST(GetAnswer, WholeToARange) {
  const http::ResponseHead whole = answer(200, {{"etag", "e"}}, 100);
  EXPECT_EQ(problem(whole, request_for(ByteRange::make(10, 20))), ErrorKind::invalid_answer);
  EXPECT_EQ(problem(whole, request_for(ByteRange::make(0, 20))), ErrorKind::invalid_answer);
  EXPECT_EQ(problem(whole, request_for(ByteRange::make(10, 90))), ErrorKind::invalid_answer);
  EXPECT_TRUE(check_get_answer(whole, request_for(ByteRange::make(0, 100))));
}

TEST(GetAnswer, PinnedByTime) {
  store::GetRequest request = request_for();
  request.version.etag.clear();
  request.version.modified_ms = 784'111'777'500;
  const auto at = [](const char* date) { return answer(200, {{"last-modified", date}}, 100); };
  EXPECT_TRUE(check_get_answer(at("Sun, 06 Nov 1994 08:49:37 GMT"), request));
  EXPECT_TRUE(check_get_answer(at("Sun, 06 Nov 1994 08:49:38 GMT"), request)) << "rounded";
  EXPECT_EQ(problem(at("Sun, 06 Nov 1994 08:49:39 GMT"), request), ErrorKind::changed);
  EXPECT_EQ(problem(at("Sun, 06 Nov 1994 08:49:36 GMT"), request), ErrorKind::changed);
}

TEST(Checksums, OfWholeAnswers) {
  const auto checksums = [](Headers headers) {
    headers.emplace_back("etag", "e");
    return check_get_answer(answer(200, std::move(headers), 100), request_for())->checksums;
  };
  auto found = checksums({{"x-amz-checksum-crc32", "AAECAw=="},
                          {"x-amz-checksum-crc64nvme", "AAECAwQFBgc="},
                          {"x-amz-checksum-type", "FULL_OBJECT"}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].digest.kind, DigestKind::crc64nvme);
  EXPECT_EQ(found[0].digest.bytes, std::string("\0\1\2\3\4\5\6\7", 8));
  EXPECT_TRUE(found[0].full_object);
  EXPECT_EQ(found[1].digest.kind, DigestKind::crc32);
  EXPECT_TRUE(found[1].full_object);

  found = checksums({{"x-amz-checksum-crc32c", "AAECAw=="}, {"x-amz-checksum-type", "COMPOSITE"}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].full_object);

  found = checksums({{"x-amz-checksum-crc32c", "AAECAw==-3"}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].digest.bytes, std::string("\0\1\2\3", 4));
  EXPECT_FALSE(found[0].full_object);
  EXPECT_EQ(found[0].parts, 3U);
  for (const char* odd : {"AAECAw==-", "AAECAw==-x", "AAECAw==-10001"})
    EXPECT_EQ(checksums({{"x-amz-checksum-crc32c", odd}}).at(0).parts, 0U) << odd;

  EXPECT_TRUE(checksums({{"x-amz-checksum-crc32", "AAECAwQ="},  // five bytes
                         {"x-amz-checksum-sha1", "AAECAw=="},
                         {"x-amz-checksum-sha256", "no base64"}})
                  .empty());
}

TEST(Checksums, APartHasNone) {
  const auto checked = check_get_answer(answer(206,
                                               {{"etag", "e"},
                                                {"content-range", "bytes 10-29/100"},
                                                {"x-amz-checksum-crc32", "AAECAw=="}},
                                               20),
                                        request_for(ByteRange::make(10, 20)));
  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->checksums.empty());
}

TEST(Encryption, MakesAnEtagOpaque) {
  const auto opaque = [](Headers headers) {
    return check_head_answer(answer(200, std::move(headers), 1), {})->opaque_etag;
  };
  EXPECT_FALSE(opaque({}));
  EXPECT_FALSE(opaque({{"x-amz-server-side-encryption", "AES256"}}));
  EXPECT_TRUE(opaque({{"x-amz-server-side-encryption", "aws:kms"}}));
  EXPECT_TRUE(opaque({{"x-amz-server-side-encryption", "aws:kms:dsse"}}));
  EXPECT_TRUE(opaque({{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}));
}

TEST(HeadAnswer, NeedsALength) {
  EXPECT_EQ(check_head_answer(answer(200, {}), {}).error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(check_head_answer(answer(200, {}, 7), {})->version.size, 7U);
}

TEST(HeadAnswer, OfAPart) {
  store::HeadRequest request;
  request.part = 1;
  const auto part = [&](Headers headers, int status = 206) {
    return check_head_answer(answer(status, std::move(headers), 5), request).value();
  };
  store::ObjectHead head =
      part({{"etag", "e"}, {"content-range", "bytes 0-4/12"}, {"x-amz-mp-parts-count", "3"}});
  ASSERT_TRUE(head.part);
  EXPECT_EQ(head.part->bytes, 5U);
  EXPECT_EQ(head.part->count, 3U);
  EXPECT_EQ(head.version.size, 12U);
  EXPECT_EQ(head.version.etag, "e");
  // What came without a total, and from servers that know no parts.
  EXPECT_EQ(part({{"x-amz-mp-parts-count", "3"}}, 200).version.size, 0U);
  for (const char* count : {"", "0", "-1", "10001", "many"})
    EXPECT_FALSE(part({{"x-amz-mp-parts-count", count}}).part) << count;
  EXPECT_FALSE(part({}, 200).part);
}

TEST(RetryAfter, Forms) {
  const WallTime now{std::chrono::seconds(784'111'777)};
  const auto wait = [&](Headers headers) {
    return retry_after(answer(503, std::move(headers)), now);
  };
  EXPECT_EQ(wait({}), milliseconds(0));
  EXPECT_EQ(wait({{"Retry-After", "7"}}), milliseconds(7000));
  EXPECT_EQ(wait({{"Retry-After", " 7 "}}), milliseconds(7000));
  EXPECT_EQ(wait({{"Retry-After", "-7"}}), milliseconds(0));
  EXPECT_EQ(wait({{"Retry-After", "soon"}}), milliseconds(0));
  EXPECT_EQ(wait({{"Retry-After", "99999999999999999"}}), milliseconds(300'000));
  EXPECT_EQ(wait({{"Retry-After", "99999999999999999999999"}}), milliseconds(0));
  EXPECT_EQ(wait({{"Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"}}), milliseconds(10'000));
  EXPECT_EQ(wait({{"Retry-After", "Sun, 06 Nov 1994 08:49:27 GMT"}}), milliseconds(0));
  EXPECT_EQ(wait({{"Retry-After", "Sun, 06 Nov 2094 08:49:27 GMT"}}), milliseconds(300'000));
  EXPECT_EQ(wait({{"x-amz-retry-after", "1500"}, {"Retry-After", "7"}}), milliseconds(1500));
  EXPECT_EQ(wait({{"x-amz-retry-after", "99999999"}}), milliseconds(300'000));
}

TEST(Skew, FromTheMiddleOfTheExchange) {
  using std::chrono::seconds;
  const WallTime sent{seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37
  const auto at = [&](const char* date, seconds round_trip, std::int64_t assumed = 0) {
    return measured_skew(answer(200, {{"Date", date}}), sent, sent + round_trip, assumed);
  };
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:54:38 GMT", seconds(2)), 300);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:44:38 GMT", seconds(2)), -300);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:49:38 GMT", seconds(2)), 0);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:49:38 GMT", seconds(2), 300), 0) << "stale";
  EXPECT_EQ(at("junk", seconds(2)), std::nullopt);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:49:38 GMT", seconds(900)), std::nullopt);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:49:38 GMT", seconds(-1)), std::nullopt);
  // A long wait for a connection does not move a clock that was right.
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)), 0);
  EXPECT_EQ(at("Sun, 06 Nov 1994 08:55:37 GMT", seconds(60), 300), 300);
}

TEST(BucketRegion, OnlyALabel) {
  EXPECT_EQ(bucket_region(answer(301, {{"X-Amz-Bucket-Region", "eu-west-1"}})), "eu-west-1");
  EXPECT_EQ(bucket_region(answer(301, {{"x-amz-bucket-region", "evil.example.com"}})), "");
  EXPECT_EQ(bucket_region(answer(301, {})), "");
}

TEST(ContentType, Xml) {
  EXPECT_TRUE(is_xml(answer(200, {{"content-type", "application/xml"}})));
  EXPECT_TRUE(is_xml(answer(200, {{"content-type", "Text/XML; charset=utf-8"}})));
  EXPECT_FALSE(is_xml(answer(200, {{"content-type", "image/svg+xml"}})));
  EXPECT_FALSE(is_xml(answer(200, {})));
}

}  // namespace
}  // namespace sluice::s3
