#include "origin/server.hpp"

#include "fixture.hpp"
#include "origin/dates.hpp"
#include "origin/synthetic_bucket.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace sluice::origin {
namespace {

using test::Client;
using test::Reply;
using test::to_text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ServerTest : public test::WithServer {};

TEST_F(ServerTest, Errors) {
  bucket->put("k", "x");
  struct Case {
    const char* target;
    int status;
    const char* code;
  };
  const Case cases[] = {
      {"/nosuch/k", 404, "NoSuchBucket"},
      {"/nosuch?list-type=2", 404, "NoSuchBucket"},
      {"/b/nokey", 404, "NoSuchKey"},
      {"/b?list-type=1", 501, "NotImplemented"},
      {"/b?versions=", 501, "NotImplemented"},
      {"/", 403, "AccessDenied"},
      {"/b?list-type=2&max-keys=x", 400, "InvalidArgument"},
  };
  for (const Case& c : cases) {
    const Reply reply = client().get(c.target);
    EXPECT_EQ(reply.status, c.status) << c.target;
    EXPECT_THAT(reply.body, HasSubstr(std::string("<Code>") + c.code + "</Code>")) << c.target;
    EXPECT_EQ(reply.header("Content-Type"), "application/xml");
  }
  const Reply head = client().head("/b/nokey");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(client().get("/b/k").status, 200) << "the connection is still in step";
}

TEST_F(ServerTest, OtherMethods) {
  for (const char* const method : {"PUT", "POST", "DELETE"}) {
    const Reply reply = client().exchange(test::sign(method, "/b/k", {}, client().host()));
    EXPECT_EQ(reply.status, 405) << method;
  }
  Request put = test::sign("PUT", "/b/k", {}, client().host());
  put.headers.push_back({"Content-Length", "5"});
  client().send(to_text(put) + "hello");
  const Reply reply = client().receive();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Connection"), "") << "the body was read";
  put.headers.back().value = std::to_string(kBodyBytesMax + 1);
  const Reply large = client().exchange(put);
  EXPECT_EQ(large.status, 405);
  EXPECT_EQ(large.header("Connection"), "close");
}

TEST_F(ServerTest, HeadBucketAndLocation) {
  options.region = "eu-central-1";
  test::SignOptions sign;
  sign.region = "eu-central-1";
  const Reply head = client().head("/b", {}, sign);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "eu-central-1");
  EXPECT_EQ(client().head("/nosuch", {}, sign).status, 404);
  EXPECT_THAT(client().get("/b?location=", {}, sign).body, HasSubstr(">eu-central-1</Location"));
}

TEST_F(ServerTest, ListsOverTheWire) {
  options.page_size = 2;
  for (const char* const key : {"a b", "c", "d"})
    bucket->put(key, key);
  const Reply first = client().get("/b?list-type=2&encoding-type=url");
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, HasSubstr("<Key>a+b</Key>"));
  EXPECT_THAT(first.body, HasSubstr("<IsTruncated>true</IsTruncated>"));
  EXPECT_THAT(client().get("/b?list-type=2&start-after=c").body, HasSubstr("<Key>d</Key>"));
}

TEST_F(ServerTest, VirtualHostAddressing) {
  server().add_bucket("dotted.name", std::make_shared<MemoryBucket>());
  bucket->put("k", "x");
  for (const char* const host :
       {"b.s3.example.com:99", "b.localhost", "b.localhost:1", "b.s3.localhost"}) {
    EXPECT_EQ(client().get("/k", {{"Host", host}}).body, "x") << host;
  }
  for (const char* const host : {"nosuch.localhost", "nosuch.s3.localhost:1"}) {
    EXPECT_THAT(client().get("/k", {{"Host", host}}).body,
                HasSubstr("<BucketName>nosuch</BucketName>"));
  }
  EXPECT_THAT(client().get("/k", {{"Host", "dotted.name.s3.local"}}).body, HasSubstr("NoSuchKey"));
  EXPECT_EQ(client().get("/b/k", {{"Host", "localhost:1"}}).body, "x");
  EXPECT_EQ(client().get("/b/k", {{"Host", "[::1]:1"}}).body, "x");
}

