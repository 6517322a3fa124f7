#include "aws/config.hpp"

#include "base/secret_file.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>

namespace sluice::aws {
namespace {

/// Far more than any real file; a device or a log given by mistake must not fill memory.
constexpr std::size_t kProfileFileBytesMax = 4 * 1024 * 1024;

std::string expand_home(std::string path, const std::optional<std::string>& home) {
  if (home && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, *home);
  return path;
}

std::string file_path(const Environment& environment, std::string_view variable_name,
                      std::string_view default_path) {
  const std::optional<std::string> home = variable(environment, "HOME");
  if (std::optional<std::string> given = variable(environment, variable_name))
    return expand_home(std::move(*given), home);
  return expand_home(std::string(default_path), home);
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

/// The content, empty if there is no such file, or no home directory to look in.
Result<std::string> read_if_present(const std::string& path) {
  if (path.starts_with("~/")) return std::string();
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::string();
    return local_error("cannot open " + path, errno);
  }
  std::string content;
  char buffer[16 * 1024];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file.get())) {
    content.append(buffer, got);
    if (content.size() > kProfileFileBytesMax)
      return Error(ErrorKind::usage, path + " is too large to be an AWS configuration file");
  }
  if (std::ferror(file.get()) != 0) return local_error("cannot read " + path, errno);
  return content;
}

Result<ProfileFile> load_file(const std::string& path, ProfileFileKind kind) {
  const Result<std::string> content = read_if_present(path);
  if (!content) return content.error();
  return parse_profile_file(*content, kind, path);
}

void warn_if_readable_by_others(const std::string& path, std::vector<std::string>& warnings) {
  if (auto warning = sluice::warning_if_readable_by_others(path))
    warnings.push_back(*std::move(warning));
}

bool holds_secrets(const ProfileFile& file) {
  return std::any_of(file.profiles.begin(), file.profiles.end(), [](const auto& profile) {
    return profile.second.contains("aws_secret_access_key");
  });
}

Error unknown_profile(const SharedConfig& config) {
  std::vector<std::string_view> names;
  for (const auto& [name, settings] : config.profiles)
    names.push_back(name);
  std::string message = "there is no profile " + config.profile + " in " + config.config_path +
                        " or " + config.credentials_path;
  const std::string_view near = text::nearest(config.profile, names);
  if (!near.empty()) {
    message += "; did you mean ";
    message += near;
    message += '?';
  } else {
    message += "; add one there, or choose another by --profile or AWS_PROFILE";
  }
  return Error(ErrorKind::usage, std::move(message));
}

const std::string* find(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? nullptr : &found->second;
}

/// The first variable that is set, else the setting, else empty.
std::string resolve(const Environment& environment, std::span<const std::string_view> variables,
                    const Settings& settings, const std::string& setting) {
  for (const std::string_view name : variables)
    if (std::optional<std::string> value = variable(environment, name)) return std::move(*value);
  const std::string* value = find(settings, setting);
  return value != nullptr ? *value : std::string();
}

std::string resolve(const Environment& environment, std::string_view variable_name,
                    const Settings& settings, const std::string& setting) {
  return resolve(environment, std::span(&variable_name, 1), settings, setting);
}

bool is_switched_on(const Environment& environment, std::string_view variable_name,
                    const Settings& settings, const std::string& setting) {
  return text::iequals(resolve(environment, variable_name, settings, setting), "true");
}

Result<std::optional<unsigned>> resolve_max_attempts(const Environment& environment,
                                                     const Settings& settings) {
  const std::string text = resolve(environment, "AWS_MAX_ATTEMPTS", settings, "max_attempts");
  if (text.empty()) return std::optional<unsigned>();
  const std::optional<std::uint64_t> number = text::parse_uint(text);
  if (!number || *number == 0 || *number > std::numeric_limits<unsigned>::max())
    return Error(ErrorKind::usage, "AWS_MAX_ATTEMPTS or max_attempts is \"" + text::escaped(text) +
                                       "\"; it must be a number from 1, for example 10");
  return std::optional<unsigned>(static_cast<unsigned>(*number));
}

