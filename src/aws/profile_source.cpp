#include "aws/profile_source.hpp"

#include "aws/messages.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace sluice::aws {
namespace {

/// AssumeRole, AWS STS API reference: DurationSeconds.
constexpr std::uint64_t kDurationSecondsMin = 900;
constexpr std::uint64_t kDurationSecondsMax = 43'200;

/// A chain of roles longer than this is a mistake, if it is no circle.
constexpr std::size_t kRolesMax = 16;

std::string get(const Settings& settings, const char* name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string() : found->second;
}

bool has(const Settings& settings, const char* name) {
  return !get(settings, name).empty();
}

bool has_keys(const Settings& settings) {
  return has(settings, "aws_access_key_id") || has(settings, "aws_secret_access_key");
}

class Reader {
 public:
  explicit Reader(const SharedConfig& config) : config_(config) {}

  Result<std::optional<ProfileSource>> read() {
    if (!config_.profile_found) return std::optional<ProfileSource>();
    ProfileSource source;
    std::string name = config_.profile;
    const Settings* settings = &config_.settings;
    while (is_role(*settings)) {
      visited_.insert(name);
      Result<Role> role = read_role(*settings, name);
      if (!role) return role.error();
      source.roles.insert(source.roles.begin(), *std::move(role));
      if (source.roles.size() > kRolesMax) return problem(name, "is part of a very long chain");
      if (has(*settings, "credential_source")) {
        Result<NamedSource> named = read_named(*settings, name);
        if (!named) return named.error();
        source.base = *named;
        source.base_profile = name;
        return std::optional<ProfileSource>(std::move(source));
      }
      const std::string next = get(*settings, "source_profile");
      const auto found = config_.profiles.find(next);
      if (found == config_.profiles.end())
        return problem(name, "has source_profile = " + text::escaped(next) +
                                 ", but there is no such profile; add it or correct the name");
      settings = &found->second;
      // One that has come up before can only help with its own keys.
      if (visited_.contains(next) && !(next == name && has_keys(*settings)))
        return problem(name, "has source_profile = " + text::escaped(next) +
                                 ", which leads back to itself; end the chain in one that has "
                                 "keys");
      name = next;
    }
    const Result<bool> found = read_base(*settings, name, source);
    if (!found) return found.error();
    if (*found) return std::optional<ProfileSource>(std::move(source));
    if (source.roles.empty()) return std::optional<ProfileSource>();
    return problem(name, "is named as source_profile but has no credentials; give it some");
  }

 private:
  Error problem(const std::string& profile, const std::string& what) const {
    return credentials_error("profile " + text::escaped(profile) + " in " + config_.config_path +
                             " and " + config_.credentials_path + " " + what);
  }

  /// Whether the profile leads on to another source by a role.
  bool is_role(const Settings& settings) const {
    if (!has(settings, "role_arn") || has(settings, "web_identity_token_file")) return false;
    return visited_.empty() || !has_keys(settings);
  }

  Result<Role> read_role(const Settings& settings, const std::string& profile) const {
    const bool has_profile = has(settings, "source_profile");
    const bool has_source = has(settings, "credential_source");
    if (has_profile && has_source)
      return problem(profile, "has both source_profile and credential_source; remove one of them");
    if (!has_profile && !has_source)
      return problem(profile,
                     "has role_arn but does not say with whose keys; add source_profile, "
                     "credential_source or web_identity_token_file");
    if (has(settings, "mfa_serial"))
      return problem(profile,
                     "has mfa_serial, but nobody is there to type a code; get temporary keys by "
                     "`aws configure export-credentials --format env`, or use a role without it");
    return role_settings(settings, profile);
  }

  Result<Role> role_settings(const Settings& settings, const std::string& profile) const {
    Role role;
    role.arn = get(settings, "role_arn");
    role.session_name = get(settings, "role_session_name");
    role.external_id = get(settings, "external_id");
    const std::string duration = get(settings, "duration_seconds");
    if (!duration.empty()) {
      const std::optional<std::uint64_t> seconds = text::parse_uint(duration);
      if (!seconds || *seconds < kDurationSecondsMin || *seconds > kDurationSecondsMax)
        return problem(profile, "has duration_seconds = " + text::escaped(duration) +
                                    "; it must be from 900 to 43200");
      role.duration = std::chrono::seconds(*seconds);
    }
    return role;
  }

  Result<NamedSource> read_named(const Settings& settings, const std::string& profile) const {
    const std::string name = get(settings, "credential_source");
    if (name == "Environment") return NamedSource::environment;
    if (name == "Ec2InstanceMetadata") return NamedSource::instance;
    if (name == "EcsContainer") return NamedSource::container;
    return problem(profile, "has credential_source = " + text::escaped(name) +
                                "; it must be Environment, Ec2InstanceMetadata or EcsContainer");
  }

