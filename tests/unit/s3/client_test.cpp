#include "s3/client.hpp"

#include "../async/both_runtimes.hpp"
#include "s3/list_page.hpp"
#include "scripted_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Client : public async::BothRuntimes {
 protected:
  std::unique_ptr<async::Runtime> runtime_ = make_runtime();
};
SLUICE_ON_BOTH_RUNTIMES(Client);

constexpr auto kObject = "<Contents><Key>a</Key><Size>1</Size></Contents>";

// ---- list

TEST_P(Client, ListAsksAndParses) {
  ScriptedClient client(*runtime_);
  client.script.replies = {page_reply(kObject)};
  store::ListRequest request;
  request.start_after = "0 +";
  const auto page = client.list(request);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a");

  const SentRequest& sent = client.script.sent.at(0);
  EXPECT_EQ(sent.host, "s3.test");
  EXPECT_EQ(sent.request.target,
            "/bkt?encoding-type=url&list-type=2&max-keys=1000&start-after=0%20%2B");
  EXPECT_EQ(sent.header("host"), "s3.test:9000");
  EXPECT_EQ(sent.header("accept-encoding"), "identity");
  EXPECT_THAT(sent.header("authorization"),
              AllOf(StartsWith("AWS4-HMAC-SHA256 Credential=FIRSTKEY/"),
                    HasSubstr("/us-east-1/s3/aws4_request")));
  EXPECT_EQ(sent.header("x-amz-security-token"), "first token");
  EXPECT_EQ(client.session->requests(RequestKind::list), 1U);
  EXPECT_EQ(client.session->requests(RequestKind::get), 0U);
}

TEST_P(Client, UnsignedRequests) {
  SessionOptions options = ScriptedClient::default_options();
  options.sign = false;
  ScriptedClient client(*runtime_, options);
  client.script.replies = {page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.script.sent.at(0).header("authorization"), "(none)");
  EXPECT_EQ(client.script.sent.at(0).header("x-amz-security-token"), "(none)");
}

TEST_P(Client, ListOfAnotherBucketIsRefused) {
  ScriptedClient client(*runtime_);
  Reply reply = page_reply(kObject);
  reply.body.replace(reply.body.find("bkt"), 3, "xyz");
  client.script.replies = {reply};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
  EXPECT_THAT(page.error().message,
              AllOf(StartsWith("cannot list bucket bkt at http://s3.test:9000 (region us-east-1)"),
                    HasSubstr("bucket xyz")));
}

TEST_P(Client, ListTooLarge) {
  for (const bool chunked : {false, true}) {
    const auto runtime = make_runtime();
    ScriptedClient client(*runtime);
    client.script.piece_bytes = 1 << 20;
    Reply reply = page_reply();
    reply.body.resize(kMaxPageBytes + 1, ' ');
    reply.chunked = chunked;
    client.script.replies = {reply};
    const auto page = client.list();
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
    EXPECT_THAT(page.error().message, HasSubstr("16 MiB"));
  }
}

TEST_P(Client, ListCutByTheConnection) {
  ScriptedClient client(*runtime_);
  Reply reply = page_reply();
  reply.failure = Error(ErrorKind::transient, "the connection was reset");
  client.script.replies = {reply};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::transient);
  EXPECT_THAT(page.error().message, HasSubstr("cannot list bucket bkt at"));
}

TEST_P(Client, ListAnsweredWithAnErrorUnder200) {
  ScriptedClient client(*runtime_);
  Reply reply;
  reply.body = error_body("InternalError");
  client.script.replies = {reply};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::transient);
  EXPECT_EQ(page.error().code, "InternalError");
}

// ---- get

