#include "aws/messages.hpp"
#include "aws/profile_source.hpp"
#include "aws/providers.hpp"
#include "aws/sso.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"

#include <mutex>

namespace sluice::aws {
namespace {

/// What a profile says, done. The files are read again for each answer but the first, so that a
/// change is taken up with the next refresh.
class ProfileProvider final : public CredentialsProvider {
 public:
  ProfileProvider(World world, SharedConfig config)
      : world_(std::move(world)),
        config_(std::move(config)),
        environment_(make_environment_provider(world_.environment)),
        container_(make_container_provider(world_)),
        instance_(make_instance_provider(world_, config_.settings)) {}

  std::string name() const override {
    return "profile " + config_.profile + " in " + config_.config_path + " and " +
           config_.credentials_path;
  }

  async::Task<CredentialsAnswer> get(async::Runtime& runtime) override {
    const Result<SharedConfig> config = read();
    if (!config) co_return config.error();
    Result<std::optional<ProfileSource>> found = profile_source(*config);
    if (!found) co_return found.error();
    if (!*found) co_return std::optional<Credentials>();
    ProfileSource source = **std::move(found);
    Result<Credentials> credentials = co_await base(runtime, *config, source);
    for (const Role& role : source.roles) {
      if (!credentials) co_return credentials.error();
      Role copy = role;
      Credentials signing = *std::move(credentials);
      credentials =
          co_await assume_role(world_, runtime, *config, std::move(copy), std::move(signing));
    }
    if (!credentials) co_return credentials.error();
    co_return std::optional<Credentials>(*std::move(credentials));
  }

  void invalidate() override { instance_->invalidate(); }

 private:
  Result<SharedConfig> read() {
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(was_read_, true)) return config_;
    }
    // By the same name, which may have come from AWS_PROFILE; "default" may be absent altogether.
    const bool named = config_.profile_found || config_.profile_given;
    Result<SharedConfig> again =
        load_shared_config(world_.environment, named ? config_.profile : std::string());
    if (!again) return again;
    again->region = config_.region;  // may have come from the command line
    return again;
  }

  async::Task<Result<Credentials>> base(async::Runtime& runtime, const SharedConfig& config,
                                        const ProfileSource& source) {
    if (const auto* keys = std::get_if<StaticKeys>(&source.base)) co_return keys->credentials;
    if (const auto* program = std::get_if<ProgramSource>(&source.base)) {
      std::string where = "credential_process of profile " + text::escaped(source.base_profile);
      std::string command_line = program->command_line;
      co_return co_await credentials_from_program(std::move(command_line), std::move(where));
    }
    if (const auto* identity = std::get_if<WebIdentitySource>(&source.base)) {
      WebIdentitySource copy = *identity;
      co_return co_await assume_role_with_web_identity(world_, runtime, config, std::move(copy));
    }
    if (const auto* sso = std::get_if<SsoSource>(&source.base)) {
      SsoSource copy = *sso;
      co_return co_await credentials_from_sso(world_, runtime, config, std::move(copy));
    }
    co_return co_await named(runtime, source);
  }

  async::Task<Result<Credentials>> named(async::Runtime& runtime, const ProfileSource& source) {
    const NamedSource which = std::get<NamedSource>(source.base);
    CredentialsProvider* provider = environment_.get();
    if (which == NamedSource::container) provider = container_.get();
    if (which == NamedSource::instance) provider = instance_.get();
    CredentialsAnswer answer = co_await provider->get(runtime);
    if (!answer) co_return answer.error();
    if (*answer) co_return **std::move(answer);
    co_return credentials_error("profile " + text::escaped(source.base_profile) +
                                " names a credential_source that has none: " + provider->name());
  }

  const World world_;
  const SharedConfig config_;
  const std::shared_ptr<CredentialsProvider> environment_;
  const std::shared_ptr<CredentialsProvider> container_;
  const std::shared_ptr<CredentialsProvider> instance_;
  std::mutex mutex_;
  bool was_read_ = false;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_profile_provider(World world, SharedConfig config) {
  return std::make_shared<ProfileProvider>(std::move(world), std::move(config));
}

}  // namespace sluice::aws
