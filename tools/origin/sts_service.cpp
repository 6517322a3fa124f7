// AWS Security Token Service API reference: AssumeRole, AssumeRoleWithWebIdentity, common errors.
#include "origin/credential_services.hpp"
#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluice::origin {
namespace {

constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr std::int64_t kDurationSecondsMin = 900;
constexpr std::int64_t kDurationSecondsMax = 43'200;
constexpr std::int64_t kDurationSecondsDefault = 3'600;

Response refused(const ServiceCall& call, int status, std::string_view code,
                 std::string_view message) {
  Response response;
  response.status = status;
  set_body(response,
           fmt::format("<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>Sender</Type>\n"
                       "    <Code>{}</Code>\n    <Message>{}</Message>\n  </Error>\n"
                       "  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
                       kNamespace, code, xml_escape(message), call.request_id),
           "text/xml");
  return response;
}

Response refused_signature(const ServiceCall& call) {
  switch (call.verification.failure) {
    case AuthFailure::anonymous:
      return refused(call, 403, "MissingAuthenticationToken",
                     "Request is missing Authentication Token");
    case AuthFailure::malformed:
      return refused(call, 400, "IncompleteSignature", call.verification.detail);
    case AuthFailure::unknown_access_key:
    case AuthFailure::invalid_token:
      return refused(call, 403, "InvalidClientTokenId",
                     "The security token included in the request is invalid.");
    case AuthFailure::expired_token:
      return refused(call, 403, "ExpiredToken",
                     "The security token included in the request is expired");
    default:
      return refused(call, 403, "SignatureDoesNotMatch", call.verification.detail);
  }
}

std::string parameter(const ServiceCall& call, std::string_view name) {
  const auto found = call.route.query.find(name);
  return found != call.route.query.end() ? found->second : std::string();
}

// 0 if it is no number that is allowed.
std::int64_t duration_of(const ServiceCall& call) {
  const std::string text = parameter(call, "DurationSeconds");
  if (text.empty()) return kDurationSecondsDefault;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && seconds >= kDurationSecondsMin && seconds <= kDurationSecondsMax ? seconds : 0;
}

Response granted(const ServiceCall& call, const Credential& credential) {
  const std::string& action = call.route.key;
  const std::string session = parameter(call, "RoleSessionName");
  Response response;
  set_body(
      response,
      fmt::format("<{0}Response xmlns=\"{1}\">\n  <{0}Result>\n    <AssumedRoleUser>\n"
                  "      <AssumedRoleId>AROAORIGIN:{2}</AssumedRoleId>\n"
                  "      <Arn>{3}/{2}</Arn>\n    </AssumedRoleUser>\n    <Credentials>\n"
                  "      <AccessKeyId>{4}</AccessKeyId>\n"
                  "      <SecretAccessKey>{5}</SecretAccessKey>\n"
                  "      <SessionToken>{6}</SessionToken>\n"
                  "      <Expiration>{7}</Expiration>\n    </Credentials>\n  </{0}Result>\n"
                  "  <ResponseMetadata>\n    <RequestId>{8}</RequestId>\n"
                  "  </ResponseMetadata>\n</{0}Response>\n",
                  action, kNamespace, xml_escape(session), xml_escape(parameter(call, "RoleArn")),
                  credential.access_key, credential.secret_key, credential.session_token,
                  iso_second(*credential.expires_ms), call.request_id),
      "text/xml");
  return response;
}

}  // namespace

Response answer_sts(const ServiceCall& call) {
  const bool by_token = call.route.key == "AssumeRoleWithWebIdentity";
  if (!by_token && !is_signed_call(call.route))
    return refused(call, 400, "InvalidAction", "Could not find operation " + call.route.key);
  if (!by_token && call.verification.failure != AuthFailure::none) return refused_signature(call);
  if (!call.route.readable || parameter(call, "Version") != "2011-06-15")
    return refused(call, 400, "ValidationError", "the form cannot be read, or of another version");
  for (const std::string_view name : {"RoleArn", "RoleSessionName"})
    if (parameter(call, name).size() < 2)
      return refused(call, 400, "ValidationError", std::string(name) + " is missing or too short");
  const std::int64_t seconds = duration_of(call);
  if (seconds == 0)
    return refused(call, 400, "ValidationError", "DurationSeconds is not from 900 to 43200");
  if (by_token && !call.is_token(parameter(call, "WebIdentityToken")))
    return refused(call, 400, "InvalidIdentityToken", "The web identity token is not valid");
  return granted(call, call.issue(by_token ? "WEBID" : "STS", seconds));
}

}  // namespace sluice::origin
