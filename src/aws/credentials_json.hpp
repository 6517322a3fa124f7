#pragma once

#include "aws/credentials.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The JSON documents that credentials come in. Messages say what is wrong with a document and
/// quote nothing of it. Private to aws.
namespace sluice::aws {

/// Container and instance metadata: AccessKeyId, SecretAccessKey, Token, Expiration. A `Code` other
/// than Success is a refusal, whatever the status was.
Result<Credentials> parse_metadata_credentials(std::string_view json);

/// credential_process: Version 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration ("Sourcing
/// credentials with an external process", AWS SDKs and Tools reference guide).
Result<Credentials> parse_process_credentials(std::string_view json);

/// GetRoleCredentials of the SSO portal: roleCredentials, expiration in milliseconds.
Result<Credentials> parse_role_credentials(std::string_view json);

/// What `aws sso login` leaves in ~/.aws/sso/cache.
struct SsoToken {
  std::string access_token;
  WallTime expires;
  std::string refresh_token;  ///< empty, as the next three: this one cannot be renewed
  std::string client_id;
  std::string client_secret;
  std::optional<WallTime> registration_expires;
};
Result<SsoToken> parse_sso_token(std::string_view json);

/// CreateToken of SSO OIDC: accessToken, expiresIn (seconds), refreshToken if it changed.
struct CreatedToken {
  std::string access_token;
  std::chrono::seconds lifetime;
  std::string refresh_token;
};
Result<CreatedToken> parse_created_token(std::string_view json);

/// The cached document with a renewed token in it; everything else stays as it is.
Result<std::string> with_created_token(std::string_view json, const CreatedToken& created,
                                       WallTime expires);

}  // namespace sluice::aws
