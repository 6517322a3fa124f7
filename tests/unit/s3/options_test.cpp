// The options of S3: keys of the customer's, the owner of a bucket, who pays.

#include "../async/both_runtimes.hpp"
#include "s3/customer_key.hpp"
#include "s3/hints.hpp"
#include "s3/requests.hpp"
#include "scripted_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRaw = "01234567890123456789012345678901";
constexpr const char* kBase64 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
constexpr const char* kMd5 = "KYvwGXoFFJ42a2u2GDWhwQ==";

CustomerKeyPtr some_key() {
  return std::make_shared<const CustomerKey>(CustomerKey::parse(kRaw, "x").value());
}

TEST(CustomerKeys, AreReadInBothForms) {
  for (const std::string& content : {kRaw, std::string(kBase64), std::string(kBase64) + "\n",
                                     " \t" + std::string(kBase64) + "\r\n"}) {
    const auto key = CustomerKey::parse(content, "x");
    ASSERT_TRUE(key) << content;
    EXPECT_EQ(key->base64(), kBase64);
    EXPECT_EQ(key->md5_base64(), kMd5);
  }
  // A key may look like anything, a line's end included.
  const auto odd = CustomerKey::parse(std::string(31, '\0') + "\n", "x");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->base64().size(), 44U);
}

TEST(CustomerKeys, AreRefusedWithoutShowingThem) {
  for (const std::string& content :
       {std::string(), std::string("\n"), kRaw + "\n", kRaw.substr(1),
        std::string(kBase64).substr(1), std::string("c2VjcmV0"), std::string(200, 's')}) {
    const auto key = CustomerKey::parse(content, "SLUICE_SSE_C_KEY");
    ASSERT_FALSE(key) << content;
    EXPECT_EQ(key.error().kind, ErrorKind::usage);
    EXPECT_EQ(key.error().message,
              "SLUICE_SSE_C_KEY holds no SSE-C key: it must be 32 bytes, or these as base64 (44 "
              "characters)");
  }
}

TEST(CustomerKeys, OfAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / ("sluice-sse-c-" + std::to_string(::getpid()));
  const auto missing = CustomerKey::read(path.string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::local);
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr(path.string()), HasSubstr("--sse-c-key-file")));
  std::ofstream(path) << kBase64 << "\n";
  const auto key = CustomerKey::read(path.string());
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->md5_base64(), kMd5);
  std::ofstream(path) << std::string(100'000, 'x');
  EXPECT_FALSE(CustomerKey::read(path.string()));
  std::filesystem::remove(path);
}

SessionOptions with_key(std::string endpoint_url) {
  SessionOptions options;
  options.bucket = "bkt";
  options.endpoint_url = std::move(endpoint_url);
  options.customer_key = some_key();
  return options;
}

TEST(CustomerKeys, NeverTravelUnencrypted) {
  for (const char* url : {"", "https://s3.test", "http://localhost:9000", "http://127.0.0.1:9000",
                          "http://[::1]:9000"}) {
    const auto session = Session::make(with_key(url), FixedCredentials::make());
    EXPECT_TRUE(session) << url << ": " << session.error().message;
  }
  for (const char* url : {"http://s3.test", "http://10.0.0.1:9000", "http://169.254.1.1"}) {
    const auto session = Session::make(with_key(url), FixedCredentials::make());
    ASSERT_FALSE(session) << url;
    EXPECT_EQ(session.error().kind, ErrorKind::usage);
    EXPECT_THAT(session.error().message, HasSubstr("use an https:// endpoint"));
  }
  // Who is on this machine as seen from here is not so as seen from a proxy.
  SessionOptions proxied = with_key("http://localhost:9000");
  proxied.http.proxies.given = {"--proxy", "http://proxy.test:3128"};
  EXPECT_FALSE(Session::make(proxied, FixedCredentials::make()));
}

std::string header_of(const Draft& draft, std::string_view name) {
  const auto found =
      std::ranges::find_if(draft.headers, [&](const auto& header) { return header.first == name; });
  return found == draft.headers.end() ? "(none)" : found->second;
}

TEST(CustomerKeys, GoWithRequestsForObjectsOnly) {
  const auto session = *Session::make(with_key("https://s3.test"), FixedCredentials::make());
  const Place place(*session);
  const std::string prefix = "x-amz-server-side-encryption-customer-";
  store::HeadRequest head;
  head.key = "k";
  for (const Draft& draft :
       {get_draft(place, get_request("k", 3)), head_draft(place, head), probe_draft(place, "k")}) {
    EXPECT_EQ(header_of(draft, prefix + "algorithm"), "AES256");
    EXPECT_EQ(header_of(draft, prefix + "key"), kBase64);
    EXPECT_EQ(header_of(draft, prefix + "key-md5"), kMd5);
  }
  for (const Draft& draft : {list_draft(place, {}), bucket_draft(place)})
    for (const auto& [name, value] : draft.headers)
      EXPECT_FALSE(name.starts_with("x-amz-server-side")) << name;
}

