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

/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI: ECS, EKS Pod Identity, Greengrass.
std::shared_ptr<CredentialsProvider> make_container_provider(World world);

/// The role of an EC2 instance, by IMDSv2. `settings`: of the profile, for its endpoint.
std::shared_ptr<CredentialsProvider> make_instance_provider(World world, Settings settings);

/// An Error of kind `credentials`.
Error credentials_error(std::string message);

/// `error` with `what` put in front. A failure that asking again would not mend becomes
/// `credentials`; one of the network or the service stays what it is.
Error while_asking(const std::string& what, Error error);

}  // namespace sluice::aws
