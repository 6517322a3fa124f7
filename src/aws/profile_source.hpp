#pragma once

#include "aws/config.hpp"
#include "aws/credentials.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What a profile says about where its credentials come from, as plain values: deciding, apart from
/// asking. Private to aws.
namespace sluice::aws {

struct StaticKeys {
  Credentials credentials;
};
struct ProgramSource {
  std::string command_line;
};
/// `credential_source` of a role.
enum class NamedSource : std::uint8_t { environment, instance, container };

struct Role {
  std::string arn;
  std::string session_name;  ///< empty: one of ours
  std::string external_id;
  std::chrono::seconds duration{0};  ///< 0: as the service likes, one hour
};
struct WebIdentitySource {
  Role role;
  std::string token_file;
};
struct SsoSource {
  std::string session;  ///< empty: the older form, without a section of its own
  std::string start_url;
  std::string region;
  std::string account_id;
  std::string role_name;
};

/// Credentials from `base`, with which the roles are assumed one after the other.
struct ProfileSource {
  std::variant<StaticKeys, ProgramSource, NamedSource, WebIdentitySource, SsoSource> base;
  std::vector<Role> roles;
  std::string base_profile;  ///< the one that `base` was found in
};

/// | of the profile                          | taken                                             |
/// |-----------------------------------------|---------------------------------------------------|
/// | role_arn and web_identity_token_file    | that identity                                     |
/// | role_arn and source_profile             | the role, with what that profile gives            |
/// | role_arn and credential_source          | the role, with what that source gives             |
/// | sso_session or sso_account_id           | single sign-on                                    |
/// | aws_access_key_id                       | these keys                                        |
/// | credential_process                      | that program                                      |
///
/// The first row that fits. Of a profile that another names as its source, keys win over a role
/// (as in the AWS SDKs), and it may name itself for its keys. nullopt: the selected profile has
/// nothing of this. `credentials` error for anything half said, for a circle, and for what is not
/// supported.
Result<std::optional<ProfileSource>> profile_source(const SharedConfig& config);

/// web_identity_token_file of the environment: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN,
/// AWS_ROLE_SESSION_NAME.
Result<std::optional<WebIdentitySource>> environment_identity(const Environment& environment);

}  // namespace sluice::aws