  /// False if the profile has no source at all.
  Result<bool> read_base(const Settings& settings, const std::string& profile,
                         ProfileSource& source) const {
    source.base_profile = profile;
    const bool named_itself = visited_.contains(profile);
    const bool only_keys = named_itself || (!visited_.empty() && has_keys(settings));
    if (!only_keys && has(settings, "web_identity_token_file"))
      return read_identity(settings, profile, source);
    for (const char* name : {"sso_session", "sso_account_id", "sso_role_name", "sso_start_url"})
      if (!only_keys && has(settings, name)) return read_sso(settings, profile, source);
    if (has_keys(settings)) return read_keys(settings, profile, source);
    if (has(settings, "credential_process")) {
      source.base = ProgramSource{get(settings, "credential_process")};
      return true;
    }
    if (has(settings, "login_session"))
      return problem(profile,
                     "takes its keys from login_session, which is not supported; put them into "
                     "the environment by `aws configure export-credentials --format env`");
    return false;
  }

  Result<bool> read_keys(const Settings& settings, const std::string& profile,
                         ProfileSource& source) const {
    StaticKeys keys;
    keys.credentials.access_key = get(settings, "aws_access_key_id");
    keys.credentials.secret_key = get(settings, "aws_secret_access_key");
    keys.credentials.session_token = get(settings, "aws_session_token");
    if (keys.credentials.secret_key.empty())
      return problem(profile,
                     "has aws_access_key_id but no aws_secret_access_key; set both or neither");
    if (keys.credentials.access_key.empty())
      return problem(profile,
                     "has aws_secret_access_key but no aws_access_key_id; set both or neither");
    source.base = std::move(keys);
    return true;
  }

  Result<bool> read_identity(const Settings& settings, const std::string& profile,
                             ProfileSource& source) const {
    if (!has(settings, "role_arn"))
      return problem(profile, "has web_identity_token_file but no role_arn; add it");
    Result<Role> role = role_settings(settings, profile);
    if (!role) return role.error();
    source.base = WebIdentitySource{*std::move(role), get(settings, "web_identity_token_file")};
    return true;
  }

  Result<bool> read_sso(const Settings& settings, const std::string& profile,
                        ProfileSource& source) const {
    SsoSource sso;
    sso.session = get(settings, "sso_session");
    sso.account_id = get(settings, "sso_account_id");
    sso.role_name = get(settings, "sso_role_name");
    const Settings* place = &settings;
    if (!sso.session.empty()) {
      const auto section = config_.sso_sessions.find(sso.session);
      if (section == config_.sso_sessions.end())
        return problem(profile, "has sso_session = " + text::escaped(sso.session) +
                                    ", but there is no such [sso-session] section; add it");
      place = &section->second;
      for (const char* name : {"sso_region", "sso_start_url"})
        if (has(settings, name) && get(settings, name) != get(*place, name))
          return problem(profile, std::string("has another ") + name +
                                      " than its sso_session; remove it from the profile");
    }
    sso.region = get(*place, "sso_region");
    sso.start_url = get(*place, "sso_start_url");
    if (sso.region.empty() || sso.start_url.empty())
      return problem(profile, "lacks sso_region or sso_start_url; run `aws configure sso`");
    if (sso.account_id.empty() && sso.role_name.empty())
      return problem(profile,
                     "asks for a token of single sign-on, not for credentials; add sso_account_id "
                     "and sso_role_name");
    if (sso.account_id.empty() || sso.role_name.empty())
      return problem(profile, "has only one of sso_account_id and sso_role_name; add the other");
    source.base = std::move(sso);
    return true;
  }

  const SharedConfig& config_;
  std::set<std::string> visited_;  ///< profiles whose role has been taken
};

}  // namespace

Result<std::optional<ProfileSource>> profile_source(const SharedConfig& config) {
  return Reader(config).read();
}

Result<std::optional<WebIdentitySource>> environment_identity(const Environment& environment) {
  std::optional<std::string> token_file = variable(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!token_file) return std::optional<WebIdentitySource>();
  std::optional<std::string> arn = variable(environment, "AWS_ROLE_ARN");
  if (!arn)
    return credentials_error(
        "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both or neither");
  WebIdentitySource source;
  source.role.arn = *std::move(arn);
  source.role.session_name = variable(environment, "AWS_ROLE_SESSION_NAME").value_or("");
  source.token_file = *std::move(token_file);
  return std::optional<WebIdentitySource>(std::move(source));
}

}  // namespace sluice::aws
