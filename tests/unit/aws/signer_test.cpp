#include "aws/signer.hpp"

#include "signing_cases.hpp"

#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

constexpr std::int64_t kMidnight = 1704067200;  // 2024-01-01T00:00:00Z

SigningInput get(std::string_view path) {
  SigningInput input;
  input.path = path;
  input.headers.emplace_back("Host", "bucket.s3.eu-central-1.amazonaws.com");
  return input;
}

std::string signed_headers(const http::Request& request) {
  const std::string authorization = tests::header(request, "authorization");
  const std::size_t from = authorization.find("SignedHeaders=") + 14;
  return authorization.substr(from, authorization.find(',', from) - from);
}

/// What a signer without any cache answers.
std::string fresh_authorization(const SigningInput& input, const Credentials& credentials,
                                std::int64_t when, const std::string& region) {
  Signer signer(region);
  return tests::header(signer.sign(input, credentials, when), "authorization");
}

TEST(Signer, CachedKeyFollowsDateSecretAndRegion) {
  const SigningInput input = get("/key");
  Credentials credentials = tests::example_credentials();
  Signer signer("eu-central-1");
  const auto check = [&](std::int64_t when, const std::string& region) {
    EXPECT_EQ(tests::header(signer.sign(input, credentials, when), "authorization"),
              fresh_authorization(input, credentials, when, region));
  };
  check(kMidnight - 1, "eu-central-1");
  check(kMidnight - 1, "eu-central-1");
  check(kMidnight, "eu-central-1");
  check(kMidnight - 1, "eu-central-1");  // a clock that was set back
  credentials.secret_key = "another secret of the same access key";
  check(kMidnight - 1, "eu-central-1");
  credentials.access_key = "AKIDOTHER";
  check(kMidnight - 1, "eu-central-1");
  signer.set_region("us-west-2");
  EXPECT_EQ(signer.region(), "us-west-2");
  check(kMidnight - 1, "us-west-2");
}

TEST(Signer, DateAndScopeAreOfOneInstant) {
  Signer signer("eu-central-1");
  const http::Request before = signer.sign(get("/"), tests::example_credentials(), kMidnight - 1);
  EXPECT_EQ(tests::header(before, "x-amz-date"), "20231231T235959Z");
  EXPECT_NE(tests::header(before, "authorization").find("/20231231/eu-central-1/s3/aws4_request"),
            std::string::npos);
  const http::Request after = signer.sign(get("/"), tests::example_credentials(), kMidnight);
  EXPECT_EQ(tests::header(after, "x-amz-date"), "20240101T000000Z");
  EXPECT_NE(tests::header(after, "authorization").find("/20240101/eu-central-1/s3/aws4_request"),
            std::string::npos);
}

TEST(Signer, SignsWhatIsGivenExceptWhatProxiesChange) {
  SigningInput input = get("/key");
  for (const char* name : {"Range", "If-Match", "x-amz-checksum-mode", "X-Custom"})
    input.headers.emplace_back(name, "v");
  for (const char* name : {"User-Agent", "Accept-Encoding", "Connection", "Expect",
                           "Transfer-Encoding", "X-Amzn-Trace-Id"})
    input.headers.emplace_back(name, "v");
  Signer signer("eu-central-1");
  const http::Request request = signer.sign(input, tests::example_credentials(), kMidnight);
  EXPECT_EQ(signed_headers(request),
            "host;if-match;range;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;x-custom");
  for (const auto& [name, value] : input.headers)
    EXPECT_EQ(tests::header(request, name), value) << "sent all the same";
}

TEST(Signer, OwnHeadersReplaceGivenOnes) {
  SigningInput input = get("/key");
  for (const char* name :
       {"X-Amz-Date", "x-amz-content-sha256", "X-Amz-Security-Token", "Authorization"})
    input.headers.emplace_back(name, "stale");
  Credentials credentials = tests::example_credentials();
  credentials.session_token = "token";
  Signer signer("eu-central-1");
  const http::Request request = signer.sign(input, credentials, kMidnight);
  EXPECT_EQ(tests::header(request, "x-amz-date"), "20240101T000000Z");
  EXPECT_EQ(tests::header(request, "x-amz-content-sha256"), kEmptyPayloadHash);
  EXPECT_EQ(tests::header(request, "x-amz-security-token"), "token");
  EXPECT_TRUE(tests::header(request, "authorization").starts_with("AWS4-HMAC-SHA256 "));
}

