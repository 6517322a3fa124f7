#include "origin/sigv4.hpp"

#include "client.hpp"
#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>

namespace sluice::origin {
namespace {

struct Vector {
  std::string id;
  Request request;
  Credential credential;
  std::int64_t now_ms = 0;
  std::string region;
  std::string canonical_request;
  std::string string_to_sign;
};

std::string text(simdjson::dom::element json) {
  std::string_view value;
  return json.get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

Vector read_vector(simdjson::dom::element json) {
  Vector v;
  v.id = text(json["id"]);
  v.region = text(json["region"]);
  v.credential.access_key = text(json["access_key"]);
  v.credential.secret_key = text(json["secret_key"]);
  v.credential.session_token = text(json["session_token"]);
  v.now_ms = parse_amz_date_s(text(json["amz_date"])).value() * 1000;
  const auto expect = json["expect"];
  v.canonical_request = text(expect["canonical_request"]);
  v.string_to_sign = text(expect["string_to_sign"]);
  v.request.method = text(json["method"]);
  v.request.target = text(expect["request_path"]);
  char mark = '?';
  for (const simdjson::dom::element pair : json["query"]) {
    // In the order given, not sorted: sorting is the verifier's work.
    v.request.target += mark + uri_encode(text(pair.at(0)), Slash::encode) + '=' +
                        uri_encode(text(pair.at(1)), Slash::encode);
    mark = '&';
  }
  Headers& headers = v.request.headers;
  headers.push_back({"Host", text(expect["host_header"])});
  headers.push_back({"X-Amz-Date", text(json["amz_date"])});
  headers.push_back({"x-amz-content-sha256", text(json["payload_hash"])});
  for (const simdjson::dom::element pair : json["extra_headers"]) {
    headers.push_back({text(pair.at(0)), text(pair.at(1))});
  }
  if (!v.credential.session_token.empty()) {
    headers.push_back({"x-amz-security-token", v.credential.session_token});
  }
  headers.push_back({"Authorization", text(expect["authorization"])});
  return v;
}

std::vector<Vector> read_vectors() {
  const char* const data = std::getenv("SLUICE_TEST_DATA");
  if (data == nullptr) return {};
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.load(std::string(data) + "/s3-sigv4/s3-sigv4.json").get(root) != simdjson::SUCCESS) {
    return {};
  }
  std::vector<Vector> out;
  for (const simdjson::dom::element json : root["vectors"])
    out.push_back(read_vector(json));
  return out;
}

Verification verify(const Vector& v, const Request& request) {
  VerifyOptions options;
  options.now_ms = v.now_ms;
  return verify_sigv4(request, std::span(&v.credential, 1), options);
}

char other_hex_digit(char c) {
  return c == '0' ? '1' : '0';
}

TEST(Sigv4, AcceptsEveryVector) {
  const auto vectors = read_vectors();
  ASSERT_EQ(vectors.size(), 317u);
  for (const Vector& v : vectors) {
    const Verification result = verify(v, v.request);
    EXPECT_EQ(result.failure, AuthFailure::none) << v.id << ": " << result.detail;
    EXPECT_EQ(result.canonical_request, v.canonical_request) << v.id;
    EXPECT_EQ(result.string_to_sign, v.string_to_sign) << v.id;
    EXPECT_EQ(result.region, v.region) << v.id;
  }
}

TEST(Sigv4, RefusesEveryVectorWithOneByteChanged) {
  for (const Vector& v : read_vectors()) {
    const auto expect_refused = [&v](const Request& request, const char* what) {
      EXPECT_NE(verify(v, request).failure, AuthFailure::none) << v.id << ": " << what;
    };
    Request request = v.request;
    std::string& authorization = request.headers.back().value;
    authorization.back() = other_hex_digit(authorization.back());
    expect_refused(request, "signature");

    request = v.request;
    request.target.insert(request.raw_path().size(), "x");
    expect_refused(request, "path");

    request = v.request;
    request.target += v.request.raw_query().empty() ? "?x=" : "x";
    expect_refused(request, "query");

    request = v.request;
    request.method = v.request.method == "GET" ? "HEAD" : "GET";
    expect_refused(request, "method");

    for (std::size_t i = 0; i + 1 < v.request.headers.size(); ++i) {
      request = v.request;
      request.headers[i].value.push_back('1');
      expect_refused(request, request.headers[i].name.c_str());
    }
  }
}

TEST(Sigv4, AVectorSurvivesNoChangeOfAnyByteOfItsTarget) {
  const auto vectors = read_vectors();
  for (std::size_t i = 0; i < vectors.size(); i += 10) {
    const Vector& v = vectors[i];
    for (std::size_t at = 0; at < v.request.target.size(); ++at) {
      Request request = v.request;
      request.target[at] = request.target[at] == 'z' ? 'y' : 'z';
      EXPECT_NE(verify(v, request).failure, AuthFailure::none) << v.id << " at " << at;
    }
  }
}

class Sigv4Failure : public testing::Test {
 protected:
  Request request = test::sign("GET", "/b/a%20b?x=1&list-type=2", {}, "h:1");
  std::vector<Credential> credentials{test::test_credential()};
  VerifyOptions options{.now_ms = now_ms()};

