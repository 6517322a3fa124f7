// "Retrieve instance metadata" and "Retrieve security credentials", EC2 user guide.
#include "origin/credential_services.hpp"
#include "origin/dates.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluice::origin {
namespace {

constexpr std::string_view kRole = "origin-role";
constexpr std::string_view kTokenHeader = "X-aws-ec2-metadata-token";
constexpr std::string_view kTtlHeader = "X-aws-ec2-metadata-token-ttl-seconds";
constexpr int kTtlSecondsMax = 21'600;

Response text(int status, std::string body) {
  Response response;
  response.status = status;
  set_body(response, std::move(body), "text/plain");
  return response;
}

Response answer_token(const ServiceCall& call) {
  // So that no proxy asks on behalf of somebody else.
  if (find_header(call.request.headers, "X-Forwarded-For") != nullptr) return text(403, "");
  const std::string* const ttl = find_header(call.request.headers, kTtlHeader);
  int seconds = 0;
  if (ttl != nullptr) std::from_chars(ttl->data(), ttl->data() + ttl->size(), seconds);
  if (seconds < 1 || seconds > kTtlSecondsMax) return text(400, "");
  Response response =
      text(200, call.issuer.issue_token(TokenKind::instance, call.now_ms + seconds * 1000LL));
  response.headers.push_back({std::string(kTtlHeader), std::to_string(seconds)});
  return response;
}

}  // namespace

Response answer_instance(const ServiceCall& call) {
  const bool version_1 = call.options.instance_version == InstanceVersion::one;
  if (call.route.key == "latest/api/token") {
    if (version_1) return text(404, "");
    return call.request.method == "PUT" ? answer_token(call) : text(405, "");
  }
  if (call.request.method != "GET") return text(405, "");
  const std::string* const token = find_header(call.request.headers, kTokenHeader);
  const bool known =
      token != nullptr && call.issuer.knows_token(TokenKind::instance, *token, call.now_ms);
  if (!known && !version_1) return text(401, "");
  constexpr std::string_view kRoles = "latest/meta-data/iam/security-credentials/";
  const std::string_view path = call.route.key;
  if (path == kRoles || path == kRoles.substr(0, kRoles.size() - 1))
    return text(200, std::string(kRole));
  if (path != std::string(kRoles) + std::string(kRole)) return text(404, "");
  const std::string more = fmt::format(
      R"("Code": "Success", "LastUpdated": "{}", "Type": "AWS-HMAC", )", iso_second(call.now_ms));
  return text(200, credentials_document(call.issue("IMDS"), more));
}

}  // namespace sluice::origin