TEST(Signer, HeaderValuesAreTrimmedAndCollapsedForSigningOnly) {
  SigningInput input = get("/key");
  input.headers.emplace_back("X-A", "  a \t b   c\t");
  input.headers.emplace_back("X-B", "   ");
  input.headers.emplace_back("x-a", "second");
  Signer signer("eu-central-1");
  const auto trace = signer.trace(input, tests::example_credentials(), kMidnight);
  EXPECT_NE(trace.canonical_request.find("\nx-a:a b c,second\nx-amz-"), std::string::npos)
      << trace.canonical_request;
  EXPECT_NE(trace.canonical_request.find("\nx-b:\n\nhost;x-a;"), std::string::npos)
      << trace.canonical_request;
  const http::Request request = signer.sign(input, tests::example_credentials(), kMidnight);
  EXPECT_EQ(request.headers[1].second, "  a \t b   c\t");
}

TEST(Signer, LineBreaksAndNulInAValueAddNoLine) {
  SigningInput input = get("/key");
  input.headers.emplace_back("If-Match", std::string("a\r\nx-amz-evil: 1\nb\0c", 20));
  Signer signer("eu-central-1");
  const auto trace = signer.trace(input, tests::example_credentials(), kMidnight);
  EXPECT_EQ(trace.canonical_request.find("\nx-amz-evil"), std::string::npos);
  EXPECT_NE(trace.canonical_request.find(std::string("\nif-match:a x-amz-evil: 1 b\0c\n", 30)),
            std::string::npos);
}

TEST(Signer, PathIsEncodedOnceAndNeverNormalised) {
  const auto target = [](std::string_view path) {
    return Signer::unsigned_request(get(path)).target;
  };
  EXPECT_EQ(target("/a/../b//./c/"), "/a/../b//./c/");
  EXPECT_EQ(target("/a%2Fb c+d?e#f"), "/a%252Fb%20c%2Bd%3Fe%23f");
  EXPECT_EQ(target(std::string_view("/\0\xff\x7f~", 5)), "/%00%FF%7F~");
}

TEST(Signer, QueryIsSortedByEncodedNameThenValue) {
  SigningInput input = get("/");
  input.query = {{"prefix", "b/ +"}, {"list-type", "2"}, {"a", "2"},       {"a", "10"},
                 {"a!", "x"},        {"A", ""},          {"\xc3\xa4", "="}};
  EXPECT_EQ(Signer::unsigned_request(input).target,
            "/?%C3%A4=%3D&A=&a=10&a=2&a%21=x&list-type=2&prefix=b%2F%20%2B");
}

TEST(Signer, UnsignedRequestCarriesNoIdentity) {
  SigningInput input = get("/key");
  input.method = http::Method::head;
  input.headers.emplace_back("Range", "bytes=0-0");
  const http::Request request = Signer::unsigned_request(input);
  EXPECT_EQ(request.method, http::Method::head);
  EXPECT_EQ(request.headers, input.headers);
}

TEST(Signer, OtherServicesSignThePayloadHashOnlyWithAPayload) {
  SigningInput input = get("/");
  Signer signer("eu-central-1", "sts");
  EXPECT_EQ(tests::header(signer.sign(input, tests::example_credentials(), kMidnight),
                          "x-amz-content-sha256"),
            "(absent)");
  input.payload_hash = "UNSIGNED-PAYLOAD";
  EXPECT_EQ(tests::header(signer.sign(input, tests::example_credentials(), kMidnight),
                          "x-amz-content-sha256"),
            "UNSIGNED-PAYLOAD");
}

TEST(Signer, TheSecretIsInNothingThatIsSent) {
  Signer signer("eu-central-1");
  const Credentials credentials = tests::example_credentials();
  const http::Request request = signer.sign(get("/key"), credentials, kMidnight);
  EXPECT_EQ(request.target.find(credentials.secret_key), std::string::npos);
  for (const auto& [name, value] : request.headers)
    EXPECT_EQ(value.find(credentials.secret_key), std::string::npos) << name;
}

}  // namespace
}  // namespace sluice::aws
