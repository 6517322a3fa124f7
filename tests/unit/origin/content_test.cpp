#include "origin/content.hpp"

#include "origin/dates.hpp"
#include "origin/digest.hpp"
#include "origin/encoding.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>

namespace sluice::origin {
namespace {

TEST(Content, GeneratedBytesDependOnOffsetAlone) {
  const ContentPtr content = generated_content(100'003, 7);
  const std::string whole = read_all(*content);
  ASSERT_EQ(whole.size(), 100'003u);
  for (const std::size_t offset : {0u, 1u, 7u, 8u, 9u, 4095u, 65'537u, 100'002u}) {
    for (const std::size_t bytes : {1u, 3u, 8u, 1000u}) {
      std::string part(bytes, '\0');
      part.resize(content->read(offset, part.data(), bytes));
      EXPECT_EQ(part, whole.substr(offset, bytes)) << offset << '+' << bytes;
    }
  }
  char byte = 0;
  EXPECT_EQ(content->read(100'003, &byte, 1), 0u);
  EXPECT_NE(whole, read_all(*generated_content(100'003, 8)));
}

TEST(Content, GeneratedFarBeyondMemory) {
  const ContentPtr content = generated_content(std::uint64_t{5} << 30, 1);
  std::string tail(1000, '\0');
  EXPECT_EQ(content->read(content->size() - 10, tail.data(), 1000), 10u);
}

TEST(Content, Comparison) {
  EXPECT_TRUE(same_bytes(*bytes_content("abc"), *bytes_content("abc")));
  EXPECT_FALSE(same_bytes(*bytes_content("abc"), *bytes_content("abd")));
  EXPECT_FALSE(same_bytes(*bytes_content("abc"), *bytes_content("ab")));
  EXPECT_TRUE(same_bytes(*generated_content(1'000'000, 3), *generated_content(1'000'000, 3)));
}

std::string text(simdjson::simdjson_result<simdjson::dom::element> json) {
  std::string_view value;
  return json.get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

// The generators that tests/data/checksums.json describes in its note.
std::string generate(simdjson::dom::element json) {
  const std::string kind = text(json["generator"]);
  const std::uint64_t length = json["length"];
  if (kind == "ascii") return text(json["arg"]);
  std::string out;
  std::uint32_t state = 12345;
  for (std::uint64_t i = 0; i < length; ++i) {
    state = (state * 1103515245u + 12345u) & 0x7fffffffu;
    if (kind == "zero") out += '\0';
    if (kind == "ff") out += '\xff';
    if (kind == "mod251") out += static_cast<char>(i % 251);
    if (kind == "lcg") out += static_cast<char>((state >> 16) & 255);
  }
  return out;
}

constexpr ChecksumAlgorithm kAll[] = {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c,
                                      ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha1,
                                      ChecksumAlgorithm::sha256};

TEST(Digest, AgreesWithTheVectors) {
  const char* const data = std::getenv("SLUICE_TEST_DATA");
  ASSERT_NE(data, nullptr);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.load(std::string(data) + "/checksums.json").get(root), simdjson::SUCCESS);
  std::size_t compared = 0;
  for (const simdjson::dom::element json : root["whole"]) {
    const ContentPtr content = bytes_content(generate(json));
    EXPECT_EQ(md5_etag(*content), text(json["md5_etag"]));
    for (const ChecksumAlgorithm algorithm : kAll) {
      EXPECT_EQ(checksum_value(algorithm, *content), text(json[header_name(algorithm)]));
      ++compared;
    }
  }
  for (const simdjson::dom::element json : root["multipart"]) {
    const ContentPtr content = bytes_content(generate(json));
    const std::uint64_t part_bytes = json["part_size"];
    EXPECT_EQ(multipart_etag(*content, part_bytes), text(json["multipart_etag"]));
    for (const ChecksumAlgorithm algorithm : kAll) {
      const std::string name(header_name(algorithm));
      const std::string composite = text(json["composite " + name]);
      if (composite.empty()) continue;
      EXPECT_EQ(composite_checksum(algorithm, *content, part_bytes), composite);
      ++compared;
    }
  }
  EXPECT_GT(compared, 110u);
}

TEST(Encoding, Percent) {
  EXPECT_EQ(uri_encode("a/b c~é", Slash::keep), "a/b%20c~%C3%A9");
  EXPECT_EQ(uri_encode("a/b", Slash::encode), "a%2Fb");
  EXPECT_EQ(uri_decode("a%2fb+c"), "a/b+c");
  EXPECT_EQ(query_decode("a%2Bb+c"), "a+b c");
  EXPECT_FALSE(uri_decode("%"));
  EXPECT_FALSE(uri_decode("%4"));
  EXPECT_FALSE(uri_decode("%zz"));
  EXPECT_EQ(listing_encode("a b/c*d(3)~+%"), "a+b/c*d%283%29%7E%2B%25");
}

TEST(Encoding, Xml) {
  EXPECT_EQ(xml_escape("a<b>&\"\x01\x1f\n"), "a&lt;b&gt;&amp;&quot;&#x1;&#x1f;&#xa;");
}

TEST(Encoding, Json) {
  EXPECT_EQ(json_escape("a\"b\\\n\x1b"), "a\\\"b\\\\\\u000a\\u001b");
  EXPECT_EQ(json_escape("é\xff\xed\xa0\x80"), "é\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Encoding, Base64) {
  for (const char* const value : {"", "a", "ab", "abc", "abcd", "a+/?\xff"}) {
    EXPECT_EQ(base64_decode(base64_encode(value)), value);
  }
  EXPECT_FALSE(base64_decode("abc"));
  EXPECT_FALSE(base64_decode("ab*="));
}

TEST(Encoding, Glob) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*c", "a/b/c"));
  EXPECT_TRUE(glob_match("*.gz", "x.gz.gz"));
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("a*b", "abc"));
}

TEST(Dates, Forms) {
  const std::int64_t ms = 1'369'353'600'123;
  EXPECT_EQ(http_date(ms), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(iso_date(ms), "2013-05-24T00:00:00.123Z");
  EXPECT_EQ(amz_date(ms), "20130524T000000Z");
  EXPECT_EQ(parse_http_date_s("Fri, 24 May 2013 00:00:00 GMT"), 1'369'353'600);
  EXPECT_EQ(parse_amz_date_s("20130524T000000Z"), 1'369'353'600);
  EXPECT_FALSE(parse_amz_date_s("20130231T000000Z"));
  EXPECT_FALSE(parse_amz_date_s("20130524T000000"));
  EXPECT_FALSE(parse_http_date_s("Fri, 24 May 2013 24:00:00 GMT"));
  EXPECT_EQ(http_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

}  // namespace
}  // namespace sluice::origin
