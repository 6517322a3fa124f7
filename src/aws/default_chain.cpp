#include "aws/providers.hpp"

namespace sluice::aws {

std::shared_ptr<CredentialsProvider> default_chain(World world, const SharedConfig& config) {
  std::vector<std::shared_ptr<CredentialsProvider>> providers;
  // As in the AWS CLI: whoever names a profile on the command line means its keys.
  if (!config.profile_given) {
    providers.push_back(make_environment_provider(world.environment));
    providers.push_back(make_web_identity_provider(world, config));
  }
  providers.push_back(make_profile_provider(world, config));
  providers.push_back(make_container_provider(world));
  providers.push_back(make_instance_provider(world, config.settings));
  std::function<WallTime()> now = world.now;
  return make_chain(std::move(providers), std::move(now));
}

std::shared_ptr<CredentialsProvider> default_chain(const Environment& environment,
                                                   const SharedConfig& config) {
  return default_chain(real_world(environment, config), config);
}

}  // namespace sluice::aws