TEST(ExpectedOwner, GoesWithEveryRequest) {
  SessionOptions options;
  options.bucket = "bkt";
  options.expected_bucket_owner = "123456789012";
  const auto session = *Session::make(options, FixedCredentials::make());
  const Place place(*session);
  store::HeadRequest head;
  head.key = "k";
  for (const Draft& draft : {get_draft(place, get_request("k", 3)), head_draft(place, head),
                             probe_draft(place, "k"), list_draft(place, {}), bucket_draft(place)})
    EXPECT_EQ(header_of(draft, "x-amz-expected-bucket-owner"), "123456789012");
}

TEST(ExpectedOwner, IsAnAccountsId) {
  for (const char* id : {"12345678901", "1234567890123", "1234-5678-9012", "12345678901x", " "}) {
    SessionOptions options;
    options.bucket = "bkt";
    options.expected_bucket_owner = id;
    const auto session = Session::make(options, FixedCredentials::make());
    ASSERT_FALSE(session) << id;
    EXPECT_THAT(session.error().message, HasSubstr("12 digits"));
  }
}

TEST(Hints, NameTheOptionThatMayBeTheReason) {
  SessionOptions plain;
  SessionOptions keyed;
  keyed.customer_key = some_key();
  SessionOptions owned;
  owned.expected_bucket_owner = "123456789012";
  struct Row {
    const SessionOptions& options;
    Operation operation;
    int status;
    const char* code;
    const char* words;  ///< empty: no hint
  };
  const Row rows[] = {
      {plain, Operation::get, 403, "AccessDenied", ""},
      {plain, Operation::get, 400, "InvalidRequest", "give that key with --sse-c-key-file"},
      {plain, Operation::list, 400, "InvalidRequest", ""},
      {keyed, Operation::get, 400, "InvalidRequest", "exclude them"},
      {keyed, Operation::get, 403, "AccessDenied", "another key than that of --sse-c-key-file"},
      {keyed, Operation::get, 403, "KMS.DisabledException", ""},
      {keyed, Operation::list, 403, "AccessDenied", ""},
      {keyed, Operation::get, 407, "", ""},
      {owned, Operation::list, 403, "AccessDenied", "to the account 123456789012"},
      {owned, Operation::head, 403, "", "--expected-bucket-owner"},
  };
  for (const Row& row : rows) {
    Failure failure;
    failure.operation = row.operation;
    failure.status = row.status;
    failure.kind = ErrorKind::denied;
    failure.document.code = row.code;
    const std::string text = hint(row.options, failure);
    EXPECT_THAT(text, HasSubstr(row.words)) << row.status << row.code;
    EXPECT_EQ(text.empty(), std::string_view(row.words).empty()) << text;
    EXPECT_THAT(text, Not(HasSubstr(kBase64)));
    failure.kind = ErrorKind::transient;
    EXPECT_EQ(hint(row.options, failure), "");
  }
}

class Options : public async::BothRuntimes {
 protected:
  std::unique_ptr<async::Runtime> runtime_ = make_runtime();
};
SLUICE_ON_BOTH_RUNTIMES(Options);

TEST_P(Options, AnEtagUnderACustomersKeyIsNoMd5) {
  ScriptedClient client(*runtime_, with_key("https://s3.test"));
  // Not every server says in its answer what encryption it is.
  client.script.replies = {object_reply("abc")};
  StringSink sink;
  const auto got = client.get(get_request("k", 3), sink);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(sink.seen.opaque_etag) << "as the sink learns it";
  EXPECT_TRUE(got->opaque_etag);

  const auto another = make_runtime();
  ScriptedClient asking(*another, with_key("https://s3.test"));
  store::HeadRequest request;
  request.key = "k";
  Reply reply = object_reply("");
  reply.promised = 3;
  reply.body.clear();
  asking.script.replies = {reply};
  const auto head = asking.head(request);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_TRUE(head->opaque_etag);
}

TEST_P(Options, AServerThatRepeatsTheKeyIsNotQuoted) {
  ScriptedClient client(*runtime_, with_key("https://s3.test"));
  Reply reply = error_reply(400, "Odd");
  reply.body =
      "<Error><Code>Odd</Code><Message>you sent " + std::string(kBase64) + "</Message></Error>";
  client.script.replies = {reply};
  StringSink sink;
  const auto got = client.get(get_request("k", 3), sink);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, AllOf(HasSubstr("withheld"), Not(HasSubstr(kBase64))));
}

TEST_P(Options, ARefusalNamesTheOption) {
  ScriptedClient client(*runtime_, with_key("https://s3.test"));
  client.script.replies = {error_reply(403, "AccessDenied")};
  StringSink sink;
  const auto got = client.get(get_request("k", 3), sink);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::denied);
  EXPECT_THAT(got.error().message, HasSubstr("--sse-c-key-file"));
}

}  // namespace
}  // namespace sluice::s3
