#include "http/codec.hpp"

#include "recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace sluice::http {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;

/// What became of a stream of bytes, fed in pieces.
struct Verdict {
  std::optional<ErrorKind> error;
  std::string message;
  bool done = false;
  bool keep_alive = false;
  std::size_t consumed = 0;
  int heads = 0;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> length;
  std::string body;
  bool ended_well = false;  ///< what the end of the connection would mean now

  bool operator==(const Verdict& other) const {
    if (error || other.error) return error == other.error && message == other.message;
    return done == other.done && keep_alive == other.keep_alive && consumed == other.consumed &&
           heads == other.heads && status == other.status && headers == other.headers &&
           length == other.length && body == other.body && ended_well == other.ended_well;
  }
};

Verdict parse(Method method, const std::vector<std::string_view>& pieces,
              std::size_t max_head = kMaxHead) {
  Verdict verdict;
  Recorder recorder;
  ResponseParser parser("http://peer", max_head);
  parser.start(method, recorder);
  for (const std::string_view piece : pieces) {
    // A copy of exactly that size, so that reading past it is seen.
    const std::vector<char> copy(piece.begin(), piece.end());
    const auto used = parser.feed(std::as_bytes(std::span(copy)));
    if (!used) {
      verdict.error = used.error().kind;
      verdict.message = used.error().message;
      return verdict;
    }
    verdict.consumed += *used;
    if (parser.done()) break;
    EXPECT_EQ(*used, piece.size());
  }
  verdict.done = parser.done();
  verdict.keep_alive = parser.keep_alive();
  verdict.heads = recorder.heads;
  verdict.status = recorder.head.status;
  verdict.headers = recorder.head.headers;
  verdict.length = recorder.head.content_length;
  verdict.body = recorder.body;
  EXPECT_EQ(parser.body_bytes(), recorder.body.size());
  verdict.ended_well = parser.end_of_stream().has_value();
  return verdict;
}

/// The verdict on the whole, after checking that every split in two, and single bytes, give the
/// same.
Verdict parse_every_way(const std::string& bytes, Method method = Method::get) {
  const std::string_view all = bytes;
  Verdict whole = parse(method, {all});
  std::vector<std::string_view> singles;
  for (std::size_t i = 0; i < all.size(); ++i)
    singles.push_back(all.substr(i, 1));
  EXPECT_EQ(parse(method, singles), whole) << "one byte at a time: " << bytes;
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    const Verdict split = parse(method, {all.substr(0, cut), all.substr(cut)});
    if (!(split == whole)) ADD_FAILURE() << "split at " << cut << " of: " << bytes;
  }
  return whole;
}

TEST(Parser, SizedBody) {
  const Verdict v = parse_every_way(
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\nX-Empty:\r\n\r\nhello");
  EXPECT_FALSE(v.error);
  EXPECT_TRUE(v.done);
  EXPECT_TRUE(v.keep_alive);
  EXPECT_EQ(v.status, 200);
  EXPECT_EQ(v.length, 5u);
  EXPECT_EQ(v.body, "hello");
  EXPECT_EQ(v.headers.size(), 3u);
  EXPECT_EQ(v.headers[1].second, "\"x\"");
}

TEST(Parser, BytesAfterTheAnswerAreLeft) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const char* rest : {"x", "HTTP/1.1 200 OK\r\n\r\n"}) {
    const Verdict v = parse_every_way(answer + rest);
    EXPECT_TRUE(v.done);
    EXPECT_EQ(v.consumed, answer.size());
    EXPECT_EQ(v.body, "ok");
  }
}

TEST(Parser, ChunkedBody) {
  const Verdict v = parse_every_way(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n00A;ext=\"1\"\r\n, world ok\r\n0\r\nX-Trailer: 1\r\n\r\nleft");
  EXPECT_FALSE(v.error) << v.message;
  EXPECT_TRUE(v.done);
  EXPECT_TRUE(v.keep_alive);
  EXPECT_EQ(v.body, "hello, world ok");
  EXPECT_FALSE(v.length);
}

TEST(Parser, NoBodyWhereThereIsNone) {
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    const std::string head = "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 7\r\n\r\n";
    const Verdict v = parse_every_way(head + "HTTP/1.");
    EXPECT_TRUE(v.done);
    EXPECT_EQ(v.consumed, head.size());
  }
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
  const Verdict v = parse_every_way(head, Method::head);
  EXPECT_TRUE(v.done);
  EXPECT_TRUE(v.keep_alive);
  EXPECT_EQ(v.length, 7u);
  EXPECT_TRUE(parse_every_way("HTTP/1.1 404 X\r\n\r\n", Method::head).done);
  EXPECT_TRUE(parse_every_way("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").done);
}

