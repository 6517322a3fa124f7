#pragma once

#include "aws/credentials.hpp"
#include "aws/exchange.hpp"
#include "aws/profile_source.hpp"

#include <string>
#include <string_view>

/// The two calls of AWS STS that give the keys of a role. Private to aws.
namespace sluice::aws {

/// Signed with `base`.
async::Task<Result<Credentials>> assume_role(const World& world, async::Runtime& runtime,
                                             const SharedConfig& config, Role role,
                                             Credentials base);

/// Not signed: the token in the file is the proof. It is read each time, since EKS replaces it.
async::Task<Result<Credentials>> assume_role_with_web_identity(const World& world,
                                                               async::Runtime& runtime,
                                                               const SharedConfig& config,
                                                               WebIdentitySource source);

/// What STS answered.
struct StsAnswer {
  Credentials credentials;
  std::string error_code;  ///< not empty: a refusal
  std::string error_message;
};

/// `operation`: AssumeRole or AssumeRoleWithWebIdentity. Nothing of the document is quoted in an
/// Error.
Result<StsAnswer> parse_sts_answer(std::string_view xml, std::string_view operation);

/// Where a service of AWS is asked: as configured, else by region (config.region, else us-east-1).
/// `id` as for configured_endpoint, `host_name` as in its own hosts.
struct ServicePlace {
  std::string url;
  std::string region;
};
Result<ServicePlace> place_of_service(const World& world, const SharedConfig& config,
                                      std::string_view id, std::string_view host_name,
                                      std::string region);

}  // namespace sluice::aws