TEST_F(ServerTest, Signatures) {
  bucket->put("k", "x");
  Request request = test::sign("GET", "/b/k", {}, client().host());
  char& digit = request.headers.back().value.back();
  digit = digit == '0' ? '1' : '0';
  const Reply refused = client().exchange(request);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("<CanonicalRequest>GET&#xa;/b/k&#xa;"));
  test::SignOptions old;
  old.now_ms = now_ms() - 3'600'000;
  EXPECT_THAT(client().get("/b/k", {}, old).body, HasSubstr("RequestTimeTooSkewed"));
  test::SignOptions other;
  other.credential.access_key = "OTHER";
  EXPECT_THAT(client().get("/b/k", {}, other).body, HasSubstr("InvalidAccessKeyId"));
  const Headers bad_hash{{"x-amz-content-sha256", std::string(64, 'a')}};
  EXPECT_THAT(client().get("/b/k", bad_hash).body, HasSubstr("XAmzContentSHA256Mismatch"));
  EXPECT_EQ(client().get("/b/k", {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}).status, 200);
  client().send("GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client().receive().body, HasSubstr("AccessDenied"));
  const RequestCounts counts = server().counts();
  EXPECT_EQ(counts.refused_signatures(), 4u);
  EXPECT_EQ(counts.auth_failures.at(AuthFailure::skewed_clock), 1u);
}

TEST_F(ServerTest, TheServersClockCanBeAnother) {
  options.clock_ms = [] { return std::int64_t{1'000'000'000'000}; };
  bucket->put("k", "x");
  EXPECT_EQ(client().get("/b/k").status, 403);
  test::SignOptions then;
  then.now_ms = 1'000'000'000'000;
  const Reply reply = client().get("/b/k", {}, then);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Date"), "Sun, 09 Sep 2001 01:46:40 GMT");
}

TEST_F(ServerTest, ExpiringCredentials) {
  std::atomic<std::int64_t> now{now_ms()};
  options.clock_ms = [&now] { return now.load(); };
  Credential session{"ASIATEST", "s", "token+/=", now + 1000};
  options.credentials.push_back(session);
  bucket->put("k", "x");
  test::SignOptions sign;
  sign.credential = session;
  EXPECT_EQ(client().get("/b/k", {}, sign).status, 200);
  now += 1000;
  EXPECT_THAT(client().get("/b/k", {}, sign).body, HasSubstr("<Code>ExpiredToken</Code>"));
  sign.credential.session_token = "other";
  EXPECT_THAT(client().get("/b/k", {}, sign).body, HasSubstr("<Code>InvalidToken</Code>"));
}

TEST_F(ServerTest, Anonymous) {
  options.allow_anonymous = true;
  bucket->put("k", "x");
  client().send("GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client().receive().body, "x");
  EXPECT_EQ(server().counts().refused_signatures(), 0u);
}

TEST_F(ServerTest, WrongRegionMalformed) {
  options.region = "eu-west-3";
  const Reply get = client().get("/b?list-type=2");
  EXPECT_EQ(get.status, 400);
  EXPECT_THAT(get.body, HasSubstr("<Code>AuthorizationHeaderMalformed</Code>"));
  EXPECT_THAT(get.body, HasSubstr("<Region>eu-west-3</Region>"));
  EXPECT_EQ(get.header("x-amz-bucket-region"), "");
  const Reply head = client().head("/b");
  EXPECT_EQ(head.status, 400);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "eu-west-3");
  EXPECT_EQ(server().counts().refused_signatures(), 0u);
}

