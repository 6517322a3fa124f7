// A request, signed by us and by a second implementation that is as plain as it can be: it writes
// down the steps of the AWS page "Signature Calculations for the Authorization Header".
//
// Lines: region, secret, token, path, then `?name=value` for the query and `name:value` for
// headers.

#include "aws/signer.hpp"
#include "property.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cctype>
#include <ctime>
#include <map>
#include <set>

namespace sluice::fuzz {
namespace {

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sha256(const std::string& text) {
  unsigned char out[32];
  EVP_Digest(text.data(), text.size(), out, nullptr, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(out), sizeof out};
}

std::string hmac(const std::string& key, const std::string& text) {
  unsigned char out[32];
  unsigned size = sizeof out;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return {reinterpret_cast<char*>(out), sizeof out};
}

std::string encoded(const std::string& text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 128 && (std::isalnum(byte) != 0 || std::string("-._~").find(c) != std::string::npos);
    if (plain || (keep_slash && c == '/')) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15];
    }
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

/// Words with one space between them.
std::string collapsed(const std::string& text) {
  std::string out;
  std::string word;
  for (const char c : text + " ") {
    const bool blank = std::string(" \t\n\v\f\r").find(c) != std::string::npos;
    if (!blank) {
      word += c;
    } else if (!word.empty()) {
      out += (out.empty() ? "" : " ") + word;
      word.clear();
    }
  }
  return out;
}

std::string amz_date(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

std::string authorization(const aws::SigningInput& input, const aws::Credentials& credentials,
                          const std::string& region, std::int64_t seconds) {
  const std::string date = amz_date(seconds);
  std::multiset<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : input.query)
    query.emplace(encoded(name, false), encoded(value, false));
  std::string query_text;
  for (const auto& [name, value] : query)
    query_text += (query_text.empty() ? "" : "&") + name + "=" + value;

  static const std::set<std::string> kUnsigned = {
      "accept-encoding",   "authorization", "connection",     "expect",
      "transfer-encoding", "user-agent",    "x-amzn-trace-id"};
  static const std::set<std::string> kReplaced = {"x-amz-content-sha256", "x-amz-date",
                                                  "x-amz-security-token"};
  std::map<std::string, std::string> headers;
  const auto add = [&headers](const std::string& name, const std::string& value) {
    const auto [at, is_new] = headers.emplace(name, value);
    if (!is_new) at->second += "," + value;
  };
  for (const auto& [name, value] : input.headers)
    if (!kUnsigned.contains(lower(name)) && !kReplaced.contains(lower(name)))
      add(lower(name), collapsed(value));
  add("x-amz-date", date);
  add("x-amz-content-sha256", collapsed(std::string(input.payload_hash)));
  if (!credentials.session_token.empty())
    add("x-amz-security-token", collapsed(credentials.session_token));
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string method = input.method == http::Method::head ? "HEAD" : "GET";
  const std::string canonical = method + "\n" + encoded(std::string(input.path), true) + "\n" +
                                query_text + "\n" + lines + "\n" + names + "\n" +
                                std::string(input.payload_hash);
  const std::string scope = date.substr(0, 8) + "/" + region + "/s3/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical));
  std::string key = "AWS4" + credentials.secret_key;
  for (const std::string& step :
       {date.substr(0, 8), region, std::string("s3"), std::string("aws4_request")})
    key = hmac(key, step);
  return "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + scope +
         ", SignedHeaders=" + names + ", Signature=" + hex(hmac(key, to_sign));
}

std::pair<std::string, std::string> split(std::string_view text, char at) {
  const std::size_t found = text.find(at);
  if (found == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, found)), std::string(text.substr(found + 1))};
}

void check(Input input) {
  const std::string region(input.line());
  aws::Credentials credentials;
  credentials.access_key = "AKID";
  credentials.secret_key = input.line();
  credentials.session_token = input.line();
  const std::string path = "/" + std::string(input.line());
  aws::SigningInput request;
  request.path = path;
  request.headers.emplace_back("Host", "example.com");
  while (!input.rest().empty()) {
    const std::string_view line = input.line();
    if (line.starts_with('?'))
      request.query.push_back(split(line.substr(1), '='));
    else if (auto header = split(line, ':'); !header.first.empty())
      request.headers.push_back(std::move(header));
  }
  request.method = path.size() % 2 == 0 ? http::Method::head : http::Method::get;
  // Two days, and the first again: keys are kept for a day.
  aws::Signer signer(region);
  for (const std::int64_t seconds : {1'700'000'000, 1'700'100'000, 1'700'000'001}) {
    const http::Request sent = signer.sign(request, credentials, seconds);
    std::string found;
    for (const auto& [name, value] : sent.headers)
      if (lower(name) == "authorization" && value.starts_with("AWS4")) found = value;
    require(found == authorization(request, credentials, region, seconds), "both signers agree");
  }
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::check(sluice::fuzz::Input(data, size));
  return 0;
}