void merge_profiles(SharedConfig& config, ProfileFile& config_file, ProfileFile& credentials_file) {
  config.profiles = std::move(config_file.profiles);
  for (auto& [name, settings] : credentials_file.profiles) {
    Settings& merged = config.profiles[name];
    for (auto& [key, value] : settings)
      merged[key] = std::move(value);
  }
  config.sso_sessions = std::move(config_file.sso_sessions);
  config.services = std::move(config_file.services);
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  const std::optional<std::string> value = environment(name);
  if (!value) return std::nullopt;
  const std::string_view trimmed = text::trimmed(*value);
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

Result<SharedConfig> load_shared_config(const Environment& environment, std::string profile) {
  SharedConfig config;
  config.config_path = file_path(environment, "AWS_CONFIG_FILE", "~/.aws/config");
  config.credentials_path =
      file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  config.profile_given = !profile.empty();
  constexpr std::string_view kProfileVariables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
  if (profile.empty()) profile = resolve(environment, kProfileVariables, {}, {});
  const bool named = !profile.empty();
  config.profile = named ? std::move(profile) : "default";

  Result<ProfileFile> config_file = load_file(config.config_path, ProfileFileKind::config);
  if (!config_file) return config_file.error();
  Result<ProfileFile> credentials_file =
      load_file(config.credentials_path, ProfileFileKind::credentials);
  if (!credentials_file) return credentials_file.error();
  warn_if_readable_by_others(config.credentials_path, config.warnings);
  if (holds_secrets(*config_file)) warn_if_readable_by_others(config.config_path, config.warnings);

  merge_profiles(config, *config_file, *credentials_file);
  const auto found = config.profiles.find(config.profile);
  config.profile_found = found != config.profiles.end();
  if (!config.profile_found && named) return unknown_profile(config);
  if (config.profile_found) config.settings = found->second;

  constexpr std::string_view kRegionVariables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
  config.region = resolve(environment, kRegionVariables, config.settings, "region");
  config.endpoint_url = configured_endpoint(environment, config, "s3");
  config.ca_bundle =
      expand_home(resolve(environment, "AWS_CA_BUNDLE", config.settings, "ca_bundle"),
                  variable(environment, "HOME"));
  config.proxies = http::proxy_rules(environment);
  config.use_fips =
      is_switched_on(environment, "AWS_USE_FIPS_ENDPOINT", config.settings, "use_fips_endpoint");
  config.use_dual_stack = is_switched_on(environment, "AWS_USE_DUALSTACK_ENDPOINT", config.settings,
                                         "use_dualstack_endpoint");
  config.addressing_style = nested_setting(config.settings, "s3", "addressing_style");
  const auto is_on = [&config](std::string_view name) {
    return text::iequals(nested_setting(config.settings, "s3", name), "true");
  };
  config.s3_dual_stack = config.use_dual_stack || is_on("use_dualstack_endpoint");
  config.s3_accelerate = is_on("use_accelerate_endpoint");
  const std::string arn_region =
      resolve(environment, "AWS_S3_USE_ARN_REGION", config.settings, "s3_use_arn_region");
  config.use_arn_region = !text::iequals(arn_region, "false");
  config.request_payer = text::iequals(
      resolve(environment, "AWS_REQUEST_PAYER", config.settings, "request_payer"), "requester");
  const Result<std::optional<unsigned>> attempts =
      resolve_max_attempts(environment, config.settings);
  if (!attempts) return attempts.error();
  config.max_attempts = *attempts;
  return config;
}

// "Service-specific endpoints", AWS SDKs and Tools reference guide.
std::string configured_endpoint(const Environment& environment, const SharedConfig& config,
                                std::string_view service) {
  if (is_switched_on(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", config.settings,
                     "ignore_configured_endpoint_urls"))
    return {};
  std::string own_variable = "AWS_ENDPOINT_URL_";
  for (const char c : service)
    own_variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const std::string_view variables[] = {own_variable, "AWS_ENDPOINT_URL"};
  const std::string global = resolve(environment, variables, {}, {});
  if (!global.empty()) return global;
  if (const std::string* services = find(config.settings, "services")) {
    const auto section = config.services.find(*services);
    if (section != config.services.end()) {
      std::string own = nested_setting(section->second, std::string(service), "endpoint_url");
      if (!own.empty()) return own;
    }
  }
  const std::string* own = find(config.settings, "endpoint_url");
  return own != nullptr ? *own : std::string();
}

}  // namespace sluice::aws
