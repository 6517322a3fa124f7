// What the client puts right by itself, each once a request: credentials, clock, region, features.

#include "../async/both_runtimes.hpp"
#include "async/group.hpp"
#include "base/time.hpp"
#include "scripted_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Corrections : public async::BothRuntimes {
 protected:
  /// A Date header that differs from this runtime's clock.
  std::pair<std::string, std::string> date(std::chrono::seconds ahead) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(runtime_->wall_now() + ahead);
    return {"Date", dates::format_http(now.time_since_epoch().count())};
  }

  std::unique_ptr<async::Runtime> runtime_ = make_runtime();
};
SLUICE_ON_BOTH_RUNTIMES(Corrections);

constexpr std::chrono::hours kHour(1);

// ---- credentials

TEST_P(Corrections, ExpiredCredentialsAreRenewed) {
  for (const char* code :
       {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"}) {
    SCOPED_TRACE(code);
    const auto runtime = make_runtime();
    ScriptedClient client(*runtime);
    client.script.replies = {error_reply(400, code), page_reply()};
    EXPECT_TRUE(client.list());
    EXPECT_EQ(client.credentials->invalidations, 1);
    EXPECT_THAT(client.script.sent.at(1).header("authorization"), HasSubstr("SECONDKEY"));
    EXPECT_EQ(client.script.sent.at(1).header("x-amz-security-token"), "(none)");
    EXPECT_EQ(client.session->requests(RequestKind::list), 2U);
  }
}

TEST_P(Corrections, ButOnlyOnce) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(400, "ExpiredToken"), error_reply(400, "ExpiredToken")};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::credentials);
  EXPECT_EQ(page.error().code, "ExpiredToken");
  EXPECT_THAT(page.error().message,
              AllOf(HasSubstr("credentials from the test have expired"), HasSubstr("renew")));
  EXPECT_THAT(page.error().message, ::testing::Not(HasSubstr("secret")));
}

TEST_P(Corrections, RenewedByAnotherRequestMeanwhile) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(400, "ExpiredToken"), error_reply(400, "ExpiredToken"),
                           page_reply(), page_reply()};
  for (Reply& reply : client.script.replies)
    reply.delay = std::chrono::milliseconds(10);
  int good = 0;
  const async::Executor executor = runtime_->executor(async::Role::control);
  runtime_->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    const auto one = [&]() -> async::Task<void> {
      store::ListRequest request;
      const Result<ListPage> page = co_await client.store->list(std::move(request));
      good += page ? 1 : 0;
    };
    group.spawn(executor, one());
    group.spawn(executor, one());
    co_await group.join();
  });
  EXPECT_EQ(good, 2);
  EXPECT_EQ(client.credentials->invalidations, 1) << "the second found new ones already";
}

TEST_P(Corrections, NoCredentialsAtAll) {
  ScriptedClient client(*runtime_);
  const auto empty = std::make_shared<FixedCredentials>(std::deque<aws::Credentials>());
  client.session = *Session::make(ScriptedClient::default_options(), empty);
  Script* const script = &client.script;
  client.store = *make_client_over(
      *runtime_, client.session,
      [this, script](const http::Endpoint&) -> Result<std::unique_ptr<http::Client>> {
        return std::unique_ptr<http::Client>(
            std::make_unique<ScriptedHttp>(*runtime_, *script, "h"));
      });
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::credentials);
  EXPECT_TRUE(client.script.sent.empty());
}

TEST_P(Corrections, MessagesAboutCredentials) {
  ScriptedClient unknown(*runtime_);
  unknown.script.replies = {error_reply(403, "InvalidAccessKeyId"),
                            error_reply(403, "InvalidAccessKeyId")};
  const auto page = unknown.list();
  EXPECT_THAT(page.error().message, HasSubstr("does not know the access key"));

  const auto runtime = make_runtime();
  ScriptedClient wrong(*runtime);
  wrong.script.replies = {error_reply(403, "SignatureDoesNotMatch")};
  const auto other = wrong.list();
  EXPECT_EQ(other.error().kind, ErrorKind::credentials);
  EXPECT_THAT(other.error().message, AllOf(HasSubstr("secret key"), HasSubstr("proxy")));
}

