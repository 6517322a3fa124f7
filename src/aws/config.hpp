#pragma once

#include "aws/credentials.hpp"
#include "base/result.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::aws {

/// Reads an environment variable; nullopt if unset. Injected so that tests need no real
/// environment.
using Environment = std::function<std::optional<std::string>(std::string_view)>;
Environment process_environment();

/// Sections of ~/.aws/config or ~/.aws/credentials: profile name -> settings (names lower case).
struct ProfileFile {
  std::map<std::string, std::map<std::string, std::string>> profiles;
};

enum class ProfileFileKind : std::uint8_t { config, credentials };

/// The shared-file grammar of the AWS SDKs (comments, continuation lines, `[profile x]` in config,
/// `[x]` in credentials, `default` precedence). A syntax error names file and line.
Result<ProfileFile> parse_profile_file(std::string_view text, ProfileFileKind kind,
                                       std::string_view file_name);

/// What the environment and the shared files say, merged: variables win over files.
struct SharedConfig {
  std::string profile;                          ///< --profile, else AWS_PROFILE, else "default"
  std::map<std::string, std::string> settings;  ///< of that profile, config and credentials merged
  bool profile_found = false;
  std::string region;        ///< AWS_REGION, AWS_DEFAULT_REGION, profile; may be empty
  std::string endpoint_url;  ///< AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile; may be empty
  std::string ca_bundle;     ///< AWS_CA_BUNDLE, profile; may be empty
  std::optional<unsigned> max_attempts;  ///< AWS_MAX_ATTEMPTS, profile
  std::string credentials_path;          ///< the file that was or would be read, for messages
  std::string config_path;
};

/// `profile` empty: by the environment. A named profile that no file has is a `credentials` error.
Result<SharedConfig> load_shared_config(const Environment& environment, std::string profile);

/// environment variables, then static keys of the shared files. Issue-by-issue more are appended.
std::shared_ptr<CredentialsProvider> default_chain(const Environment& environment,
                                                   const SharedConfig& config);

}  // namespace sluice::aws
