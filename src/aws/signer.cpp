#include "aws/signer.hpp"

#include "aws/canonical.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "crypto/hmac.hpp"

#include <limits>
#include <optional>

namespace sluice::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateDigits = 8;  // YYYYMMDD at the front of X-Amz-Date

std::string scope_of(std::string_view date, std::string_view region, std::string_view service) {
  std::string scope(date);
  scope += '/';
  scope += region;
  scope += '/';
  scope += service;
  scope += "/aws4_request";
  return scope;
}

crypto::HmacKey derive_key(std::string_view secret, std::string_view date, std::string_view region,
                           std::string_view service) {
  using crypto::bytes_of;
  using crypto::hmac_sha256;
  std::string start = "AWS4";
  start += secret;
  const crypto::Sha256 of_date = hmac_sha256(bytes_of(start), bytes_of(date));
  const crypto::Sha256 of_region = hmac_sha256(of_date, bytes_of(region));
  const crypto::Sha256 of_service = hmac_sha256(of_region, bytes_of(service));
  return crypto::HmacKey(hmac_sha256(of_service, bytes_of("aws4_request")));
}

/// Valid for one secret and one day: four HMACs and two key blocks saved in every other signature.
struct SigningKey {
  std::string secret;
  std::string date;
  std::string scope;
  crypto::HmacKey key;
};

/// Method, target and given headers; X-Amz-* of the signer are not among them.
http::Request base_request(const SigningInput& input, std::string_view encoded_path,
                           std::string_view query) {
  constexpr std::size_t kHeadersAdded = 4;
  http::Request request;
  request.method = input.method;
  request.target = detail::target_of(encoded_path, query);
  request.headers.reserve(input.headers.size() + kHeadersAdded);
  for (const auto& header : input.headers)
    if (!detail::is_written_by_signer(header.first)) request.headers.push_back(header);
  return request;
}

}  // namespace

struct Signer::Impl {
  std::string region;
  std::string service;
  std::optional<SigningKey> signing_key;
  std::int64_t date_seconds = std::numeric_limits<std::int64_t>::min();
  std::string amz_date;  ///< of date_seconds: many signatures fall into one second
  detail::Canonical canonical;
  std::string string_to_sign;

  const SigningKey& key_for(const std::string& secret, std::string_view date) {
    if (!signing_key || signing_key->date != date || signing_key->secret != secret)
      signing_key.emplace(SigningKey{secret, std::string(date), scope_of(date, region, service),
                                     derive_key(secret, date, region, service)});
    return *signing_key;
  }

  const std::string& date_text(std::int64_t unix_seconds) {
    if (date_seconds != unix_seconds) {
      amz_date = dates::format_amz(unix_seconds);
      date_seconds = unix_seconds;
    }
    return amz_date;
  }

  /// The request with all headers but Authorization; `out` gets its canonical form.
  http::Request prepare(detail::Canonical& out, const SigningInput& input,
                        const Credentials& credentials, const std::string& date) const {
    const std::string path = detail::encoded_path(input.path);
    detail::write_query(out.query, input.query);
    http::Request request = base_request(input, path, out.query);
    request.headers.emplace_back("X-Amz-Date", date);
    // S3 insists on it, other services need it only when there is a payload.
    if (service == "s3" || input.payload_hash != kEmptyPayloadHash)
      request.headers.emplace_back("x-amz-content-sha256", input.payload_hash);
    if (!credentials.session_token.empty())
      request.headers.emplace_back("x-amz-security-token", credentials.session_token);
    detail::write_canonical(out, request, path, input.payload_hash);
    return request;
  }

  static void write_string_to_sign(std::string& out, std::string_view date, std::string_view scope,
                                   std::string_view canonical_request) {
    out = kAlgorithm;
    out += '\n';
    out += date;
    out += '\n';
    out += scope;
    out += '\n';
    out += text::hex(crypto::sha256(crypto::bytes_of(canonical_request)));
  }
};

Signer::Signer(std::string region, std::string service) : impl_(std::make_unique<Impl>()) {
  impl_->region = std::move(region);
  impl_->service = std::move(service);
}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

const std::string& Signer::region() const noexcept {
  return impl_->region;
}

void Signer::set_region(std::string region) {
  impl_->region = std::move(region);
  impl_->signing_key.reset();
}

http::Request Signer::sign(const SigningInput& input, const Credentials& credentials,
                           std::int64_t unix_seconds) {
  Impl& s = *impl_;
  const std::string& date = s.date_text(unix_seconds);
  http::Request request = s.prepare(s.canonical, input, credentials, date);

  const SigningKey& key =
      s.key_for(credentials.secret_key, std::string_view(date).substr(0, kDateDigits));
  Impl::write_string_to_sign(s.string_to_sign, date, key.scope, s.canonical.text);
  const crypto::Sha256 signature = key.key.sign(crypto::bytes_of(s.string_to_sign));

  std::string authorization;
  authorization.reserve(kAlgorithm.size() + credentials.access_key.size() + key.scope.size() +
                        s.canonical.signed_headers.size() + 2 * signature.size() + 48);
  authorization = kAlgorithm;
  authorization += " Credential=";
  authorization += credentials.access_key;
  authorization += '/';
  authorization += key.scope;
  authorization += ", SignedHeaders=";
  authorization += s.canonical.signed_headers;
  authorization += ", Signature=";
  authorization += text::hex(signature);
  request.headers.emplace_back("Authorization", std::move(authorization));
  return request;
}

http::Request Signer::unsigned_request(const SigningInput& input) {
  std::string query;
  detail::write_query(query, input.query);
  return base_request(input, detail::encoded_path(input.path), query);
}

Signer::Trace Signer::trace(const SigningInput& input, const Credentials& credentials,
                            std::int64_t unix_seconds) const {
  const std::string date = dates::format_amz(unix_seconds);
  detail::Canonical canonical;
  impl_->prepare(canonical, input, credentials, date);
  Trace trace;
  trace.canonical_request = std::move(canonical.text);
  Impl::write_string_to_sign(
      trace.string_to_sign, date,
      scope_of(std::string_view(date).substr(0, kDateDigits), impl_->region, impl_->service),
      trace.canonical_request);
  return trace;
}

}  // namespace sluice::aws
