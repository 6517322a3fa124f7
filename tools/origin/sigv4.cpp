#include "origin/sigv4.hpp"

#include "origin/dates.hpp"
#include "origin/digest.hpp"
#include "origin/encoding.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace sluice::origin {
namespace {

constexpr std::int64_t kMaxSkewMs = 15 * 60 * 1000;
constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

struct Authorization {
  std::string access_key;
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  std::string scope;  // date/region/service/aws4_request
  std::vector<std::string_view> signed_headers;
  std::string signed_headers_text;
  std::string signature;
};

bool is_signature(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// `text` must outlive the answer.
std::optional<Authorization> parse_authorization(std::string_view text, std::string_view service) {
  if (text.substr(0, kAlgorithm.size() + 1) != std::string(kAlgorithm) + ' ') return std::nullopt;
  text.remove_prefix(kAlgorithm.size() + 1);
  std::string_view credential;
  std::string_view headers;
  std::string_view signature;
  for (const std::string_view field : split(text, ',')) {
    const std::string_view item = trim(field);
    const std::size_t equal = item.find('=');
    if (equal == std::string_view::npos) return std::nullopt;
    const std::string_view name = item.substr(0, equal);
    const std::string_view value = item.substr(equal + 1);
    if (name == "Credential") {
      credential = value;
    } else if (name == "SignedHeaders") {
      headers = value;
    } else if (name == "Signature") {
      signature = value;
    } else {
      return std::nullopt;
    }
  }
  // The access key itself holds no slash.
  const auto scope = split(credential, '/');
  if (scope.size() != 5 || scope[0].empty() || scope[1].size() != 8 || scope[2].empty() ||
      scope[3] != service || scope[4] != "aws4_request" || !is_signature(signature)) {
    return std::nullopt;
  }
  Authorization out;
  out.access_key = scope[0];
  out.date = scope[1];
  out.region = scope[2];
  out.service = scope[3];
  out.scope = credential.substr(scope[0].size() + 1);
  out.signed_headers = split(headers, ';');
  out.signed_headers_text = headers;
  out.signature = signature;
  return out;
}

bool encoded_once(std::string_view text, Slash slash) {
  const auto plain = uri_decode(text);
  return plain && uri_encode(*plain, slash) == text;
}

// The canonical query, or nothing if a name or value is not encoded as AWS would encode it.
std::optional<std::string> canonical_query(std::string_view raw) {
  if (raw.empty()) return std::string();
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string_view item : split(raw, '&')) {
    const std::size_t equal = item.find('=');
    const std::string_view name = item.substr(0, equal);
    const std::string_view value =
        equal == std::string_view::npos ? std::string_view() : item.substr(equal + 1);
    if (!encoded_once(name, Slash::encode) || !encoded_once(value, Slash::encode)) {
      return std::nullopt;
    }
    pairs.emplace_back(name, value);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

// Trimmed, and inner runs of spaces made one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && !out.empty() && out.back() == ' ') continue;
    out += c;
  }
  return out;
}

std::string canonical_headers(const Request& request, const Authorization& authorization) {
  std::string out;
  for (const std::string_view name : authorization.signed_headers) {
    out.append(name).append(":");
    bool first = true;
    for (const Header& header : request.headers) {
      if (to_lower(header.name) != name) continue;
      if (!first) out += ',';
      first = false;
      out += canonical_value(header.value);
    }
    out += '\n';
  }
  return out;
}

// The name of a header that must be signed and is not, else an empty text.
std::string missing_signed_header(const Request& request, const Authorization& authorization) {
  const auto& names = authorization.signed_headers;
  const auto is_signed = [&names](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!is_signed("host")) return "host";
  for (const Header& header : request.headers) {
    const std::string name = to_lower(header.name);
    if (name.starts_with("x-amz-") && !is_signed(name)) return name;
  }
  return {};
}

std::string signature_of(const Credential& credential, const Authorization& authorization,
                         std::string_view string_to_sign) {
  std::string key = hmac_sha256("AWS4" + credential.secret_key, authorization.date);
  key = hmac_sha256(key, authorization.region);
  key = hmac_sha256(key, authorization.service);
  key = hmac_sha256(key, "aws4_request");
  return hex_lower(hmac_sha256(key, string_to_sign));
}

struct Failure {
  AuthFailure kind = AuthFailure::none;
  std::string detail = {};
};

Failure check_credential(const Request& request, const std::optional<Credential>& credential,
                         const VerifyOptions& options) {
  if (!credential) return {AuthFailure::unknown_access_key, "access key not known"};
  const std::string* const token = find_header(request.headers, "x-amz-security-token");
  if (credential->session_token != (token != nullptr ? *token : std::string())) {
    return {AuthFailure::invalid_token, "session token differs"};
  }
  if (credential->expires_ms && options.now_ms >= *credential->expires_ms) {
    return {AuthFailure::expired_token, "credential expired"};
  }
  return {};
}

// The signing instant against the scope and the clock.
Failure check_date(const std::string& date, const Authorization& authorization,
                   const VerifyOptions& options) {
  const auto signed_s = parse_amz_date_s(date);
  if (!signed_s || date.substr(0, 8) != authorization.date) {
    return {AuthFailure::malformed, "x-amz-date missing, unreadable or not of the scope's day"};
  }
  const std::int64_t skew_ms = *signed_s * 1000 - options.now_ms;
  if (skew_ms > kMaxSkewMs || skew_ms < -kMaxSkewMs) {
    return {AuthFailure::skewed_clock, "clock differs by " + std::to_string(skew_ms) + " ms"};
  }
  return {};
}

// Fills in the two texts that were signed.
Failure canonicalise(const Request& request, const Authorization& authorization,
                     const std::string& date, Verification& out) {
  const std::string* const payload = find_header(request.headers, "x-amz-content-sha256");
  const bool s3 = authorization.service == "s3";
  if (s3 && payload == nullptr)
    return {AuthFailure::no_content_sha256, "x-amz-content-sha256 missing"};
  const auto& names = authorization.signed_headers;
  if (!std::is_sorted(names.begin(), names.end()) ||
      std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return {AuthFailure::malformed, "SignedHeaders not sorted or not unique"};
  }
  const std::string missing = missing_signed_header(request, authorization);
  if (!missing.empty()) return {AuthFailure::unsigned_header, missing + " is not signed"};
  const auto query = canonical_query(request.raw_query());
  if (!query) return {AuthFailure::target_not_canonical, "query not encoded as signed"};
  if (!encoded_once(request.raw_path(), Slash::keep)) {
    return {AuthFailure::target_not_canonical, "path not encoded as signed"};
  }
  out.canonical_request = request.method + '\n' + std::string(request.raw_path()) + '\n' + *query +
                          '\n' + canonical_headers(request, authorization) + '\n' +
                          authorization.signed_headers_text + '\n' +
                          (s3 ? *payload : hex_lower(sha256(request.body)));
  out.string_to_sign = std::string(kAlgorithm) + '\n' + date + '\n' + authorization.scope + '\n' +
                       hex_lower(sha256(out.canonical_request));
  return {};
}

}  // namespace

