#include "origin/credential_services.hpp"

#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::origin {
namespace {

constexpr std::string_view kAssumeRole = "AssumeRole";

std::optional<Operation> service_at(std::string_view method, std::string_view path,
                                    const CredentialServices& services) {
  if (services.instance && path.starts_with("/latest/")) return Operation::instance;
  if (services.container && (path == "/v1/credentials" || path.starts_with("/v2/credentials/")))
    return Operation::container;
  if (services.sts && method == "POST" && path == "/") return Operation::sts;
  if (services.sso && path == "/federation/credentials") return Operation::sso;
  if (services.sso && method == "POST" && path == "/token") return Operation::oidc;
  return std::nullopt;
}

}  // namespace

std::optional<Route> route_to_service(const Request& request, const CredentialServices& services) {
  const std::string_view path = request.raw_path();
  const auto operation = service_at(request.method, path, services);
  if (!operation) return std::nullopt;
  Route route;
  route.operation = *operation;
  const bool form = *operation == Operation::sts;
  route.readable = parse_query(form ? request.body : request.raw_query(), route.query);
  route.key = path.substr(1);
  if (form) route.key = route.query["Action"];
  return route;
}

bool is_signed_call(const Route& route) {
  return route.operation == Operation::sts && route.key == kAssumeRole;
}

Credential ServiceCall::issue(std::string_view from, std::int64_t most_s) const {
  std::int64_t seconds = options.lifetime.count();
  if (most_s > 0) seconds = std::min(seconds, most_s);
  // The documents tell whole seconds: credentials are good for as long as they say.
  const std::int64_t expires_s = (now_ms + 999) / 1000 + seconds;
  return issuer.issue(from, expires_s * 1000);
}

bool ServiceCall::is_token(std::string_view shown) const {
  return options.token.empty() ? !shown.empty() : shown == options.token;
}

Response answer_service(const ServiceCall& call) {
  switch (call.route.operation) {
    case Operation::instance:
      return answer_instance(call);
    case Operation::container:
      return answer_container(call);
    case Operation::sts:
      return answer_sts(call);
    case Operation::sso:
      return answer_sso(call);
    default:
      return answer_oidc(call);
  }
}

std::string credentials_document(const Credential& credential, std::string_view more) {
  return fmt::format(
      R"({{{}"AccessKeyId": "{}", "SecretAccessKey": "{}", "Token": "{}", "Expiration": "{}"}})",
      more, credential.access_key, credential.secret_key, credential.session_token,
      iso_second(*credential.expires_ms));
}

Response refused_json(int status, std::string_view message) {
  Response response;
  response.status = status;
  set_body(response, fmt::format(R"({{"message": "{}"}})", json_escape(message)),
           "application/json");
  return response;
}

}  // namespace sluice::origin
