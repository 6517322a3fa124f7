#include "aws/profile_source.hpp"
#include "aws/providers.hpp"
#include "aws/sts.hpp"

namespace sluice::aws {
namespace {

class IdentityProvider final : public CredentialsProvider {
 public:
  IdentityProvider(World world, SharedConfig config)
      : world_(std::move(world)), config_(std::move(config)) {}

  std::string name() const override { return "web identity"; }

  async::Task<CredentialsAnswer> get(async::Runtime& runtime) override {
    Result<std::optional<WebIdentitySource>> found = environment_identity(world_.environment);
    if (!found) co_return found.error();
    if (!*found) co_return std::optional<Credentials>();
    WebIdentitySource source = **std::move(found);
    Result<Credentials> credentials =
        co_await assume_role_with_web_identity(world_, runtime, config_, std::move(source));
    if (!credentials) co_return credentials.error();
    co_return std::optional<Credentials>(*std::move(credentials));
  }

 private:
  const World world_;
  const SharedConfig config_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_web_identity_provider(World world, SharedConfig config) {
  return std::make_shared<IdentityProvider>(std::move(world), std::move(config));
}

}  // namespace sluice::aws