std::string_view name_of(AuthFailure failure) {
  constexpr std::string_view names[] = {"none",
                                        "anonymous",
                                        "malformed",
                                        "unknown_access_key",
                                        "invalid_token",
                                        "expired_token",
                                        "wrong_region",
                                        "skewed_clock",
                                        "unsigned_header",
                                        "no_content_sha256",
                                        "target_not_canonical",
                                        "signature_mismatch"};
  return names[static_cast<std::size_t>(failure)];
}

std::optional<Credential> find_credential(std::span<const Credential> credentials,
                                          std::string_view access_key) {
  const auto found =
      std::find_if(credentials.begin(), credentials.end(),
                   [access_key](const Credential& c) { return c.access_key == access_key; });
  if (found == credentials.end()) return std::nullopt;
  return *found;
}

Verification verify_sigv4(const Request& request, std::span<const Credential> credentials,
                          const VerifyOptions& options) {
  const FindCredential find = [credentials](std::string_view access_key) {
    return find_credential(credentials, access_key);
  };
  return verify_sigv4(request, find, options);
}

Verification verify_sigv4(const Request& request, const FindCredential& find,
                          const VerifyOptions& options) {
  Verification out;
  const auto refuse = [&out](Failure failure) {
    out.failure = failure.kind;
    out.detail = std::move(failure.detail);
    return failure.kind != AuthFailure::none;
  };
  const std::string* const header = find_header(request.headers, "Authorization");
  if (header == nullptr) {
    refuse({AuthFailure::anonymous, "no Authorization header"});
    return out;
  }
  const auto authorization = parse_authorization(*header, options.service);
  if (!authorization) {
    refuse({AuthFailure::malformed, "Authorization header not understood"});
    return out;
  }
  out.access_key = authorization->access_key;
  out.region = authorization->region;

  const std::string* const date_header = find_header(request.headers, "x-amz-date");
  const std::string date = date_header != nullptr ? *date_header : std::string();
  const std::optional<Credential> known = find(out.access_key);
  if (refuse(check_date(date, *authorization, options))) return out;
  if (refuse(check_credential(request, known, options))) return out;
  if (refuse(canonicalise(request, *authorization, date, out))) return out;

  const std::string expected = signature_of(*known, *authorization, out.string_to_sign);
  if (CRYPTO_memcmp(expected.data(), authorization->signature.data(), expected.size()) != 0) {
    refuse({AuthFailure::signature_mismatch, "signature differs"});
    return out;
  }
  // Last, so that only a client which signs properly is told where the bucket is.
  if (!options.region.empty() && authorization->region != options.region) {
    refuse({AuthFailure::wrong_region, "signed for region " + authorization->region});
  }
  return out;
}

}  // namespace sluice::origin
