// GetRoleCredentials of the IAM Identity Center portal, CreateToken of its OIDC service: their API
// references.
#include "origin/credential_services.hpp"
#include "origin/encoding.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace sluice::origin {
namespace {

Response json(std::string text) {
  Response response;
  set_body(response, std::move(text), "application/json");
  return response;
}

Response refused_grant(std::string_view error) {
  Response response = json(fmt::format(R"({{"error": "{}"}})", error));
  response.status = 400;
  return response;
}

std::string text_of(const simdjson::dom::object& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

}  // namespace

Response answer_sso(const ServiceCall& call) {
  if (call.request.method != "GET") return refused_json(405, "use GET");
  for (const std::string_view name : {"role_name", "account_id"}) {
    const auto found = call.route.query.find(name);
    if (found == call.route.query.end() || found->second.empty())
      return refused_json(400, std::string(name) + " is missing");
  }
  const std::string* const header = find_header(call.request.headers, "x-amz-sso_bearer_token");
  const std::string shown = header != nullptr ? *header : std::string();
  if (!call.is_token(shown) && !call.issuer.knows_token(TokenKind::sso_access, shown, call.now_ms))
    return refused_json(401, "Session token not found or invalid");
  const Credential credential = call.issue("SSO");
  return json(fmt::format(R"({{"roleCredentials": {{"accessKeyId": "{}", "secretAccessKey": "{}", )"
                          R"("sessionToken": "{}", "expiration": {}}}}})",
                          credential.access_key, credential.secret_key, credential.session_token,
                          *credential.expires_ms));
}

Response answer_oidc(const ServiceCall& call) {
  simdjson::dom::parser parser;
  simdjson::dom::object given;
  if (parser.parse(call.request.body).get(given) != simdjson::SUCCESS)
    return refused_grant("invalid_request");
  if (text_of(given, "grantType") != "refresh_token")
    return refused_grant("unsupported_grant_type");
  if (text_of(given, "clientId").empty() || text_of(given, "clientSecret").empty())
    return refused_grant("invalid_client");
  const std::string shown = text_of(given, "refreshToken");
  if (!call.is_token(shown) && !call.issuer.knows_token(TokenKind::sso_refresh, shown, call.now_ms))
    return refused_grant("invalid_grant");
  const std::int64_t seconds = call.options.lifetime.count();
  const std::int64_t expires_ms = call.now_ms + seconds * 1000;
  const std::string access = call.issuer.issue_token(TokenKind::sso_access, expires_ms);
  const std::string refresh = call.issuer.issue_token(TokenKind::sso_refresh, expires_ms * 2);
  return json(fmt::format(
      R"({{"accessToken": "{}", "expiresIn": {}, "refreshToken": "{}", "tokenType": "Bearer"}})",
      access, seconds, refresh));
}

}  // namespace sluice::origin