TEST_P(Client, GetWhole) {
  ScriptedClient client(*runtime_);
  client.script.replies = {object_reply("hello, world")};
  StringSink sink;
  const auto head = client.get(get_request("a/../b c", 12), sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(sink.body, "hello, world");
  EXPECT_EQ(sink.begun, 1);
  EXPECT_EQ(head->version.etag, "e");
  const SentRequest& sent = client.script.sent.at(0);
  EXPECT_EQ(sent.request.target, "/bkt/a/../b%20c");
  EXPECT_EQ(sent.header("if-match"), "\"e\"");
  EXPECT_EQ(sent.header("range"), "(none)");
  EXPECT_EQ(client.session->requests(RequestKind::get), 1U);
}

TEST_P(Client, GetRange) {
  ScriptedClient client(*runtime_);
  Reply reply = object_reply("34567");
  reply.status = 206;
  reply.headers.emplace_back("Content-Range", "bytes 3-7/12");
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", 12, ByteRange::make(3, 5)), sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(sink.body, "34567");
  EXPECT_EQ(head->version.size, 12U);
  EXPECT_EQ(client.script.sent.at(0).header("range"), "bytes=3-7");
}

TEST_P(Client, GetOfNothing) {
  ScriptedClient client(*runtime_);
  client.script.replies = {object_reply("")};
  StringSink sink;
  EXPECT_TRUE(client.get(get_request("k", 0), sink));
  EXPECT_EQ(sink.begun, 1);
  EXPECT_EQ(sink.body, "");
}

TEST_P(Client, ServerIgnoresRange) {
  ScriptedClient client(*runtime_);
  client.script.replies = {object_reply("0123456789ab")};
  StringSink sink;
  const auto head = client.get(get_request("k", 12, ByteRange::make(3, 5)), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(sink.begun, 0) << "nothing may be written at an offset it does not belong to";
}

TEST_P(Client, AnotherVersion) {
  ScriptedClient client(*runtime_);
  client.script.replies = {object_reply("hello", "other")};
  StringSink sink;
  const auto head = client.get(get_request("k", 5), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::changed);
  EXPECT_THAT(head.error().message, HasSubstr("key k of bucket bkt"));
  EXPECT_EQ(sink.begun, 0);
}

TEST_P(Client, MoreBytesThanAskedFor) {
  ScriptedClient client(*runtime_);
  Reply reply = object_reply("3456789");
  reply.status = 206;
  reply.chunked = true;
  reply.headers.emplace_back("Content-Range", "bytes 3-7/12");
  client.script.piece_bytes = 2;
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", 12, ByteRange::make(3, 5)), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::invalid_answer);
  EXPECT_EQ(sink.body, "3456") << "a correct beginning at most";
}

TEST_P(Client, FewerBytesThanAskedFor) {
  ScriptedClient client(*runtime_);
  Reply reply = object_reply("345");
  reply.status = 206;
  reply.chunked = true;
  reply.headers.emplace_back("Content-Range", "bytes 3-7/12");
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", 12, ByteRange::make(3, 5)), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::transient);
  EXPECT_THAT(head.error().message, HasSubstr("2 bytes too early"));
}

TEST_P(Client, AnErrorUnder200IsNoObject) {
  ScriptedClient client(*runtime_);
  Reply reply;
  reply.headers = {{"Content-Type", "application/xml"}};
  reply.body = error_body("SlowDown");
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", 12), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::throttled);
  EXPECT_EQ(sink.begun, 0);
}

/// The length can agree by chance: then the missing ETag gives it away.
TEST_P(Client, AnErrorUnder200OfTheVerySameLength) {
  ScriptedClient client(*runtime_);
  Reply reply;
  reply.headers = {{"Content-Type", "application/xml"}};
  reply.body = error_body("InternalError");
  const std::size_t size = reply.body.size();
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", size), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::transient);
  EXPECT_EQ(sink.begun, 0);
}

TEST_P(Client, AnXmlObjectThatChangedIsNoError) {
  ScriptedClient client(*runtime_);
  Reply reply = object_reply("<note>hello</note>", "other");
  reply.headers.emplace_back("Content-Type", "application/xml");
  client.script.replies = {reply};
  StringSink sink;
  const auto head = client.get(get_request("k", 12), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::changed);
}

TEST_P(Client, AnXmlObjectIsAnObject) {
  ScriptedClient client(*runtime_);
  const std::string body = error_body("NoSuchKey");
  Reply reply = object_reply(body);
  reply.headers.emplace_back("Content-Type", "application/xml");
  client.script.replies = {reply};
  StringSink sink;
  EXPECT_TRUE(client.get(get_request("k", body.size()), sink));
  EXPECT_EQ(sink.body, body);
}

TEST_P(Client, TheSinksErrorIsTheResult) {
  for (const bool at_begin : {true, false}) {
    const auto runtime = make_runtime();
    ScriptedClient client(*runtime);
    client.script.replies = {object_reply("hello")};
    StringSink sink;
    const Error full(ErrorKind::local, "cannot write x: no space left on device");
    (at_begin ? sink.refuse_begin : sink.refuse_write) = full;
    const auto head = client.get(get_request("k", 5), sink);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().kind, ErrorKind::local);
    EXPECT_EQ(head.error().message, full.message);
  }
}

// ---- head and probe

TEST_P(Client, Head) {
  ScriptedClient client(*runtime_);
  Reply reply;
  reply.headers = {{"ETag", "\"x-3\""}, {"x-amz-checksum-crc64nvme", "AAECAwQFBgc="}};
  reply.promised = 77;
  client.script.replies = {reply};
  store::HeadRequest request;
  request.key = "k";
  request.want_checksum = true;
  const auto head = client.head(request);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->version.size, 77U);
  EXPECT_EQ(head->version.etag, "x-3");
  EXPECT_EQ(head->checksums.size(), 1U);
  EXPECT_EQ(client.script.sent.at(0).request.method, http::Method::head);
  EXPECT_EQ(client.script.sent.at(0).header("x-amz-checksum-mode"), "ENABLED");
  EXPECT_EQ(client.session->requests(RequestKind::head), 1U);
}