// ---- clock

TEST_P(Corrections, SkewedClockIsSignedAround) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(403, "RequestTimeTooSkewed", {date(kHour)}), page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_NEAR(static_cast<double>(client.session->skew_seconds()), 3600, 2);
  EXPECT_NE(client.script.sent.at(0).header("x-amz-date"),
            client.script.sent.at(1).header("x-amz-date"));
}

TEST_P(Corrections, SkewedTwiceTellsHowToSetTheClock) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(403, "RequestTimeTooSkewed", {date(-kHour)}),
                           error_reply(403, "RequestTimeTooSkewed", {date(-kHour)})};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::skewed);
  EXPECT_THAT(page.error().message, AllOf(::testing::ContainsRegex("clock is 3(600|599|601) sec"),
                                          HasSubstr("ahead of"), HasSubstr("timedatectl")));
}

TEST_P(Corrections, EveryAnswerTellsTheTime) {
  ScriptedClient client(*runtime_);
  Reply reply = page_reply();
  reply.headers.push_back(date(kHour));
  client.script.replies = {reply};
  EXPECT_TRUE(client.list());
  EXPECT_NEAR(static_cast<double>(client.session->skew_seconds()), 3600, 2);
}

// ---- region

TEST_P(Corrections, RegionFromTheHeader) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}), page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.session->region(), "eu-west-1");
  EXPECT_THAT(client.script.hosts,
              ElementsAre("bkt.s3.us-east-1.amazonaws.com", "bkt.s3.eu-west-1.amazonaws.com"));
  EXPECT_EQ(client.script.sent.at(1).host, "bkt.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(client.script.sent.at(1).header("host"), "bkt.s3.eu-west-1.amazonaws.com");
  EXPECT_THAT(client.script.sent.at(1).header("authorization"), HasSubstr("/eu-west-1/s3/"));
}

TEST_P(Corrections, RegionFromTheDocument) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  Reply reply = error_reply(400, "AuthorizationHeaderMalformed");
  reply.body = error_body("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>");
  client.script.replies = {reply, page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.session->region(), "eu-west-1");
}

TEST_P(Corrections, RegionFromTheBucket) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {
      error_reply(307, "TemporaryRedirect", {{"Location", "https://evil.example.com/"}}),
      error_reply(403, "", {{"x-amz-bucket-region", "eu-west-1"}}), page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.script.sent.at(1).request.method, http::Method::head);
  EXPECT_EQ(client.script.sent.at(1).request.target, "/");
  EXPECT_EQ(client.script.sent.at(1).host, "bkt.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(client.script.sent.at(2).host, "bkt.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(client.session->requests(RequestKind::probe), 1U);
}

TEST_P(Corrections, RegionOfAHeadFromTheHeaderAlone) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  Reply good;
  good.promised = 1;
  client.script.replies = {error_reply(400, "", {{"x-amz-bucket-region", "eu-west-1"}}), good};
  store::HeadRequest request;
  request.key = "k";
  EXPECT_TRUE(client.head(request));
}

TEST_P(Corrections, ARegionThatIsNoLabelIsNotFollowed) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  Reply reply = error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "a.evil.com/"}});
  reply.body = error_body("PermanentRedirect", "<Region>evil.com/?</Region>");
  client.script.replies = {reply, error_reply(301, "", {{"x-amz-bucket-region", "evil.com"}})};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::wrong_region);
  EXPECT_EQ(page.error().region, "");
  EXPECT_THAT(page.error().message, HasSubstr("--region"));
  EXPECT_THAT(client.script.hosts, ElementsAre("bkt.s3.us-east-1.amazonaws.com"));
}

TEST_P(Corrections, OneRegionIsEnough) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}),
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-2"}})};
  const auto page = client.list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::wrong_region);
  EXPECT_EQ(page.error().region, "eu-west-2");
  EXPECT_THAT(page.error().message, HasSubstr("use --region eu-west-2"));
  EXPECT_EQ(client.session->region(), "eu-west-1");
}

