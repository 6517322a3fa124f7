// Verification of AWS Signature Version 4 in the Authorization header, byte for byte: the canonical
// request is rebuilt from the target as received, and a target that is not encoded the one right
// way is refused even if the signature fits, since AWS would have computed another.
#pragma once

#include "origin/message.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

struct Credential {
  std::string access_key;
  std::string secret_key;
  std::string session_token = {};               // empty: a request must not carry one
  std::optional<std::int64_t> expires_ms = {};  // from then on: ExpiredToken
};

enum class AuthFailure {
  none,
  anonymous,  // no Authorization header
  malformed,  // the header, the scope or a date cannot be read
  unknown_access_key,
  invalid_token,
  expired_token,
  wrong_region,     // signed properly, for another region
  skewed_clock,     // more than 15 minutes off
  unsigned_header,  // host or an x-amz-* header is not among the signed ones
  no_content_sha256,
  target_not_canonical,
  signature_mismatch,
};

std::string_view name_of(AuthFailure failure);

struct Verification {
  AuthFailure failure = AuthFailure::none;
  std::string detail = {};
  std::string access_key = {};
  std::string region = {};  // of the credential scope
  std::string canonical_request = {};
  std::string string_to_sign = {};
};

struct VerifyOptions {
  std::string region = {};  // empty: any
  std::string service = "s3";
  std::int64_t now_ms = 0;
};

// Of other services than S3 the content need not be declared: that of `request.body` is signed.
using FindCredential = std::function<std::optional<Credential>(std::string_view access_key)>;
Verification verify_sigv4(const Request& request, const FindCredential& find,
                          const VerifyOptions& options);
// Among these.
Verification verify_sigv4(const Request& request, std::span<const Credential> credentials,
                          const VerifyOptions& options);
std::optional<Credential> find_credential(std::span<const Credential> credentials,
                                          std::string_view access_key);

}  // namespace sluice::origin