TEST_F(ServerTest, WrongRegionRedirect) {
  options.region = "eu-west-3";
  options.wrong_region = WrongRegion::redirect;
  const Reply get = client().get("/b/k");
  EXPECT_EQ(get.status, 301);
  EXPECT_THAT(get.body, HasSubstr("<Code>PermanentRedirect</Code>"));
  EXPECT_EQ(get.header("x-amz-bucket-region"), "eu-west-3");
}

TEST_F(ServerTest, WrongRegionRedirectToSomewhere) {
  options.region = "eu-west-3";
  options.wrong_region = WrongRegion::temporary;
  options.redirect_to = "http://other.example/b/k";
  const Reply get = client().get("/b/k");
  EXPECT_EQ(get.status, 307);
  EXPECT_THAT(get.body, HasSubstr("<Code>TemporaryRedirect</Code>"));
  EXPECT_THAT(get.body, HasSubstr("<Endpoint>http://other.example/b/k</Endpoint>"));
  EXPECT_EQ(get.header("x-amz-bucket-region"), "eu-west-3");
  EXPECT_EQ(get.header("Location"), "http://other.example/b/k");
}

TEST_F(ServerTest, KeepAliveAndPipelining) {
  bucket->put("k", "x");
  const std::string text = to_text(test::sign("GET", "/b/k", {}, client().host()));
  client().send(text + text + text.substr(0, 10));
  EXPECT_EQ(client().receive().body, "x");
  EXPECT_EQ(client().receive().body, "x");
  client().send(text.substr(10));
  EXPECT_EQ(client().receive().body, "x");
  EXPECT_EQ(server().counts().connections, 1u);
  const Reply last = client().get("/b/k", {{"Connection", "close"}});
  EXPECT_EQ(last.header("Connection"), "close");
}

TEST_F(ServerTest, ClosesAfterSoManyRequests) {
  options.max_requests_per_connection = 2;
  bucket->put("k", "x");
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(client().get("/b/k").status, 200);
  EXPECT_EQ(client().get("/b/k").status, 0);
  EXPECT_EQ(client().get("/b/k").status, 200);
}

