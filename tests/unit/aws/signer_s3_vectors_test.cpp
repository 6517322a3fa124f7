// tests/data/s3-sigv4: what botocore and a second implementation agree on, and the worked examples
// of the S3 API reference.

#include "../crypto/vector_files.hpp"
#include "signing_cases.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice::aws {
namespace {

namespace dom = simdjson::dom;
using sluice::tests::read_file;
using sluice::tests::vectors;

std::string text_of(dom::element object, std::string_view field) {
  return std::string(std::string_view(object[field]));
}

std::vector<std::pair<std::string, std::string>> pairs_of(dom::element list) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (dom::element pair : dom::array(list))
    pairs.emplace_back(std::string_view(pair.at(0)), std::string_view(pair.at(1)));
  return pairs;
}

http::Method method_of(dom::element object) {
  const std::string method = text_of(object, "method");
  if (method == "HEAD") return http::Method::head;
  if (method == "PUT") return http::Method::put;
  if (method == "GET") return http::Method::get;
  throw std::runtime_error("unexpected method " + method);
}

std::string line(std::string_view text, int number) {
  for (; number > 0; --number)
    text.remove_prefix(text.find('\n') + 1);
  return std::string(text.substr(0, text.find('\n')));
}

class SignerS3Vectors : public ::testing::Test {
 protected:
  dom::element load(const char* name) {
    text_ = read_file(vectors() / "s3-sigv4" / name);
    return parser_.parse(text_);
  }

  simdjson::padded_string text_;
  dom::parser parser_;
};

TEST_F(SignerS3Vectors, HeaderAuthentication) {
  std::size_t seen = 0;
  for (dom::element v : dom::array(load("s3-sigv4.json")["vectors"])) {
    SCOPED_TRACE(text_of(v, "id"));
    const dom::element expect = v["expect"];
    std::string path = text_of(v, "bucket_in_path") + "/";
    if (!v["key_hex"].is_null()) path += text::from_hex(text_of(v, "key_hex")).value();
    const std::string payload_hash = text_of(v, "payload_hash");
    SigningInput input;
    input.method = method_of(v);
    input.path = path;
    input.query = pairs_of(v["query"]);
    input.headers = pairs_of(v["extra_headers"]);
    input.headers.emplace_back("Host", text_of(expect, "host_header"));
    input.payload_hash = payload_hash;
    Credentials credentials;
    credentials.access_key = text_of(v, "access_key");
    credentials.secret_key = text_of(v, "secret_key");
    if (!v["session_token"].is_null()) credentials.session_token = text_of(v, "session_token");
    const std::int64_t when = tests::seconds_of(text_of(v, "amz_date"));

    Signer signer(text_of(v, "region"));
    const Signer::Trace trace = signer.trace(input, credentials, when);
    EXPECT_EQ(trace.canonical_request, text_of(expect, "canonical_request"));
    EXPECT_EQ(trace.string_to_sign, text_of(expect, "string_to_sign"));

    const http::Request request = signer.sign(input, credentials, when);
    EXPECT_EQ(tests::header(request, "authorization"), text_of(expect, "authorization"));
    EXPECT_EQ(tests::header(request, "x-amz-date"), text_of(v, "amz_date"));
    EXPECT_EQ(tests::header(request, "x-amz-content-sha256"), payload_hash);
    EXPECT_EQ(tests::header(request, "x-amz-security-token"),
              credentials.session_token.empty() ? "(absent)" : credentials.session_token);
    const std::string query = line(trace.canonical_request, 2);
    EXPECT_EQ(request.target, text_of(expect, "request_path") + (query.empty() ? "" : "?" + query));
    EXPECT_EQ(Signer::unsigned_request(input).target, request.target);
    ++seen;
  }
  EXPECT_EQ(seen, 317u);
}

TEST_F(SignerS3Vectors, WorkedExamplesOfTheApiReference) {
  std::size_t seen = 0;
  for (dom::element v : dom::array(load("aws-docs-examples.json"))) {
    SCOPED_TRACE(text_of(v, "name"));
    const std::string path =
        text::uri_decoded(text_of(v, "path"), text::Plus::literal).value();  // shown as sent
    const std::string payload_hash = text_of(v, "payload_hash");
    SigningInput input;
    input.method = method_of(v);
    input.path = path;
    input.query = pairs_of(v["query"]);
    input.headers = pairs_of(v["extra_headers"]);
    input.headers.emplace_back("Host", text_of(v, "host"));
    input.payload_hash = payload_hash;
    const std::int64_t when = tests::seconds_of(text_of(v, "amz_date"));
    Signer signer(text_of(v, "region"));
    const Credentials credentials = tests::example_credentials();
    const Signer::Trace trace = signer.trace(input, credentials, when);
    EXPECT_EQ(trace.canonical_request, text_of(v, "canonical_request"));
    EXPECT_EQ(trace.string_to_sign, text_of(v, "string_to_sign"));
    EXPECT_EQ(tests::signature(signer.sign(input, credentials, when)), text_of(v, "signature"));
    ++seen;
  }
  EXPECT_EQ(seen, 4u);
}

}  // namespace
}  // namespace sluice::aws