TEST_P(Client, HeadOfAMissingKey) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(404, "")};
  store::HeadRequest request;
  request.key = "k";
  EXPECT_EQ(client.head(request).error().kind, ErrorKind::missing_key);
}

struct GoneCase {
  const char* name;
  Reply reply;
  std::optional<bool> gone;  ///< nullopt: an error
  ErrorKind kind = ErrorKind::transient;
};

Reply part_of_object() {
  Reply reply = object_reply("x");
  reply.status = 206;
  reply.headers.emplace_back("Content-Range", "bytes 0-0/12");
  return reply;
}

Reply huge_object() {
  Reply reply = object_reply("the beginning of very much");
  reply.promised = 1ULL << 40;
  return reply;
}

Reply proxy_page() {
  Reply reply;
  reply.status = 404;
  reply.body = "<html><body>not found</body></html>";
  return reply;
}

TEST_P(Client, IsGone) {
  const std::vector<GoneCase> cases = {
      {"missing", error_reply(404, "NoSuchKey"), true},
      {"present", part_of_object(), false},
      {"range ignored", object_reply("short"), false},
      {"range ignored, huge", huge_object(), false},
      {"empty object", error_reply(416, "InvalidRange"), false},
      {"empty object, no code", error_reply(416, ""), false},
      {"archived", error_reply(403, "InvalidObjectState"), false},
      {"code-less 404", error_reply(404, ""), std::nullopt, ErrorKind::invalid_answer},
      {"proxy's 404", proxy_page(), std::nullopt, ErrorKind::invalid_answer},
      {"bucket gone", error_reply(404, "NoSuchBucket"), std::nullopt, ErrorKind::missing_bucket},
      {"denied", error_reply(403, "AccessDenied"), std::nullopt, ErrorKind::denied},
      {"broken", error_reply(500, "InternalError"), std::nullopt, ErrorKind::transient},
  };
  for (const GoneCase& one : cases) {
    SCOPED_TRACE(one.name);
    const auto runtime = make_runtime();
    ScriptedClient client(*runtime);
    client.script.replies = {one.reply};
    const auto gone = client.is_gone("k");
    EXPECT_EQ(client.script.sent.at(0).header("range"), "bytes=0-0");
    EXPECT_EQ(client.session->requests(RequestKind::probe), 1U);
    if (one.gone) {
      ASSERT_TRUE(gone) << gone.error().message;
      EXPECT_EQ(*gone, *one.gone);
    } else {
      ASSERT_FALSE(gone);
      EXPECT_EQ(gone.error().kind, one.kind) << gone.error().message;
    }
  }
}

// ---- errors for people

Error list_error(async::Runtime& runtime, Reply reply) {
  ScriptedClient client(runtime);
  client.script.replies = {std::move(reply)};
  const auto page = client.list();
  EXPECT_FALSE(page);
  return page ? Error() : page.error();
}

Error get_error(async::Runtime& runtime, Reply reply, std::string key = "k") {
  ScriptedClient client(runtime);
  client.script.replies = {std::move(reply)};
  StringSink sink;
  const auto head = client.get(get_request(std::move(key), 12), sink);
  EXPECT_FALSE(head);
  EXPECT_EQ(sink.begun, 0);
  return head ? Error() : head.error();
}

TEST_P(Client, NoSuchBucketSaysWhatToCheck) {
  const Error error = list_error(*runtime_, error_reply(404, "NoSuchBucket"));
  EXPECT_EQ(error.kind, ErrorKind::missing_bucket);
  EXPECT_EQ(error.code, "NoSuchBucket");
  EXPECT_EQ(error.http_status, 404);
  EXPECT_EQ(error.message,
            "cannot list bucket bkt at http://s3.test:9000 (region us-east-1): the bucket does not "
            "exist there (404 NoSuchBucket); check the name, the region and --endpoint-url");
}

TEST_P(Client, DeniedListingNamesThePermission) {
  const Error error = list_error(*runtime_, error_reply(403, "AccessDenied"));
  EXPECT_EQ(error.kind, ErrorKind::denied);
  EXPECT_THAT(error.message, HasSubstr("s3:ListBucket on arn:aws:s3:::bkt"));
}

