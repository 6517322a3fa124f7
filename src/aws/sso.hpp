#pragma once

#include "aws/credentials.hpp"
#include "aws/exchange.hpp"
#include "aws/profile_source.hpp"

/// Single sign-on (IAM Identity Center). Private to aws.
namespace sluice::aws {

/// The keys of a role for the token that `aws sso login` left in ~/.aws/sso/cache. A token that is
/// about to end is renewed if it came with what that needs; the new one is written back there, as
/// the AWS CLI does, since the old one may be of no more use. Else: "run aws sso login".
async::Task<Result<Credentials>> credentials_from_sso(const World& world, async::Runtime& runtime,
                                                      const SharedConfig& config, SsoSource source);

}  // namespace sluice::aws
