#include "status_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::cli {
namespace {

using State = RequestParser::State;
using ::testing::HasSubstr;

constexpr std::string_view kGet =
    "GET /status?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nAccept: */*\r\n\r\n";

RequestParser parsed(std::string_view text) {
  RequestParser parser;
  parser.feed(text);
  return parser;
}

Response ask(std::string_view text, std::string_view name = "127.0.0.1") {
  return respond(parsed(text), name, [] { return report::WatchView(); });
}

TEST(RequestParser, ReadsAHeadByteByByte) {
  RequestParser parser;
  for (std::size_t i = 0; i + 1 < kGet.size(); ++i)
    ASSERT_EQ(parser.feed(kGet.substr(i, 1)), State::incomplete) << i;
  ASSERT_EQ(parser.feed(kGet.substr(kGet.size() - 1)), State::complete);
  EXPECT_EQ(parser.head().method, "GET");
  EXPECT_EQ(parser.head().path, "/status");
  EXPECT_EQ(parser.head().host, "127.0.0.1:9464");
  EXPECT_EQ(parser.feed("more"), State::complete);
}

TEST(RequestParser, RefusesWhatIsNoRequest) {
  for (const std::string_view text :
       {"GET /\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", "GET / / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nb\r\n\r\n",
        "G<T / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n", "\x16\x03\x01\r\n\r\n"})
    EXPECT_EQ(parsed(text).state(), State::malformed) << text;
}

TEST(RequestParser, TakesEightKilobytesAndNoMore) {
  const std::string begin = "GET / HTTP/1.0\r\nX: ";
  const std::string fits(RequestParser::kMostBytes - begin.size() - 4, 'a');
  EXPECT_EQ(parsed(begin + fits + "\r\n\r\n").state(), State::complete);
  EXPECT_EQ(parsed(begin + fits + "a\r\n\r\n").state(), State::too_large);
  EXPECT_EQ(parsed(std::string(100'000, 'a')).state(), State::too_large);
}

TEST(Respond, ByPathAndMethod) {
  EXPECT_EQ(ask(kGet).status, 200);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(ask("HEAD /metrics HTTP/1.1\r\nHost: [::1]:1\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /readyz HTTP/1.0\r\n\r\n").status, 503);
  EXPECT_EQ(ask("GET /nothing HTTP/1.0\r\n\r\n").status, 404);
  EXPECT_EQ(ask("POST / HTTP/1.0\r\n\r\n").status, 405);
  EXPECT_EQ(ask("junk\r\n\r\n").status, 400);
  EXPECT_EQ(ask(std::string(9000, 'a')).status, 431);
}

TEST(Respond, OnlyToWhoCannotBeReboundByDns) {
  constexpr std::string_view kEvil = "GET / HTTP/1.1\r\nHost: evil.example:9464\r\n\r\n";
  EXPECT_EQ(ask(kEvil).status, 403);
  EXPECT_EQ(ask(kEvil, "evil.example").status, 200);
  for (const std::string_view host : {"127.0.0.1.evil.example", "localhost.evil.example",
                                      "127.0.0.1:80:80", "[::1", "[::1]x", "127.0.0.1@evil:1"})
    EXPECT_FALSE(is_host_allowed(host, "")) << host;
}

TEST(Serialized, HasNoBodyForAHead) {
  Response response;
  response.body = "words\n";
  const std::string head = serialized(response, true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(head, HasSubstr("default-src 'none'"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(serialized(response, false), head + "words\n");
}

TEST(ListenAddress, IsAHostAndAPort) {
  EXPECT_EQ(*parse_listen_address("127.0.0.1:9464"), (ListenAddress{"127.0.0.1", 9464}));
  EXPECT_EQ(*parse_listen_address("[::1]:0"), (ListenAddress{"::1", 0}));
  for (const std::string_view text : {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "::1:9464",
                                      "[::1]", "[x]:1", "a:65536", "a b:1", "a:-1"})
    EXPECT_FALSE(parse_listen_address(text)) << text;
  EXPECT_TRUE(is_loopback("127.8.9.1") && is_loopback("::1") && is_loopback("localhost"));
  EXPECT_FALSE(is_loopback("0.0.0.0") || is_loopback("127.evil.example") || is_loopback("::"));
}

}  // namespace
}  // namespace sluice::cli
