#include "aws/sts.hpp"

#include "aws/endpoint.hpp"
#include "aws/messages.hpp"
#include "aws/signer.hpp"
#include "base/text.hpp"
#include "crypto/hmac.hpp"
#include "http/url.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

namespace sluice::aws {
namespace {

/// AWS refuses signatures that are more than 5 minutes off; less is not the clock's fault.
constexpr std::int64_t kFarSkewSeconds = 240;

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string form(const Parameters& parameters) {
  std::string body;
  for (const auto& [name, value] : parameters) {
    if (!body.empty()) body += '&';
    body += name + '=' + text::uri_encoded(value, text::Slash::encode);
  }
  return body;
}

Parameters role_parameters(const char* operation, const Role& role, std::int64_t now) {
  Parameters parameters = {{"Action", operation}, {"Version", "2011-06-15"}};
  parameters.emplace_back("RoleArn", role.arn);
  parameters.emplace_back("RoleSessionName", role.session_name.empty()
                                                 ? "sluice-" + std::to_string(now)
                                                 : role.session_name);
  if (!role.external_id.empty()) parameters.emplace_back("ExternalId", role.external_id);
  if (role.duration.count() != 0)
    parameters.emplace_back("DurationSeconds", std::to_string(role.duration.count()));
  return parameters;
}

/// A POST to STS, as it is before it is signed.
struct Call {
  std::string operation;
  std::string what;  ///< "assuming role ARN at URL", for messages
  ServicePlace place;
  std::string body;
  std::string secret;  ///< that must not be quoted, besides those of `base`
};

Result<ServiceRequest> request_of(const Call& call, const Credentials* base, std::int64_t now) {
  Result<ServiceRequest> request = service_request(call.place.url, http::Method::post, "/");
  if (!request) return request;
  request->request.body = call.body;
  const std::string type = "application/x-www-form-urlencoded; charset=utf-8";
  if (base == nullptr) {
    request->request.headers.emplace_back("Content-Type", type);
    return request;
  }
  SigningInput input;
  input.method = http::Method::post;
  input.path = request->request.target;
  input.headers = request->request.headers;
  input.headers.emplace_back("Content-Type", type);
  const std::string hash = text::hex(crypto::sha256(crypto::bytes_of(call.body)));
  input.payload_hash = hash;
  Signer signer(call.place.region, "sts");
  request->request = signer.sign(input, *base, now);
  request->request.body = call.body;
  return request;
}

/// The keys, or why there are none.
Result<Credentials> interpret(const Call& call, const Credentials* base,
                              const ServiceAnswer& answer) {
  Result<StsAnswer> parsed = parse_sts_answer(answer.body, call.operation);
  if (parsed && parsed->error_code.empty() && answer.status == 200)
    return std::move(parsed->credentials);
  std::string reason = "status " + std::to_string(answer.status);
  std::string code;
  if (parsed && !parsed->error_code.empty()) {
    const std::string secret_key = base != nullptr ? base->secret_key : std::string();
    const std::string token = base != nullptr ? base->session_token : std::string();
    code = as_said(parsed->error_code, {secret_key, token, call.secret});
    reason += ", " + code + ": " + as_said(parsed->error_message, {secret_key, token, call.secret});
  } else if (!parsed && answer.status == 200) {
    reason += ", but the answer is not usable: " + parsed.error().message;
  }
  Error error = credentials_error(call.what + ": the service answered with " + reason);
  if (answer.status == 429 || answer.status >= 500 || code == "IDPCommunicationError")
    error.kind = ErrorKind::transient;
  error.code = code;
  error.http_status = answer.status;
  return error;
}

/// How far off our clock is, if that may be why a signature was refused.
std::int64_t skew_of(const ServiceAnswer& answer, std::int64_t now) {
  const bool refused = answer.status == 400 || answer.status == 403;
  if (!refused || !answer.date) return 0;
  const std::int64_t skew = *answer.date - now;
  return std::abs(skew) > kFarSkewSeconds ? skew : 0;
}

async::Task<Result<Credentials>> perform(const World& world, async::Runtime& runtime, Call call,
                                         std::optional<Credentials> base) {
  const Credentials* const signing = base ? &*base : nullptr;
  std::int64_t skew = 0;
  while (true) {
    const std::int64_t now = unix_seconds(world.now());
    Result<ServiceRequest> request = request_of(call, signing, now + skew);
    if (!request) co_return while_asking(call.what, request.error());
    const Result<ServiceAnswer> answer = co_await ask_service(world, runtime, *std::move(request));
    if (!answer) co_return while_asking(call.what, answer.error());
    const bool may_be_the_clock = base && skew == 0;
    if (may_be_the_clock) skew = skew_of(*answer, now);
    if (!may_be_the_clock || skew == 0) co_return interpret(call, signing, *answer);
  }
}

}  // namespace

Result<ServicePlace> place_of_service(const World& world, const SharedConfig& config,
                                      std::string_view id, std::string_view host_name,
                                      std::string region) {
  ServicePlace place;
  place.region = region.empty() ? "us-east-1" : std::move(region);
  if (!http::is_dns_label(place.region))
    return credentials_error("the region " + text::escaped(place.region) +
                             " is not valid: it may have letters, digits and hyphens only");
  place.url = configured_endpoint(world.environment, config, id);
  if (!place.url.empty()) return place;
  EndpointVariant variant;
  variant.fips = config.use_fips;
  variant.dual_stack = config.use_dual_stack;
  place.url = "https://" + service_host(host_name, place.region, variant);
  return place;
}

async::Task<Result<Credentials>> assume_role(const World& world, async::Runtime& runtime,
                                             const SharedConfig& config, Role role,
                                             Credentials base) {
  const Result<ServicePlace> place = place_of_service(world, config, "sts", "sts", config.region);
  if (!place) co_return place.error();
  Call call;
  call.operation = "AssumeRole";
  call.what = "assuming the role " + text::escaped(role.arn) + " at " + place->url;
  call.place = *place;
  const Parameters parameters = role_parameters("AssumeRole", role, unix_seconds(world.now()));
  call.body = form(parameters);
  std::optional<Credentials> signing(std::move(base));
  co_return co_await perform(world, runtime, std::move(call), std::move(signing));
}

async::Task<Result<Credentials>> assume_role_with_web_identity(const World& world,
                                                               async::Runtime& runtime,
                                                               const SharedConfig& config,
                                                               WebIdentitySource source) {
  const Result<ServicePlace> place = place_of_service(world, config, "sts", "sts", config.region);
  if (!place) co_return place.error();
  Call call;
  call.operation = "AssumeRoleWithWebIdentity";
  call.what = "assuming the role " + text::escaped(source.role.arn) + " with the token in " +
              text::escaped(source.token_file) + " at " + place->url;
  const Result<std::string> token = read_small_file(source.token_file);
  if (!token) co_return while_asking(call.what, token.error());
  call.place = *place;
  call.secret = std::string(text::trimmed(*token));
  while (!call.secret.empty() && (call.secret.back() == '\n' || call.secret.back() == '\r'))
    call.secret.pop_back();
  if (!is_header_value(call.secret))
    co_return credentials_error(call.what + ": the file is empty or holds no token");
  Parameters parameters =
      role_parameters("AssumeRoleWithWebIdentity", source.role, unix_seconds(world.now()));
  parameters.emplace_back("WebIdentityToken", call.secret);
  call.body = form(parameters);
  co_return co_await perform(world, runtime, std::move(call), std::nullopt);
}

}  // namespace sluice::aws