  AuthFailure failure() { return verify_sigv4(request, credentials, options).failure; }
  std::string& header(std::string_view name) {
    for (Header& h : request.headers) {
      if (equal_ignoring_case(h.name, name)) return h.value;
    }
    throw std::runtime_error("no such header");
  }
};

TEST_F(Sigv4Failure, Baseline) {
  EXPECT_EQ(failure(), AuthFailure::none);
}

TEST_F(Sigv4Failure, Anonymous) {
  remove_header(request.headers, "Authorization");
  EXPECT_EQ(failure(), AuthFailure::anonymous);
}

TEST_F(Sigv4Failure, Malformed) {
  for (const char* const value :
       {"", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a", "Basic abc",
        "AWS4-HMAC-SHA256 Credential=a/20200101/r/sqs/aws4_request, SignedHeaders=host, "
        "Signature=00"}) {
    header("Authorization") = value;
    EXPECT_EQ(failure(), AuthFailure::malformed) << value;
  }
}

TEST_F(Sigv4Failure, Clock) {
  options.now_ms += 14 * 60 * 1000;
  EXPECT_EQ(failure(), AuthFailure::none);
  options.now_ms += 2 * 60 * 1000;
  EXPECT_EQ(failure(), AuthFailure::skewed_clock);
  options.now_ms -= 32 * 60 * 1000;
  EXPECT_EQ(failure(), AuthFailure::skewed_clock);
}

TEST_F(Sigv4Failure, AccessKey) {
  credentials[0].access_key = "OTHER";
  EXPECT_EQ(failure(), AuthFailure::unknown_access_key);
}

TEST_F(Sigv4Failure, Secret) {
  credentials[0].secret_key += 'x';
  EXPECT_EQ(failure(), AuthFailure::signature_mismatch);
}

TEST_F(Sigv4Failure, Token) {
  credentials[0].session_token = "t";
  EXPECT_EQ(failure(), AuthFailure::invalid_token);
  test::SignOptions sign_options;
  sign_options.credential = credentials[0];
  request = test::sign("GET", "/b/a", {}, "h:1", sign_options);
  EXPECT_EQ(failure(), AuthFailure::none);
  credentials[0].expires_ms = options.now_ms;
  EXPECT_EQ(failure(), AuthFailure::expired_token);
  credentials[0].expires_ms = options.now_ms + 1;
  EXPECT_EQ(failure(), AuthFailure::none);
}

TEST_F(Sigv4Failure, Region) {
  options.region = "eu-west-1";
  EXPECT_EQ(failure(), AuthFailure::wrong_region);
  options.region = "us-east-1";
  EXPECT_EQ(failure(), AuthFailure::none);
}

TEST_F(Sigv4Failure, UnsignedAmzHeader) {
  request.headers.push_back({"X-Amz-Checksum-Mode", "ENABLED"});
  EXPECT_EQ(failure(), AuthFailure::unsigned_header);
}

TEST_F(Sigv4Failure, UnsignedPlainHeaderIsFine) {
  request.headers.push_back({"User-Agent", "x"});
  EXPECT_EQ(failure(), AuthFailure::none);
}

TEST_F(Sigv4Failure, ContentHash) {
  remove_header(request.headers, "x-amz-content-sha256");
  EXPECT_EQ(failure(), AuthFailure::no_content_sha256);
}

// Signed by themselves, but AWS would canonicalise them to other bytes.
TEST_F(Sigv4Failure, NotEncodedAsAwsWould) {
  for (const char* const target : {"/b/a b", "/b/a+b", "/b/%61", "/b/%2f", "/b/a%2fb", "/b/a%zz",
                                   "/b/a!", "/b/a?x=a/b", "/b/a?x=a+b", "/b/a?x=%7E"}) {
    request = test::sign("GET", target, {}, "h:1");
    EXPECT_EQ(failure(), AuthFailure::target_not_canonical) << target;
  }
}

TEST_F(Sigv4Failure, DotsAndDoubleSlashesAreKept) {
  for (const char* const target : {"/b/a/../x", "/b//x", "/b/./x", "/b/x/"}) {
    request = test::sign("GET", target, {}, "h:1");
    EXPECT_EQ(failure(), AuthFailure::none) << target;
  }
}

}  // namespace
}  // namespace sluice::origin
