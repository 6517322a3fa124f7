// HeadObject and GetObject over the wire.
#include "origin/objects.hpp"

#include "fixture.hpp"
#include "origin/dates.hpp"

namespace sluice::origin {
namespace {

using test::Reply;
using testing::HasSubstr;

TEST(ParseRange, Forms) {
  struct Case {
    const char* header;
    std::uint64_t size;
    RangeVerdict verdict;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };
  const Case cases[] = {
      {"bytes=0-4", 10, RangeVerdict::partial, 0, 5},
      {"bytes=3-", 10, RangeVerdict::partial, 3, 7},
      {"bytes=-3", 10, RangeVerdict::partial, 7, 3},
      {"bytes=-30", 10, RangeVerdict::partial, 0, 10},
      {"bytes=8-99999999999999999999999", 10, RangeVerdict::partial, 8, 2},
      {"bytes=9-9", 10, RangeVerdict::partial, 9, 1},
      {"bytes=10-", 10, RangeVerdict::unsatisfiable},
      {"bytes=-0", 10, RangeVerdict::unsatisfiable},
      {"bytes=0-0", 0, RangeVerdict::unsatisfiable},
      {"bytes=-5", 0, RangeVerdict::unsatisfiable},
      {"bytes=5-3", 10, RangeVerdict::whole},
      {"bytes=0-1,3-4", 10, RangeVerdict::whole},
      {"bytes=", 10, RangeVerdict::whole},
      {"bytes=-", 10, RangeVerdict::whole},
      {"bytes=a-b", 10, RangeVerdict::whole},
      {"items=0-1", 10, RangeVerdict::whole},
  };
  for (const Case& c : cases) {
    Range range;
    EXPECT_EQ(parse_range(c.header, c.size, range), c.verdict) << c.header;
    if (c.verdict != RangeVerdict::partial) continue;
    EXPECT_EQ(range.first, c.first) << c.header;
    EXPECT_EQ(range.count, c.count) << c.header;
  }
}

class ObjectTest : public test::WithServer {};

TEST_F(ObjectTest, UnderACustomersKey) {
  const std::string raw = "01234567890123456789012345678901";
  const std::string prefix = "x-amz-server-side-encryption-customer-";
  const auto keyed = [&prefix](std::string key, std::string md5) {
    return Headers{{prefix + "algorithm", "AES256"},
                   {prefix + "key", std::move(key)},
                   {prefix + "key-md5", std::move(md5)}};
  };
  const Headers right =
      keyed("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "KYvwGXoFFJ42a2u2GDWhwQ==");
  bucket->put("k", "hello", 0, {.sse_c_key = raw});
  bucket->put("plain", "hello");
  const Reply good = client().get("/b/k", right);
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, "hello");
  EXPECT_EQ(good.header(prefix + "algorithm"), "AES256");
  EXPECT_EQ(good.header("ETag").size(), 34U);
  EXPECT_NE(good.header("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(client().head("/b/k", right).header("ETag"), good.header("ETag"));

  EXPECT_THAT(client().get("/b/k").body, HasSubstr("InvalidRequest"));
  EXPECT_EQ(client().head("/b/k").status, 400);
  EXPECT_THAT(client().get("/b/plain", right).body, HasSubstr("InvalidRequest"));
  EXPECT_EQ(client()
                .get("/b/k", keyed("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
                                   "KYvwGXoFFJ42a2u2GDWhwQ=="))
                .status,
            400)
      << "the key did not arrive unharmed";
  EXPECT_EQ(client()
                .get("/b/k", keyed("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
                                   "dnF5x6K/8ZZRzpfSlMMM+w=="))
                .status,
            403);
}

TEST_F(ObjectTest, Whole) {
  bucket->put("k/e y", "hello", 1'369'353'600'123, {.headers = {{"x-amz-meta-a", "b"}}});
  const Reply reply = client().get("/b/k/e%20y");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.header("Content-Length"), "5");
  EXPECT_EQ(reply.header("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(reply.header("Last-Modified"), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(reply.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(reply.header("Content-Type"), "binary/octet-stream");
  EXPECT_EQ(reply.header("x-amz-meta-a"), "b");
  EXPECT_FALSE(reply.header("x-amz-request-id").empty());
  EXPECT_TRUE(parse_http_date_s(reply.header("Date")));

  const Reply head = client().head("/b/k/e%20y");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "5");
  EXPECT_EQ(head.body, "");
}

TEST_F(ObjectTest, Ranges) {
  bucket->put_generated("big", 3'000'000, 5);
  const std::string whole = read_all(*generated_content(3'000'000, 5));
  const Reply part = client().get("/b/big", {{"Range", "bytes=1000001-2000000"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.header("Content-Range"), "bytes 1000001-2000000/3000000");
  EXPECT_EQ(part.body, whole.substr(1'000'001, 1'000'000));
  EXPECT_EQ(client().get("/b/big").body, whole);
  const Reply beyond = client().get("/b/big", {{"Range", "bytes=3000000-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_THAT(beyond.body, HasSubstr("<Code>InvalidRange</Code>"));
  EXPECT_THAT(beyond.body, HasSubstr("<ActualObjectSize>3000000</ActualObjectSize>"));
  const Reply head = client().head("/b/big", {{"Range", "bytes=-10"}});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.header("Content-Length"), "10");
}

TEST_F(ObjectTest, EmptyObject) {
  bucket->put("e", "");
  const Reply reply = client().get("/b/e");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Length"), "0");
  EXPECT_EQ(client().get("/b/e", {{"Range", "bytes=0-"}}).status, 416);
}

TEST_F(ObjectTest, Conditions) {
  bucket->put("k", "hello", 1'369'353'600'000);
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  const std::string same = "Fri, 24 May 2013 00:00:00 GMT";
  const std::string older = "Thu, 23 May 2013 00:00:00 GMT";
  struct Case {
    Headers headers;
    int status;
  };
  const Case cases[] = {
      {{{"If-Match", etag}}, 200},
      {{{"If-Match", "5d41402abc4b2a76b9719d911017c592"}}, 200},
      {{{"If-Match", "*"}}, 200},
      {{{"If-Match", "\"x\", " + etag}}, 200},
      {{{"If-Match", "\"x\""}}, 412},
      {{{"If-Match", "\"x\""}, {"Range", "bytes=0-1"}}, 412},
      {{{"If-Match", etag}, {"Range", "bytes=0-1"}}, 206},
      {{{"If-Unmodified-Since", same}}, 200},
      {{{"If-Unmodified-Since", older}}, 412},
      {{{"If-Match", etag}, {"If-Unmodified-Since", older}}, 200},
      {{{"If-None-Match", etag}}, 304},
      {{{"If-None-Match", "\"x\""}}, 200},
      {{{"If-Modified-Since", same}}, 304},
      {{{"If-Modified-Since", older}}, 200},
      {{{"If-None-Match", "\"x\""}, {"If-Modified-Since", same}}, 200},
      {{{"If-Modified-Since", "rubbish"}}, 200},
  };
  for (const Case& c : cases) {
    const Reply reply = client().get("/b/k", c.headers);
    EXPECT_EQ(reply.status, c.status) << c.headers[0].name << ": " << c.headers[0].value;
    if (reply.status == 304) {
      EXPECT_EQ(reply.header("ETag"), etag);
    }
  }
  EXPECT_EQ(client().head("/b/k", {{"If-Match", "\"x\""}}).status, 412);
}

TEST_F(ObjectTest, ChecksumsOnWholeAnswersWhenAsked) {
  bucket->put("k", "123456789", 0, {.checksum = ChecksumAlgorithm::crc64nvme});
  const Headers mode{{"x-amz-checksum-mode", "ENABLED"}};
  for (const Reply& reply : {client().get("/b/k", mode), client().head("/b/k", mode)}) {
    EXPECT_EQ(reply.header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
    EXPECT_EQ(reply.header("x-amz-checksum-type"), "FULL_OBJECT");
  }
  EXPECT_EQ(client().get("/b/k").header("x-amz-checksum-crc64nvme"), "");
  const Reply part = client().get("/b/k", {mode[0], {"Range", "bytes=0-1"}});
  EXPECT_EQ(part.header("x-amz-checksum-crc64nvme"), "");
}

TEST_F(ObjectTest, Parts) {
  bucket->put("k", "abcdefghij", 0, {.part_bytes = 4});
  const Reply part = client().get("/b/k?partNumber=3");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "ij");
  EXPECT_EQ(part.header("x-amz-mp-parts-count"), "3");
  EXPECT_EQ(part.header("Content-Range"), "bytes 8-9/10");
  EXPECT_EQ(client().head("/b/k?partNumber=1").header("Content-Length"), "4");
  EXPECT_EQ(client().get("/b/k?partNumber=4").status, 416);
}

TEST_F(ObjectTest, Archived) {
  bucket->put("cold", "x", 0, {.storage_class = "GLACIER"});
  bucket->put("thawed", "x", 0,
              {.storage_class = "DEEP_ARCHIVE", .restored_until_ms = 1'900'000'000'000});
  const Reply cold = client().get("/b/cold");
  EXPECT_EQ(cold.status, 403);
  EXPECT_THAT(cold.body, HasSubstr("<Code>InvalidObjectState</Code>"));
  EXPECT_EQ(client().head("/b/cold").header("x-amz-storage-class"), "GLACIER");
  const Reply thawed = client().get("/b/thawed");
  EXPECT_EQ(thawed.status, 200);
  EXPECT_THAT(thawed.header("x-amz-restore"), HasSubstr("ongoing-request=\"false\""));
  const Reply list =
      client().get("/b?list-type=2", {{"x-amz-optional-object-attributes", "RestoreStatus"}});
  EXPECT_THAT(list.body, HasSubstr("<RestoreStatus><IsRestoreInProgress>false"));
}

}  // namespace
}  // namespace sluice::origin
