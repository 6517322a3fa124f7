#include "http/url.hpp"

#include "vectors.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace sluice::http {
namespace {

struct Good {
  const char* url;
  Scheme scheme;
  const char* host;
  int port;
  const char* path;
  const char* header;
};

class GoodUrl : public ::testing::TestWithParam<Good> {};

TEST_P(GoodUrl, IsTakenApart) {
  const Good& expected = GetParam();
  const auto url = parse_url(expected.url);
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->endpoint.scheme, expected.scheme);
  EXPECT_EQ(url->endpoint.host, expected.host);
  EXPECT_EQ(url->endpoint.port, expected.port);
  EXPECT_EQ(url->base_path, expected.path);
  EXPECT_EQ(url->host_header(), expected.header);
}

INSTANTIATE_TEST_SUITE_P(
    Urls, GoodUrl,
    ::testing::Values(
        Good{"https://s3.amazonaws.com", Scheme::https, "s3.amazonaws.com", 443, "",
             "s3.amazonaws.com"},
        Good{"http://localhost:9000", Scheme::http, "localhost", 9000, "", "localhost:9000"},
        Good{"HTTPS://Example.COM/", Scheme::https, "example.com", 443, "", "example.com"},
        Good{"http://host:80/", Scheme::http, "host", 80, "", "host"},
        Good{"http://host:443", Scheme::http, "host", 443, "", "host:443"},
        Good{"https://host:80", Scheme::https, "host", 80, "", "host:80"},
        Good{"https://host:00443", Scheme::https, "host", 443, "", "host"},
        Good{"https://host/a/b//", Scheme::https, "host", 443, "/a/b", "host"},
        Good{"https://host/a%20b/c", Scheme::https, "host", 443, "/a%20b/c", "host"},
        Good{"http://127.0.0.1:9000/x", Scheme::http, "127.0.0.1", 9000, "/x", "127.0.0.1:9000"},
        Good{"http://[::1]", Scheme::http, "::1", 80, "", "[::1]"},
        Good{"https://[FD00:EC2::254]:8443/latest", Scheme::https, "fd00:ec2::254", 8443, "/latest",
             "[fd00:ec2::254]:8443"},
        Good{"http://minio_1:9000", Scheme::http, "minio_1", 9000, "", "minio_1:9000"}));

class BadUrl : public ::testing::TestWithParam<const char*> {};

TEST_P(BadUrl, IsAUsageErrorThatSaysHowToWriteIt) {
  const auto url = parse_url(GetParam());
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().kind, ErrorKind::usage);
  EXPECT_NE(url.error().message.find("https://host"), std::string::npos) << url.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Urls, BadUrl,
    ::testing::Values("", "host", "host:9000", "ftp://host", "://host", "http://", "http:///path",
                      "http://:9000", "http://host:", "http://host:0", "http://host:65536",
                      "http://host:-1", "http://host:+1", "http://host:9x", "http://host:000080",
                      "http://host:99999999999999999999", "http://user@host", "http://u:p@host",
                      "http://host?x", "http://host/?x=1", "http://host#f", "http://host/a b",
                      "http://ho st", "http://host\r\nX: y", "http://host/%", "http://host/%4",
                      "http://host/%zz", "http://host/\xc3\xa4", "http://h\xc3\xb6st",
                      "http://a..b", "http://.a", "http://a.", "http://1.2.3", "http://1.2.3.4.5",
                      "http://256.1.1.1", "http://0x7f000001", "http://a.0x1f", "http://[::1",
                      "http://::1", "http://[::1]x", "http://[::1]:", "http://[fe80::1%25eth0]",
                      "http://[127.0.0.1]", "http://[]", "http://host\\path", "http://host/a\\b"));

TEST(Url, NeverEchoesControlBytes) {
  const auto url = parse_url("http://ho\x1bst");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find('\x1b'), std::string::npos);
}

TEST(Url, AnAddressDoesNotEndAtANul) {
  using namespace std::string_literals;
  EXPECT_FALSE(parse_url("http://[2001:db8::\0x]:8443"s));
  EXPECT_FALSE(parse_url("http://127.0.0.1\0x"s));
}

TEST(Url, LengthsAreLimited) {
  const std::string label(63, 'a');
  EXPECT_TRUE(parse_url("http://" + label));
  EXPECT_FALSE(parse_url("http://" + label + "a"));
  const std::string name = label + "." + label + "." + label + "." + std::string(61, 'b');
  EXPECT_TRUE(parse_url("http://" + name));
  EXPECT_FALSE(parse_url("http://" + name + "b"));
  EXPECT_TRUE(parse_url("http://h/" + std::string(2048 - 9, 'p')));
  EXPECT_FALSE(parse_url("http://h/" + std::string(2048 - 8, 'p')));
}

TEST(DnsLabel, FollowsRfc1123) {
  for (const char* good : {"a", "us-east-1", "0", "A-b", "x--y"})
    EXPECT_TRUE(is_dns_label(good)) << good;
  for (const char* bad : {"", "-a", "a-", "a.b", "a_b", "a b", "a/b", "a\r", "\xc3\xa4", "a@b"})
    EXPECT_FALSE(is_dns_label(bad)) << bad;
  EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
  EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
}

/// What the AWS endpoint rules take for a URL.
TEST(UrlVectors, ParseUrl) {
  const auto file = vector_file("endpoint-functions-aws-c-sdkutils/parse-url.json");
  if (!file) GTEST_SKIP() << "SLUICE_VECTORS holds no parse-url.json";
  simdjson::dom::parser parser;
  const simdjson::dom::element document = parser.load(*file);
  unsigned cases = 0;
  for (const simdjson::dom::element test : document["testCases"].get_array()) {
    const std::string url(test["params"]["Endpoint"].get_string().value());
    const bool good = test["expect"]["endpoint"].error() == simdjson::SUCCESS;
    EXPECT_EQ(parse_url(url).has_value(), good) << url;
    ++cases;
  }
  EXPECT_GE(cases, 10u);
}

}  // namespace
}  // namespace sluice::http