TEST_P(Corrections, TheBucketIsAskedForItsRegionOnceAtMost) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}),
      error_reply(301, "PermanentRedirect")};
  EXPECT_EQ(client.list().error().kind, ErrorKind::wrong_region);
  EXPECT_EQ(client.session->requests(RequestKind::probe), 0U);
}

TEST_P(Corrections, CustomEndpointKeepsItsHost) {
  ScriptedClient client(*runtime_);
  Reply reply = error_reply(400, "AuthorizationHeaderMalformed");
  reply.body = error_body("AuthorizationHeaderMalformed", "<Region>garage</Region>");
  client.script.replies = {reply, page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_THAT(client.script.hosts, ElementsAre("s3.test"));
  EXPECT_EQ(client.script.sent.at(1).header("host"), "s3.test:9000");
  EXPECT_THAT(client.script.sent.at(1).header("authorization"), HasSubstr("/garage/s3/"));
}

TEST_P(Corrections, RequestsUnderWayWhileTheRegionChanges) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  const Reply redirect =
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}});
  client.script.replies = {redirect, redirect, redirect, page_reply(), page_reply(), page_reply()};
  for (Reply& reply : client.script.replies)
    reply.delay = std::chrono::milliseconds(5);
  int good = 0;
  const async::Executor executor = runtime_->executor(async::Role::control);
  runtime_->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    const auto one = [&]() -> async::Task<void> {
      store::ListRequest request;
      const Result<ListPage> page = co_await client.store->list(std::move(request));
      EXPECT_TRUE(page) << page.error().message;
      good += page ? 1 : 0;
    };
    for (int i = 0; i < 3; ++i)
      group.spawn(executor, one());
    co_await group.join();
  });
  EXPECT_EQ(good, 3);
}

// ---- features

TEST_P(Corrections, ARefusedFeatureIsLeftOutFromThenOn) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {error_reply(501, "NotImplemented"), page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.script.sent.at(0).header("x-amz-optional-object-attributes"), "RestoreStatus");
  EXPECT_EQ(client.script.sent.at(1).header("x-amz-optional-object-attributes"), "(none)");
  EXPECT_FALSE(client.session->uses(Feature::optional_attributes));
  EXPECT_TRUE(client.session->uses(Feature::if_match)) << "was not part of the request";
}

TEST_P(Corrections, AFeatureThatWasNotTheReasonStays) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(405, "MethodNotAllowed"),
                           error_reply(405, "MethodNotAllowed")};
  StringSink sink;
  store::GetRequest request = get_request("k", 5);
  request.want_checksum = true;
  const auto head = client.get(request, sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::unsupported);
  EXPECT_TRUE(client.session->uses(Feature::checksum_mode));
  EXPECT_TRUE(client.session->uses(Feature::if_match));
}

TEST_P(Corrections, NothingToLeaveOut) {
  SessionOptions options = ScriptedClient::default_options();
  options.list_versions = ListVersions::only_2;
  ScriptedClient client(*runtime_, options);
  client.script.replies = {error_reply(501, "NotImplemented")};
  EXPECT_EQ(client.list().error().kind, ErrorKind::unsupported);
}

/// Without If-Match the ETag of the answer still decides.
TEST_P(Corrections, IfMatchLeftOut) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(501, "NotImplemented"), object_reply("hello", "other")};
  StringSink sink;
  const auto head = client.get(get_request("k", 5), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::changed);
  EXPECT_EQ(client.script.sent.at(1).header("if-match"), "(none)");
}

// ---- several at once

TEST_P(Corrections, EachOnceARequest) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {
      error_reply(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}),
      error_reply(403, "RequestTimeTooSkewed", {date(kHour)}), error_reply(400, "ExpiredToken"),
      error_reply(501, "NotImplemented"), page_reply()};
  EXPECT_TRUE(client.list());
  EXPECT_EQ(client.script.sent.size(), 5U);
}

}  // namespace
}  // namespace sluice::s3
