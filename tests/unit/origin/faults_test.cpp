// Every action on answers, seen from the wire.
#include "origin/faults.hpp"

#include "fixture.hpp"
#include "origin/dates.hpp"

namespace sluice::origin {
namespace {

using namespace std::chrono_literals;
using test::Reply;
using test::Stopwatch;
using testing::ElementsAre;
using testing::HasSubstr;

class FaultTest : public test::WithServer {
 protected:
  FaultTest() { bucket->put("k", content); }
  Reply get(const char* range = nullptr) {
    return range == nullptr ? client().get("/b/k") : client().get("/b/k", {{"Range", range}});
  }
  std::vector<int> statuses(int times, const char* target = "/b/k") {
    std::vector<int> out;
    for (int i = 0; i < times; ++i)
      out.push_back(client().get(target).status);
    return out;
  }
  const std::string content = read_all(*generated_content(100'000, 9));
};

TEST_F(FaultTest, StatusWithCodeAndHeaders) {
  fault(faults::status(0, "SlowDown", "easy", {{"Retry-After", "3"}}));
  const Reply reply = get();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "3");
  EXPECT_EQ(reply.header("ETag"), "");
  EXPECT_THAT(reply.body, HasSubstr("<Code>SlowDown</Code><Message>easy</Message>"));
  EXPECT_EQ(client().head("/b/k").status, 503);
  EXPECT_EQ(client().head("/b/k").body, "");
  fault(faults::status(502));
  EXPECT_EQ(get().status, 502);
  EXPECT_EQ(get().body, "");
}

TEST_F(FaultTest, BodyInsteadOfAListing) {
  fault(faults::body("<html></html>", 200, "text/html"));
  const Reply reply = client().get("/b?list-type=2");
  EXPECT_EQ(reply.body, "<html></html>");
  EXPECT_EQ(reply.header("Content-Type"), "text/html");
}

TEST_F(FaultTest, Delays) {
  fault(faults::delay(60ms, 60ms, 20ms));
  const Stopwatch watch;
  EXPECT_EQ(get().body, content);
  EXPECT_GE(watch.passed(), 140ms);
}

TEST_F(FaultTest, Rate) {
  fault(faults::rate(400'000));
  const Stopwatch watch;
  EXPECT_EQ(get().body, content);
  EXPECT_GE(watch.passed(), 240ms);
}

TEST_F(FaultTest, CutAndReset) {
  for (const std::uint64_t at : {0u, 1u, 50'000u}) {
    fault(faults::cut(at));
    Reply reply = get();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("Content-Length"), "100000");
    EXPECT_EQ(reply.body, content.substr(0, at));
    EXPECT_FALSE(reply.complete);
    EXPECT_FALSE(reply.reset);
    fault(faults::reset(at));
    reply = get();
    EXPECT_EQ(reply.body, content.substr(0, at));
    EXPECT_TRUE(reply.reset);
  }
  fault(faults::cut(2));
  EXPECT_EQ(get("bytes=100-200").body, content.substr(100, 2)) << "counted in the answer";
}

TEST_F(FaultTest, BeforeTheAnswer) {
  fault(faults::close_before_answer());
  Reply reply = get();
  EXPECT_EQ(reply.status, 0);
  EXPECT_FALSE(reply.reset);
  fault(faults::reset_before_answer());
  reply = get();
  EXPECT_EQ(reply.status, 0);
  EXPECT_TRUE(reply.reset);
  fault(faults::cut_head(20));
  EXPECT_EQ(get().status, 0);
  fault(faults::garbage("\x15\x03\x01"));
  EXPECT_EQ(get().status, 0);
}

TEST_F(FaultTest, StallThenGoOn) {
  fault(faults::stall(1000, 80ms));
  const Stopwatch watch;
  EXPECT_EQ(get().body, content);
  EXPECT_GE(watch.passed(), 80ms);
}

TEST_F(FaultTest, CloseAfterAnswer) {
  fault(faults::close_after_answer());
  const Reply reply = get();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.header("Connection"), "");
  EXPECT_EQ(get().status, 0);
}

TEST_F(FaultTest, Flips) {
  fault(faults::flip(12'345, 0x80));
  std::string expected = content;
  expected[12'345] = static_cast<char>(expected[12'345] ^ 0x80);
  EXPECT_EQ(get().body, expected);
  fault(faults::flip_random());
  const std::string flipped = get().body;
  int different = 0;
  for (std::size_t i = 0; i < content.size(); ++i)
    different += flipped[i] != content[i] ? 1 : 0;
  EXPECT_EQ(different, 1);
}

TEST_F(FaultTest, RangesGoneWrong) {
  fault(faults::ignore_range());
  Reply reply = get("bytes=10-19");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, content);
  EXPECT_EQ(reply.header("Content-Range"), "");
  fault(faults::wrong_content_range(5, -1));
  reply = get("bytes=10-19");
  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.header("Content-Range"), "bytes 15-24/99999");
}

TEST_F(FaultTest, HeadersGoneWrong) {
  fault(faults::wrong_etag("\"other\""));
  EXPECT_EQ(get().header("ETag"), "\"other\"");
  fault(faults::wrong_etag(""));
  EXPECT_EQ(get().header("ETag"), "");
  fault(faults::set_header("Content-Encoding", "gzip"));
  EXPECT_EQ(get().header("Content-Encoding"), "gzip");
  fault(faults::remove_header("last-modified"));
  EXPECT_EQ(get().header("Last-Modified"), "");
  fault(faults::huge_header(100'000));
  EXPECT_EQ(get().header("x-amz-meta-huge").size(), 100'000u);
  fault(faults::many_headers(300));
  EXPECT_GT(get().headers.size(), 300u);
  fault(faults::skew_date(-1h));
  const std::int64_t date = parse_http_date_s(get().header("Date")).value();
  EXPECT_NEAR(static_cast<double>(date), static_cast<double>(now_ms()) / 1000 - 3600, 5);
}

TEST_F(FaultTest, Framing) {
  fault(faults::chunked());
  Reply reply = get();
  EXPECT_EQ(reply.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(reply.body, content);
  EXPECT_TRUE(reply.complete);
  fault(faults::chunked_cut(300));
  reply = get();
  EXPECT_EQ(reply.body, content.substr(0, 300));
  EXPECT_FALSE(reply.complete);
  fault(faults::content_length(-10));
  EXPECT_EQ(get().body, content.substr(0, 99'990));
  client().close();
  fault(faults::content_length(10));
  EXPECT_FALSE(get().complete);
  fault(faults::no_content_length());
  reply = get();
  EXPECT_EQ(reply.header("Content-Length"), "");
  EXPECT_EQ(reply.body, content);
}

TEST_F(FaultTest, ExtraBytesAndInformational) {
  fault(faults::extra_bytes("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(get().body, content);
  EXPECT_EQ(client().receive().status, 299);
  fault(faults::informational(3));
  const Reply reply = get();
  EXPECT_EQ(reply.informational, 3);
  EXPECT_EQ(reply.body, content);
}

TEST_F(FaultTest, OverwriteBetweenRanges) {
  const std::string etag = get().header("ETag");
  Match second;
  second.operation = Operation::get;
  second.from = second.to = 2;
  fault(faults::overwrite_same_size(), second);
  EXPECT_EQ(client().get("/b/k", {{"Range", "bytes=0-9"}, {"If-Match", etag}}).status, 206);
  EXPECT_EQ(client().get("/b/k", {{"Range", "bytes=10-19"}, {"If-Match", etag}}).status, 412);
  EXPECT_EQ(bucket->versions("k").size(), 2u);
  EXPECT_EQ(bucket->versions("k")[1].info.size, content.size());
}

TEST_F(FaultTest, OverwriteAndRemoveAfter) {
  fault(faults::overwrite(bytes_content("new"), faults::When::after));
  EXPECT_EQ(get().body, content);
  server().clear_faults();
  EXPECT_EQ(get().body, "new");
  fault(faults::remove(faults::When::after));
  EXPECT_EQ(get().status, 200);
  EXPECT_EQ(get().status, 404);
  bucket->put("k", content);
  fault(faults::remove(faults::When::before));
  EXPECT_EQ(get().status, 404);
}

TEST_F(FaultTest, CallOfATest) {
  fault(faults::call([](Exchange& e) { e.answer.response.status = 299; }));
  EXPECT_EQ(get().status, 299);
}

TEST_F(FaultTest, MatchByNumber) {
  Match match;
  match.from = 2;
  match.to = 5;
  match.every = 2;
  fault(faults::status(500), match);
  EXPECT_THAT(statuses(7), ElementsAre(200, 500, 200, 500, 200, 200, 200));
}

TEST_F(FaultTest, MatchByKeyAndOperation) {
  bucket->put("l", "x");
  Match match;
  match.key = "k*";
  match.operation = Operation::get;
  fault(faults::status(500), match);
  EXPECT_EQ(get().status, 500);
  EXPECT_EQ(client().get("/b/l").status, 200);
  EXPECT_EQ(client().head("/b/k").status, 200);
  match.operation = Operation::list;
  match.key = "pre*";
  fault(faults::status(500), match);
  EXPECT_EQ(client().get("/b?list-type=2&prefix=prefix").status, 500);
  EXPECT_EQ(client().get("/b?list-type=2").status, 200);
}

TEST_F(FaultTest, CountedByKey) {
  bucket->put("l", "x");
  Match match;
  match.to = 1;
  match.count_by_key = true;
  fault(faults::status(500), match);
  EXPECT_THAT(statuses(2), ElementsAre(500, 200));
  EXPECT_THAT(statuses(2, "/b/l"), ElementsAre(500, 200));
}

TEST_F(FaultTest, MatchByBytes) {
  Match match;
  match.bytes = Match::Bytes{100, 199};
  fault(faults::status(500), match);
  EXPECT_EQ(get("bytes=0-99").status, 206);
  EXPECT_EQ(get("bytes=0-100").status, 500);
  EXPECT_EQ(get("bytes=199-").status, 500);
  EXPECT_EQ(get("bytes=200-").status, 206);
  EXPECT_EQ(get().status, 500);
  EXPECT_EQ(client().head("/b/k").status, 200);
}

TEST_F(FaultTest, ProbabilityFollowsTheSeed) {
  Match match;
  match.probability = 0.3;
  Rule rule{match, {faults::status(500)}};
  server().set_faults({rule}, 42);
  const auto first = statuses(200);
  server().set_faults({rule}, 42);
  EXPECT_EQ(statuses(200), first);
  server().set_faults({rule}, 43);
  EXPECT_NE(statuses(200), first);
  const auto hits = std::count(first.begin(), first.end(), 500);
  EXPECT_GT(hits, 30);
  EXPECT_LT(hits, 90);
}

TEST_F(FaultTest, SeveralRulesApply) {
  Rule slow{{}, {faults::delay(50ms), faults::set_header("x-a", "1")}};
  Rule date{{}, {faults::set_header("x-b", "2")}};
  server().set_faults({slow, date});
  const Reply reply = get();
  EXPECT_EQ(reply.header("x-a") + reply.header("x-b"), "12");
  EXPECT_THAT(server().requests().back().faults, ElementsAre("delay", "set_header", "set_header"));
}

TEST_F(FaultTest, SignaturesAreCheckedAllTheSame) {
  fault(faults::status(500));
  client().send("GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client().receive().status, 500);
  EXPECT_EQ(server().counts().refused_signatures(), 1u);
}

}  // namespace
}  // namespace sluice::origin
