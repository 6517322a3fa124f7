#pragma once

#include "aws/credentials.hpp"
#include "base/result.hpp"
#include "http/proxy.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::aws {

/// Reads an environment variable; nullopt if unset. Injected so that tests need no real
/// environment.
using Environment = std::function<std::optional<std::string>(std::string_view)>;
Environment process_environment();

/// The variable without blanks at both ends; nullopt if it is unset or blank, which the SDKs treat
/// alike.
std::optional<std::string> variable(const Environment& environment, std::string_view name);

using Settings = std::map<std::string, std::string>;  ///< names in lower case

/// Sections of ~/.aws/config or ~/.aws/credentials: profile name -> settings.
struct ProfileFile {
  std::map<std::string, Settings> profiles;
  std::map<std::string, Settings> sso_sessions;  ///< `[sso-session x]`, only in config
  std::map<std::string, Settings> services;      ///< `[services x]`, only in config
};

enum class ProfileFileKind : std::uint8_t { config, credentials };

/// The shared-file grammar of the AWS SDKs (comments, continuation lines, `[profile x]` in config,
/// `[x]` in credentials, `default` precedence). A syntax error names file and line; it is a `usage`
/// error and quotes nothing of the file, which may hold secrets. Text in, no file is opened.
Result<ProfileFile> parse_profile_file(std::string_view text, ProfileFileKind kind,
                                       std::string_view file_name);

/// A setting nested below another: `s3 =` followed by an indented `addressing_style = path` is
/// nested_setting(settings, "s3", "addressing_style"). Empty if there is none.
std::string nested_setting(const Settings& settings, const std::string& parent,
                           std::string_view name);

/// What the environment and the shared files say, merged: variables win over files.
struct SharedConfig {
  std::string profile;         ///< --profile, else AWS_PROFILE, else "default"
  bool profile_given = false;  ///< by --profile: its keys then win over those of the environment
  Settings settings;           ///< of that profile, config and credentials merged
  bool profile_found = false;
  std::map<std::string, Settings> profiles;      ///< all, merged: source_profile names others
  std::map<std::string, Settings> sso_sessions;  ///< what `sso_session` of a profile names
  std::map<std::string, Settings> services;      ///< what `services` of a profile names
  std::string region;            ///< AWS_REGION, AWS_DEFAULT_REGION, profile; may be empty
  std::string endpoint_url;      ///< AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile; may be empty
  std::string ca_bundle;         ///< AWS_CA_BUNDLE, profile; may be empty
  http::ProxyRules proxies;      ///< http_proxy, https_proxy, no_proxy
  std::string addressing_style;  ///< `s3 = addressing_style` of the profile as written, or empty
  bool use_fips = false;         ///< AWS_USE_FIPS_ENDPOINT, profile: of every service
  bool use_dual_stack = false;   ///< AWS_USE_DUALSTACK_ENDPOINT, profile: of every service
  bool s3_dual_stack = false;    ///< the same, or `s3 = use_dualstack_endpoint` of the profile
  bool s3_accelerate = false;    ///< `s3 = use_accelerate_endpoint` of the profile
  bool use_arn_region = true;    ///< AWS_S3_USE_ARN_REGION, `s3_use_arn_region` of the profile
  bool request_payer = false;    ///< AWS_REQUEST_PAYER, profile: "requester"
  std::optional<unsigned> max_attempts;  ///< AWS_MAX_ATTEMPTS, profile
  std::string credentials_path;          ///< the file that was or would be read, for messages
  std::string config_path;
  std::vector<std::string> warnings;  ///< one sentence each, for the log
};

/// `profile` empty: by the environment. A named profile that no file has is a `credentials` error.
/// Others: `usage` for a syntax error or a number that is none, `local` for an unreadable file.
Result<SharedConfig> load_shared_config(const Environment& environment, std::string profile);

/// The address that was configured for a service: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the
/// profile's `services` section, its endpoint_url; empty if none. `service`: "s3", "sts",
/// "sso_oidc".
std::string configured_endpoint(const Environment& environment, const SharedConfig& config,
                                std::string_view service);

struct World;

/// In this order: environment variables and the web identity that they name (neither if --profile
/// was given), the profile, container credentials, EC2 instance metadata.
std::shared_ptr<CredentialsProvider> default_chain(const Environment& environment,
                                                   const SharedConfig& config);
/// For tests: `world` in place of the network and the clock.
std::shared_ptr<CredentialsProvider> default_chain(World world, const SharedConfig& config);

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if set, AWS_SESSION_TOKEN.
std::shared_ptr<CredentialsProvider> make_environment_provider(Environment environment);

}  // namespace sluice::aws