TEST(Parser, InterimAnswersAreSkipped) {
  const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  const Verdict v = parse_every_way("HTTP/1.1 100 Continue\r\n\r\n" + early + last);
  EXPECT_TRUE(v.done);
  EXPECT_EQ(v.heads, 1);
  EXPECT_EQ(v.status, 200);
  EXPECT_EQ(v.headers.size(), 1u);

  std::string many;
  for (int i = 0; i < 10; ++i)
    many += early;
  EXPECT_TRUE(parse(Method::get, {many + last}).done);
  EXPECT_EQ(parse_every_way(many + early + last).error, ErrorKind::invalid_answer);
}

TEST(Parser, CutsAreSeen) {
  const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (const std::string& answer : {sized, chunked}) {
    for (std::size_t cut = 0; cut < answer.size(); ++cut) {
      const Verdict v = parse(Method::get, {std::string_view(answer).substr(0, cut)});
      EXPECT_FALSE(v.done);
      EXPECT_FALSE(v.ended_well) << cut;
    }
    EXPECT_TRUE(parse(Method::get, {answer}).ended_well);
  }
}

TEST(Parser, CutIsTransientAndSaysHowMuchCame) {
  Recorder recorder;
  ResponseParser parser("http://peer", kMaxHead);
  parser.start(Method::get, recorder);
  EXPECT_FALSE(parser.got_any());
  const std::string part = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
  ASSERT_TRUE(parser.feed(std::as_bytes(std::span(part))));
  EXPECT_TRUE(parser.got_any());
  const auto ended = parser.end_of_stream();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::transient);
  EXPECT_NE(ended.error().message.find("3 of 5 bytes"), std::string::npos);
}

TEST(Parser, BodyWithoutLengthOnlyForErrors) {
  EXPECT_EQ(parse_every_way("HTTP/1.1 200 OK\r\n\r\nhello").error, ErrorKind::invalid_answer);
  EXPECT_EQ(parse_every_way("HTTP/1.1 206 X\r\nConnection: close\r\n\r\n").error,
            ErrorKind::invalid_answer);
  const Verdict v = parse_every_way("HTTP/1.1 503 Slow Down\r\n\r\n<Error/>");
  EXPECT_FALSE(v.error);
  EXPECT_FALSE(v.done);
  EXPECT_FALSE(v.keep_alive);
  EXPECT_TRUE(v.ended_well);
  EXPECT_EQ(v.body, "<Error/>");

  const std::string head = "HTTP/1.1 500 X\r\n\r\n";
  EXPECT_TRUE(parse(Method::get, {head, std::string(64 * 1024, 'x')}).ended_well);
  EXPECT_EQ(parse(Method::get, {head, std::string(64 * 1024 + 1, 'x')}).error,
            ErrorKind::invalid_answer);
}

TEST(Parser, ConnectionHeaderIsHonoured) {
  const auto keeps = [](const std::string& start) {
    return parse_every_way(start + "\r\nContent-Length: 0\r\n\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK"));
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK\r\nConnection: keep-alive"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nconnection: Upgrade, CLOSE"));
  EXPECT_FALSE(keeps("HTTP/1.0 200 OK"));
  EXPECT_TRUE(keeps("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"));
}

TEST(Parser, StatusLineWithoutReason) {
  EXPECT_EQ(parse_every_way("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").status, 200);
  EXPECT_EQ(parse_every_way("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").status, 200);
}

