#pragma once

#include "aws/config.hpp"
#include "aws/credentials.hpp"
#include "aws/exchange.hpp"

#include <memory>
#include <optional>
#include <string>

/// The sources of credentials but for the environment and the shared files. Private to aws.
namespace sluice::aws {

using CredentialsAnswer = Result<std::optional<Credentials>>;

/// Runs `command_line` without a shell. `where` names the setting it stands in, for messages.
async::Task<Result<Credentials>> credentials_from_program(std::string command_line,
                                                          std::string where);

/// What the profile says: keys, roles, a web identity, single sign-on, a program.
std::shared_ptr<CredentialsProvider> make_profile_provider(World world, SharedConfig config);

/// AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: service accounts of EKS.
std::shared_ptr<CredentialsProvider> make_web_identity_provider(World world, SharedConfig config);

/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI: ECS, EKS Pod Identity, Greengrass.
std::shared_ptr<CredentialsProvider> make_container_provider(World world);

/// The role of an EC2 instance, by IMDSv2. `settings`: of the profile, for its endpoint.
std::shared_ptr<CredentialsProvider> make_instance_provider(World world, Settings settings);

}  // namespace sluice::aws