TEST_P(Client, DeniedGetNamesThePermissionAndTheKey) {
  const Error error = get_error(*runtime_, error_reply(403, "AccessDenied"), "a\x1b[31mb");
  EXPECT_EQ(error.kind, ErrorKind::denied);
  EXPECT_THAT(error.message, AllOf(HasSubstr("s3:GetObject on arn:aws:s3:::bkt/*"),
                                   HasSubstr("key a\\x1b[31mb of bucket bkt")));
}

TEST_P(Client, ArchivedAndKms) {
  const Error archived = get_error(*runtime_, error_reply(403, "InvalidObjectState"));
  EXPECT_EQ(archived.kind, ErrorKind::archived);
  EXPECT_THAT(archived.message, HasSubstr("restore"));
  const auto runtime = make_runtime();
  const Error kms = get_error(*runtime, error_reply(400, "KMS.DisabledException"));
  EXPECT_EQ(kms.kind, ErrorKind::denied);
  EXPECT_THAT(kms.message, HasSubstr("kms:Decrypt"));
}

TEST_P(Client, ACodelessNotFoundProvesNothing) {
  const Error error = get_error(*runtime_, proxy_page());
  EXPECT_EQ(error.kind, ErrorKind::invalid_answer);
  EXPECT_THAT(error.message, HasSubstr("does not prove"));
}

TEST_P(Client, RetryAfterIsHandedOn) {
  const Error error = list_error(*runtime_, error_reply(503, "SlowDown", {{"Retry-After", "3"}}));
  EXPECT_EQ(error.kind, ErrorKind::throttled);
  EXPECT_EQ(error.retry_after, std::chrono::seconds(3));
}

TEST_P(Client, LocationIsNeverFollowed) {
  const Error error =
      list_error(*runtime_, error_reply(302, "", {{"Location", "http://login.example.com/"}}));
  EXPECT_EQ(error.kind, ErrorKind::invalid_answer);
}

TEST_P(Client, ARedirectWithoutARegionIsTheEndpointsFault) {
  ScriptedClient client(*runtime_);
  const Reply redirect = error_reply(301, "", {{"Location", "https://s3.test/"}});
  client.script.replies = {redirect, redirect};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::wrong_region);
  EXPECT_THAT(page.error().message, AllOf(HasSubstr("redirects"), HasSubstr("--endpoint-url")));
  EXPECT_THAT(client.script.hosts, ::testing::ElementsAre("s3.test"));
}

TEST_P(Client, AnErrorsBodyIsBounded) {
  Reply reply = error_reply(503, "SlowDown");
  reply.body.insert(reply.body.find("</Error>"), std::string(1 << 20, ' '));
  const Error error = list_error(*runtime_, std::move(reply));
  EXPECT_EQ(error.kind, ErrorKind::transient) << "by its status: the document was not read";
  EXPECT_EQ(error.http_status, 503);
}

TEST_P(Client, AnErrorWhoseBodyIsCutIsACutAnswer) {
  Reply reply = error_reply(404, "NoSuchKey");
  reply.failure = Error(ErrorKind::transient, "the connection was reset");
  EXPECT_EQ(get_error(*runtime_, std::move(reply)).kind, ErrorKind::transient);
}

TEST_P(Client, NoAnswerAtAllNamesWhatWasTried) {
  Reply reply;
  reply.no_head = true;
  reply.failure = Error(ErrorKind::unreachable, "connection refused");
  const Error error = get_error(*runtime_, std::move(reply));
  EXPECT_EQ(error.kind, ErrorKind::unreachable);
  EXPECT_EQ(error.message,
            "cannot get key k of bucket bkt at http://s3.test:9000 (region us-east-1): connection "
            "refused");
}

TEST_P(Client, ControlCharactersOfTheServersWordsAreEscaped) {
  Reply reply = error_reply(500, "");
  reply.body = "<Error><Code>Odd</Code><Message>a&#x1b;[2Jb</Message></Error>";
  EXPECT_THAT(list_error(*runtime_, std::move(reply)).message, HasSubstr("a\\x1b[2Jb"));
}

TEST_P(Client, ABadEndpointIsFoundWhenTheClientIsMade) {
  auto session = *Session::make(ScriptedClient::default_options(), FixedCredentials::make());
  const auto client = make_client_over(
      *runtime_, session, [](const http::Endpoint&) -> Result<std::unique_ptr<http::Client>> {
        return Error(ErrorKind::usage, "the CA bundle cannot be read");
      });
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace sluice::s3