TEST(Parser, EqualContentLengthsAreOne) {
  const Verdict v =
      parse_every_way("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(v.done);
  EXPECT_EQ(v.body, "ok");
}

class BadHead : public ::testing::TestWithParam<const char*> {};

TEST_P(BadHead, IsAnInvalidAnswer) {
  const Verdict v = parse_every_way(std::string(GetParam()));
  EXPECT_EQ(v.error, ErrorKind::invalid_answer);
  EXPECT_EQ(v.message.rfind("the answer of http://peer ", 0), 0u) << v.message;
}

INSTANTIATE_TEST_SUITE_P(
    Strict, BadHead,
    ::testing::Values(
        // Framing that two readers could take differently.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 500 X\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        // No HTTP/1 answer.
        "HTTP/2 200 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.11 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "<html>", "\x16\x03\x01",
        "\r\nHTTP/1.1 200 OK\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        // Lines that two readers could take differently.
        "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\tA: b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: v\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\x01\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\x80: b\r\nContent-Length: 0\r\n\r\n"));

TEST(Parser, NulInTheHeadIsRefused) {
  using namespace std::string_literals;
  EXPECT_EQ(parse_every_way("HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n"s).error,
            ErrorKind::invalid_answer);
}

class BadChunks : public ::testing::TestWithParam<const char*> {};

TEST_P(BadChunks, AreAnInvalidAnswer) {
  const Verdict v = parse_every_way("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                    std::string(GetParam()));
  EXPECT_EQ(v.error, ErrorKind::invalid_answer);
}

INSTANTIATE_TEST_SUITE_P(Strict, BadChunks,
                         ::testing::Values("\r\n", ";x\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n",
                                           " 1\r\na\r\n", "1 \r\na\r\n", "1\na\r\n", "1\r\rna",
                                           "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\rx",
                                           "1;\x01\r\n", "1;a\nb\r\n", "11111111111111111\r\n",
                                           "0\r\nA\r\n", "0\r\n: v\r\n", "0\r\n A: b\r\n",
                                           "0\r\nA: b\n\r\n", "0\r\nA: \x01\r\n", "0\r\n\rx",
                                           "0\n\n"));

TEST(Parser, ChunkLinesAndTrailersAreBounded) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto with_line = [&](std::size_t bytes) {
    return parse(Method::get, {head + "1;" + std::string(bytes - 4, 'x') + "\r\na\r\n0\r\n\r\n"});
  };
  EXPECT_TRUE(with_line(4096).done);
  EXPECT_EQ(with_line(4097).error, ErrorKind::invalid_answer);
  const auto with_trailers = [&](std::size_t bytes) {
    return parse(Method::get, {head + "0\r\nA:" + std::string(bytes - 4, 'x') + "\r\n\r\n"});
  };
  EXPECT_TRUE(with_trailers(16'000).done);
  EXPECT_EQ(with_trailers(17'000).error, ErrorKind::invalid_answer);
}

TEST(Parser, HeadIsBounded) {
  const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
  const auto with_head = [&](std::size_t bytes) {
    return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_TRUE(parse(Method::get, {with_head(1000)}, 1000).done);
  EXPECT_EQ(parse(Method::get, {with_head(1001)}, 1000).error, ErrorKind::invalid_answer);
  // In pieces, and without an end: refused as soon as the limit is passed.
  const std::string flood = start + std::string(2000, 'x');
  std::vector<std::string_view> singles;
  for (std::size_t i = 0; i < 1000; ++i)
    singles.push_back(std::string_view(flood).substr(i, 1));
  EXPECT_FALSE(parse(Method::get, singles, 1000).error);
  singles.push_back("x");
  EXPECT_EQ(parse(Method::get, singles, 1000).error, ErrorKind::invalid_answer);
}

TEST(Parser, ErrorsOfTheHandlerAreHandedOn) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (const bool at_head : {true, false}) {
    Recorder recorder;
    const auto fail = [] { return Result<void>(Error(ErrorKind::changed, "mine")); };
    (at_head ? recorder.at_head : recorder.at_body) = fail;
    ResponseParser parser("http://peer", kMaxHead);
    parser.start(Method::get, recorder);
    const auto fed = parser.feed(std::as_bytes(std::span(answer)));
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().kind, ErrorKind::changed);
    EXPECT_EQ(fed.error().message, "mine");
    EXPECT_EQ(recorder.body.empty(), at_head);
  }
}

TEST(Parser, BodyBytesAreNotCopied) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  struct Where final : ResponseHandler {
    Result<void> on_head(const ResponseHead&) override { return {}; }
    Result<void> on_body(std::span<const std::byte> bytes) override {
      at = bytes.data();
      return {};
    }
    const std::byte* at = nullptr;
  } where;
  ResponseParser parser("http://peer", kMaxHead);
  parser.start(Method::get, where);
  const auto bytes = std::as_bytes(std::span(answer));
  ASSERT_TRUE(parser.feed(bytes));
  EXPECT_EQ(where.at, bytes.data() + answer.size() - 5);
}

TEST(Parser, OneAfterTheOtherWithoutAnythingLeftOfTheFirst) {
  ResponseParser parser("http://peer", kMaxHead);
  Recorder first;
  parser.start(Method::get, first);
  const std::string one = "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 1\r\n\r\nx";
  for (const char& c : one)
    ASSERT_TRUE(parser.feed(std::as_bytes(std::span(&c, 1))));
  ASSERT_TRUE(parser.done());
  Recorder second;
  parser.start(Method::get, second);
  EXPECT_FALSE(parser.done());
  EXPECT_FALSE(parser.got_any());
  const std::string two =
      "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n\r\n";
  ASSERT_TRUE(parser.feed(std::as_bytes(std::span(two))));
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(second.head.status, 404);
  EXPECT_EQ(second.head.headers.size(), 1u);
  EXPECT_FALSE(second.head.content_length);
  EXPECT_EQ(second.body, "y");
  EXPECT_EQ(first.body, "x");
}

TEST(Head, FindIgnoresCase) {
  ResponseHead head;
  head.headers.emplace_back("ETag", "\"1\"");
  head.headers.emplace_back("etag", "\"2\"");
  EXPECT_EQ(head.find("ETAG"), "\"1\"");
  EXPECT_EQ(head.find("ETa"), std::nullopt);
}

}  // namespace
}  // namespace sluice::http
