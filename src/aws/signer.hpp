#pragma once

#include "aws/credentials.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::aws {

/// SHA-256 of the empty string: the payload hash of every GET and HEAD.
inline constexpr std::string_view kEmptyPayloadHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What is to be signed, before encoding. The signer builds the request target, so that what is
/// sent is what was signed.
struct SigningInput {
  http::Method method = http::Method::get;
  std::string_view
      path;  ///< raw bytes, starts with `/`: `/bucket/key`; encoded once, never normalised
  std::vector<std::pair<std::string, std::string>> query;    ///< raw names and values
  std::vector<std::pair<std::string, std::string>> headers;  ///< host, range, if-match, x-amz-*…
  std::string_view payload_hash = kEmptyPayloadHash;         ///< or UNSIGNED-PAYLOAD
};

/// SigV4 for S3 (`service` = "s3": path encoded once, not normalised) with header authentication.
/// The signing key is cached by (secret, date, region, service). Not thread-safe: one per shard.
class Signer {
 public:
  Signer(std::string region, std::string service = "s3");
  ~Signer();
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  const std::string& region() const noexcept;
  void set_region(std::string region);

  /// Returns the request to send: encoded target, given headers, X-Amz-Date,
  /// x-amz-content-sha256, x-amz-security-token if any, Authorization. `unix_seconds` is the
  /// instant of the attempt (server time, if a skew is known).
  http::Request sign(const SigningInput& input, const Credentials& credentials,
                     std::int64_t unix_seconds);

  /// The same request unsigned (--no-sign-request).
  static http::Request unsigned_request(const SigningInput& input);

  /// For tests and `doctor`: the intermediate texts of the last `sign`.
  struct Trace {
    std::string canonical_request;
    std::string string_to_sign;
  };
  Trace trace(const SigningInput& input, const Credentials& credentials,
              std::int64_t unix_seconds) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::aws