TEST_F(ServerTest, NotHttp) {
  EXPECT_TRUE(client().send_and_expect_close("\x16\x03\x01 rubbish\r\n\r\n"));
  EXPECT_TRUE(client().send_and_expect_close("GET /" + std::string(70'000, 'x')));
}

TEST_F(ServerTest, LogsRequests) {
  bucket->put("k", "hello");
  test::SignOptions sign;
  sign.credential = Credential{"ASIATEST", "s", "secret-token", {}};
  options.credentials.push_back(sign.credential);
  client().get("/b/k", {{"Range", "bytes=1-2"}}, sign);
  client().head("/b");
  client().get("/b?list-type=2");
  const auto requests = server().requests();
  ASSERT_EQ(requests.size(), 3u);
  const RequestRecord& get = requests[0];
  EXPECT_EQ(get.method, "GET");
  EXPECT_EQ(get.target, "/b/k");
  EXPECT_EQ(get.bucket, "b");
  EXPECT_EQ(get.key, "k");
  EXPECT_EQ(get.operation, Operation::get);
  EXPECT_EQ(get.range, "bytes=1-2");
  EXPECT_EQ(get.status, 206);
  EXPECT_EQ(get.body_bytes_sent, 2u);
  EXPECT_TRUE(get.finished);
  EXPECT_TRUE(get.authorization);
  EXPECT_LE(get.start_us, get.end_us);
  EXPECT_EQ(get.access_key, "ASIATEST");
  const std::string json = to_json(get);
  EXPECT_THAT(json, HasSubstr(R"("operation":"get")"));
  EXPECT_THAT(json, Not(HasSubstr("secret-token")));
  EXPECT_THAT(json, Not(HasSubstr("Signature=")));
  EXPECT_EQ(requests[1].operation, Operation::head_bucket);
  EXPECT_EQ(requests[2].operation, Operation::list);
  const RequestCounts counts = server().counts();
  EXPECT_EQ(counts.total, 3u);
  EXPECT_EQ(counts.of(Operation::list), 1u);
  EXPECT_EQ(counts.of(Operation::head), 0u);
  server().clear_requests();
  EXPECT_THAT(server().requests(), IsEmpty());
  EXPECT_EQ(server().counts().total, 0u);
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  options.threads = 2;
  bucket->put_generated("big", 2'000'000, 3);
  const std::string whole = read_all(*generated_content(2'000'000, 3));
  const std::uint16_t port = server().port();
  Match match;
  match.operation = Operation::get;
  fault(faults::delay(std::chrono::milliseconds(30)), match);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([port, &good, &whole] {
      Client mine(port);
      for (int n = 0; n < 3; ++n)
        good += mine.get("/b/big").body == whole ? 1 : 0;
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(good, 24);
  EXPECT_GE(server().counts().max_active, 2u);
  EXPECT_EQ(server().counts().body_bytes_sent, 24u * 2'000'000);
}

TEST_F(ServerTest, StopsInTheMiddleOfAnswers) {
  bucket->put("k", std::string(1000, 'x'));
  fault(faults::stall(10));
  std::thread stalled([port = server().port()] {
    Client mine(port);
    EXPECT_FALSE(mine.get("/b/k").complete);
  });
  while (server().counts().active == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  server().stop();
  stalled.join();
  EXPECT_TRUE(server().requests().at(0).finished);
}

TEST_F(ServerTest, AStalledAnswerEndsWhenTheClientLeaves) {
  bucket->put("k", std::string(1000, 'x'));
  fault(faults::stall(10));
  client().send(to_text(test::sign("GET", "/b/k", {}, client().host())));
  while (server().counts().active == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  client().close();
  const test::Stopwatch watch;
  while (server().counts().active > 0 && watch.passed() < std::chrono::seconds(5)) {
  }
  EXPECT_TRUE(server().requests().at(0).client_left);
  EXPECT_EQ(server().requests().at(0).body_bytes_sent, 10u);
}

TEST_F(ServerTest, ListDelay) {
  options.list_delay = std::chrono::milliseconds(120);
  const test::Stopwatch watch;
  client().get("/b?list-type=2");
  EXPECT_GE(watch.passed(), options.list_delay);
}

TEST(Server, Urls) {
  Server server(ServerOptions{});
  server.start();
  EXPECT_EQ(server.url(), "http://127.0.0.1:" + std::to_string(server.port()));
  ServerOptions taken;
  taken.port = server.port();
  Server second(taken);
  EXPECT_THROW(second.start(), std::system_error);
}

// A second opinion on signatures. curl 7.88 sorts no queries: these are sorted already.
TEST_F(ServerTest, CurlAgrees) {
  if (std::system("curl --aws-sigv4 x --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no curl with --aws-sigv4";
  }
  bucket->put("folder/k", "from curl");
  const std::string command =
      "curl -s --aws-sigv4 aws:amz:us-east-1:s3 -u AKIDTEST:secret -H 'x-amz-content-sha256: "
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' ";
  const auto fetch = [&](const std::string& target) {
    std::FILE* const pipe = ::popen((command + '\'' + server().url() + target + '\'').c_str(), "r");
    char text[4096];
    const std::size_t n = std::fread(text, 1, sizeof text, pipe);
    ::pclose(pipe);
    return std::string(text, n);
  };
  EXPECT_EQ(fetch("/b/folder/k"), "from curl");
  EXPECT_THAT(fetch("/b?encoding-type=url&list-type=2&prefix=folder%2F"),
              HasSubstr("<Key>folder/k</Key>"));
  EXPECT_EQ(server().counts().refused_signatures(), 0u);
}

}  // namespace
}  // namespace sluice::origin
