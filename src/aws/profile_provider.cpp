#include "aws/config.hpp"

#include <mutex>

namespace sluice::aws {
namespace {

using Answer = Result<std::optional<Credentials>>;

/// Settings by which a profile asks for another source of keys than its own. The first two win over
/// static keys of the same profile, as in the AWS SDKs; to use those keys instead would be to act
/// as somebody else than the user meant.
struct OtherSource {
  const char* setting;
  bool wins_over_keys;
};
constexpr OtherSource kOtherSources[] = {
    {"role_arn", true},       {"sso_session", true},
    {"sso_account_id", true}, {"credential_process", false},
    {"login_session", false},
};

class ProfileProvider final : public CredentialsProvider {
 public:
  ProfileProvider(Environment environment, SharedConfig config)
      : environment_(std::move(environment)), config_(std::move(config)) {}

  std::string name() const override {
    const std::lock_guard lock(mutex_);
    return where();
  }

  async::Task<Answer> get() override { co_return read(); }

  void invalidate() override {
    const std::lock_guard lock(mutex_);
    reload_ = true;
  }

 private:
  std::string where() const {
    return "profile " + config_.profile + " in " + config_.config_path + " and " +
           config_.credentials_path;
  }

  std::string setting(const char* name) const {
    const auto found = config_.settings.find(name);
    return found == config_.settings.end() ? std::string() : found->second;
  }

  Answer read() {
    const std::lock_guard lock(mutex_);
    if (reload_) {
      // By the same name, which may have come from AWS_PROFILE; "default" may be absent altogether.
      const bool named = config_.profile_found || config_.profile_given;
      Result<SharedConfig> again =
          load_shared_config(environment_, named ? config_.profile : std::string());
      if (!again) return again.error();
      config_.settings = std::move(again->settings);
      config_.profile_found = again->profile_found;
      reload_ = false;
    }
    return keys();
  }

  Answer keys() const {
    Credentials credentials;
    credentials.access_key = setting("aws_access_key_id");
    credentials.secret_key = setting("aws_secret_access_key");
    credentials.session_token = setting("aws_session_token");
    const bool has_any = !credentials.access_key.empty() || !credentials.secret_key.empty();
    for (const OtherSource& source : kOtherSources)
      if (!setting(source.setting).empty() && (source.wins_over_keys || !has_any))
        return unsupported(source.setting);
    if (!has_any) return std::optional<Credentials>();
    if (credentials.secret_key.empty()) return half("aws_access_key_id", "aws_secret_access_key");
    if (credentials.access_key.empty()) return half("aws_secret_access_key", "aws_access_key_id");
    return std::optional<Credentials>(std::move(credentials));
  }

  Error half(const char* has, const char* lacks) const {
    return Error(ErrorKind::credentials,
                 where() + " has " + has + " but no " + lacks + "; set both or neither");
  }

  Error unsupported(const char* name) const {
    return Error(ErrorKind::credentials,
                 where() + " takes its keys from " + name +
                     ", which is not supported; put the keys into AWS_ACCESS_KEY_ID, "
                     "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, for example by "
                     "`aws configure export-credentials --format env`");
  }

  const Environment environment_;
  mutable std::mutex mutex_;
  SharedConfig config_;
  bool reload_ = false;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_profile_provider(Environment environment,
                                                           SharedConfig config) {
  return std::make_shared<ProfileProvider>(std::move(environment), std::move(config));
}

}  // namespace sluice::aws
