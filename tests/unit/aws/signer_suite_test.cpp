// The signing suites of other SDKs, read through $SLUICE_VECTORS. Those that normalise paths or
// encode them twice show what an S3 signer must not do.

#include "../crypto/vector_files.hpp"
#include "crypto/hmac.hpp"
#include "signing_cases.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>

namespace sluice::aws {
namespace {

namespace fs = std::filesystem;
using sluice::tests::foreign_vectors;
using sluice::tests::read_file;

/// `request.txt`: a request line as a person writes it (raw UTF-8 and blanks), headers, a body.
struct RawRequest {
  http::Method method = http::Method::get;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

std::string take_line(std::string& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::vector<std::pair<std::string, std::string>> split_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    pairs.emplace_back(text::uri_decoded(pair.substr(0, equals), text::Plus::literal).value(),
                       text::uri_decoded(value, text::Plus::literal).value());
  }
  return pairs;
}

RawRequest parse(std::string text) {
  RawRequest request;
  std::string line = take_line(text);
  request.method = line.starts_with("POST") ? http::Method::post : http::Method::get;
  line.erase(0, line.find(' ') + 1);
  line.erase(line.rfind(" HTTP/1.1"));
  const std::size_t mark = std::min(line.find('?'), line.size());
  request.path = line.substr(0, mark);
  request.query = split_query(std::string_view(line).substr(std::min(mark + 1, line.size())));
  while (!(line = take_line(text)).empty()) {
    if (line.front() == ' ') {  // obsolete folding
      request.headers.back().second += "\n" + line;
      continue;
    }
    const std::size_t colon = line.find(':');
    request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  request.body = text;
  return request;
}

std::string without_trailing_newlines(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r'))
    text.pop_back();
  return text;
}

class SignerSuite : public ::testing::Test {
 protected:
  /// Whether our canonical request and signature are those of the case.
  struct Outcome {
    bool canonical_matches = false;
    bool signature_matches = false;
    std::string canonical_request;
  };

  Outcome run(const fs::path& folder) {
    const simdjson::padded_string text(read_file(folder / "context.json"));
    const simdjson::dom::element context = parser_.parse(text);
    const RawRequest raw = parse(read_file(folder / "request.txt"));
    const auto string = [&](simdjson::dom::element object, std::string_view name) {
      std::string_view value;
      if (object[name].get(value) != simdjson::SUCCESS) return std::string();
      return std::string(value);
    };
    Credentials credentials;
    credentials.access_key = string(context["credentials"], "access_key_id");
    credentials.secret_key = string(context["credentials"], "secret_access_key");
    bool omit_token = false;
    const auto ignored = context["omit_session_token"].get(omit_token);
    static_cast<void>(ignored);
    if (!omit_token) credentials.session_token = string(context["credentials"], "token");

    const std::string hash = text::hex(crypto::sha256(crypto::bytes_of(raw.body)));
    SigningInput input;
    input.method = raw.method;
    input.path = raw.path;
    input.query = raw.query;
    input.headers = raw.headers;
    if (bool(context["sign_body"])) input.payload_hash = hash;
    Signer signer(string(context, "region"), string(context, "service"));
    const std::int64_t when = tests::seconds_of(string(context, "timestamp"));

    Outcome outcome;
    outcome.canonical_request = signer.trace(input, credentials, when).canonical_request;
    outcome.canonical_matches =
        outcome.canonical_request ==
        without_trailing_newlines(read_file(folder / "header-canonical-request.txt"));
    outcome.signature_matches =
        tests::signature(signer.sign(input, credentials, when)) ==
        without_trailing_newlines(read_file(folder / "header-signature.txt"));
    return outcome;
  }

  simdjson::dom::parser parser_;
};

TEST_F(SignerSuite, AwsCAuth) {
  const auto suite = foreign_vectors("sigv4-aws-c-auth/v4");
  if (!suite) GTEST_SKIP() << "SLUICE_VECTORS has no sigv4-aws-c-auth";
  std::size_t matched = 0;
  std::size_t refused = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(*suite)) {
    const std::string name = entry.path().filename();
    SCOPED_TRACE(name);
    const Outcome outcome = run(entry.path());
    // The path of get-space has nothing to normalise: both forms are the same case.
    const bool normalised = name.ends_with("-normalized") && name != "get-space-normalized";
    EXPECT_EQ(outcome.canonical_matches, !normalised) << outcome.canonical_request;
    EXPECT_EQ(outcome.signature_matches, !normalised);
    ++(normalised ? refused : matched);
  }
  EXPECT_EQ(matched, 32u);
  EXPECT_EQ(refused, 6u);
}

TEST_F(SignerSuite, DoubleEncodingOfSmithyRsIsNotForS3) {
  const auto suite = foreign_vectors("sigv4-smithy-rs-extra");
  if (!suite) GTEST_SKIP() << "SLUICE_VECTORS has no sigv4-smithy-rs-extra";
  std::size_t seen = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(*suite)) {
    SCOPED_TRACE(entry.path().filename());
    const RawRequest raw = parse(read_file(entry.path() / "request.txt"));
    // Their request line is already encoded once.
    const std::string path = text::uri_decoded(raw.path, text::Plus::literal).value();
    SigningInput input;
    input.method = raw.method;
    input.path = path;
    input.headers = raw.headers;
    std::string expected =
        without_trailing_newlines(read_file(entry.path() / "header-canonical-request.txt"));
    Signer signer("us-east-1", "service");
    const std::int64_t when = tests::seconds_of("20210511T154045Z");
    const std::string ours =
        signer.trace(input, tests::example_credentials(), when).canonical_request;
    EXPECT_NE(ours, expected);
    // The second encoding is all that differs.
    for (std::size_t at = 0; (at = expected.find("%25", at)) != std::string::npos; ++at)
      expected.erase(at + 1, 2);
    EXPECT_EQ(ours, expected);
    ++seen;
  }
  EXPECT_EQ(seen, 2u);
}

}  // namespace
}  // namespace sluice::aws
