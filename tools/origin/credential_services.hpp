// The services of AWS that hand out credentials, each on its own paths beside the buckets: what
// they give out is short-lived, another key each time, and what S3 then insists on.
#pragma once

#include "origin/issuer.hpp"
#include "origin/message.hpp"
#include "origin/operation.hpp"
#include "origin/server.hpp"

#include <optional>
#include <string_view>

namespace sluice::origin {

// Where the request goes if it is for a service that is switched on. Its `key` is the path without
// the first slash, of STS the action; its `query` is of STS the form in the body.
std::optional<Route> route_to_service(const Request& request, const CredentialServices& services);

// Whether the caller has to sign, with the keys that S3 knows too.
bool is_signed_call(const Route& route);

// What the services work with while they answer one request.
struct ServiceCall {
  const Request& request;
  const Route& route;
  const Verification& verification;  // of is_signed_call
  const CredentialServices& options;
  Issuer& issuer;
  std::int64_t now_ms;
  std::string_view request_id;

  // Good for at most `most` seconds (0: no limit but that of the options), to a whole second.
  Credential issue(std::string_view from, std::int64_t most_s = 0) const;
  // Whether that is the token that clients are to show.
  bool is_token(std::string_view shown) const;
};

// EC2 instance metadata: PUT /latest/api/token, GET /latest/meta-data/iam/security-credentials/.
Response answer_instance(const ServiceCall& call);
// ECS and EKS: GET /v1/credentials and /v2/credentials/ID, the token in Authorization.
Response answer_container(const ServiceCall& call);
// POST /: AssumeRole (signed) and AssumeRoleWithWebIdentity (a token in the form).
Response answer_sts(const ServiceCall& call);
// GET /federation/credentials of the portal of single sign-on.
Response answer_sso(const ServiceCall& call);
// POST /token: renews the token of single sign-on.
Response answer_oidc(const ServiceCall& call);

// One of the five, by the operation of the route.
Response answer_service(const ServiceCall& call);

// {"AccessKeyId": …}: what metadata services answer, with `more` members in front.
std::string credentials_document(const Credential& credential, std::string_view more);
// 4xx with {"message": …}.
Response refused_json(int status, std::string_view message);

}  // namespace sluice::origin
