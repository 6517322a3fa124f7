#include "aws/sso.hpp"

#include "aws/credentials_json.hpp"
#include "aws/messages.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

/// A token is renewed so long before its end ("SSO token provider" of the AWS SDKs).
constexpr auto kTokenWindow = 5min;

Error login_needed(const SharedConfig& config, const std::string& why) {
  return credentials_error("profile " + text::escaped(config.profile) + ": " + why +
                           "; run `aws sso login --profile " + text::escaped(config.profile) + "`");
}

/// Named after the session, or, in the older form, after the address.
Result<std::string> cache_path(const World& world, const SsoSource& source) {
  const std::optional<std::string> home = variable(world.environment, "HOME");
  if (!home) return credentials_error("HOME is not set, so there is no cache of single sign-on");
  const std::string& name = source.session.empty() ? source.start_url : source.session;
  const std::string digest = crypto::digest(crypto::Algorithm::sha1, crypto::bytes_of(name));
  return *home + "/.aws/sso/cache/" + text::hex(crypto::bytes_of(digest)) + ".json";
}

/// Replaces the file in one step. A failure is not reported: the token is at hand, and the next run
/// renews it again or says what to do.
void write_back(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".sluice-" + std::to_string(::getpid());
  const int descriptor =
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return;
  const ssize_t written = ::write(descriptor, content.data(), content.size());
  const bool whole = written == static_cast<ssize_t>(content.size()) && ::fsync(descriptor) == 0;
  if (::close(descriptor) != 0 || !whole || std::rename(fresh.c_str(), path.c_str()) != 0)
    ::unlink(fresh.c_str());
}

Result<ServiceRequest> renewal_request(const ServicePlace& place, const SsoToken& token) {
  Result<ServiceRequest> request = service_request(place.url, http::Method::post, "/token");
  if (!request) return request;
  request->request.headers.emplace_back("Content-Type", "application/json");
  request->request.body = "{\"clientId\": \"" + text::json_escaped(token.client_id) +
                          "\", \"clientSecret\": \"" + text::json_escaped(token.client_secret) +
                          "\", \"grantType\": \"refresh_token\", \"refreshToken\": \"" +
                          text::json_escaped(token.refresh_token) + "\"}";
  return request;
}

bool can_be_renewed(const SsoSource& source, const SsoToken& token, WallTime now) {
  return !source.session.empty() && !token.refresh_token.empty() && !token.client_id.empty() &&
         !token.client_secret.empty() &&
         (!token.registration_expires || *token.registration_expires > now);
}

/// CreateToken of SSO OIDC.
async::Task<Result<CreatedToken>> renew(const World& world, async::Runtime& runtime,
                                        const SharedConfig& config, const SsoSource& source,
                                        const SsoToken& token) {
  const Result<ServicePlace> place =
      place_of_service(world, config, "sso_oidc", "oidc", source.region);
  if (!place) co_return place.error();
  Result<ServiceRequest> request = renewal_request(*place, token);
  if (!request) co_return request.error();
  const Result<ServiceAnswer> answer = co_await ask_service(world, runtime, *std::move(request));
  if (!answer) co_return answer.error();
  if (answer->status == 200) co_return parse_created_token(answer->body);
  Error error = credentials_error("it answered with status " + std::to_string(answer->status));
  if (answer->status == 429 || answer->status >= 500) error.kind = ErrorKind::transient;
  co_return error;
}

/// A token that is good now.
async::Task<Result<std::string>> good_token(const World& world, async::Runtime& runtime,
                                            const SharedConfig& config, const SsoSource& source) {
  const Result<std::string> path = cache_path(world, source);
  if (!path) co_return path.error();
  const Result<std::string> document = read_small_file(*path);
  if (!document && document.error().os_error == ENOENT)
    co_return login_needed(config, "there is no token of single sign-on (" + *path + ")");
  if (!document) co_return while_asking("single sign-on", document.error());
  Result<SsoToken> token = parse_sso_token(*document);
  if (!token) co_return login_needed(config, *path + " is not usable: " + token.error().message);

  const WallTime now = world.now();
  const bool is_good = token->expires > now;
  if (token->expires > now + kTokenWindow) co_return std::move(token->access_token);
  if (!can_be_renewed(source, *token, now)) {
    if (is_good) co_return std::move(token->access_token);
    co_return login_needed(config, "the token of single sign-on has expired");
  }
  const Result<CreatedToken> created = co_await renew(world, runtime, config, source, *token);
  if (!created) {
    if (is_good) co_return std::move(token->access_token);
    const Error error = while_asking("renewing the token of single sign-on", created.error());
    if (error.kind != ErrorKind::credentials) co_return error;
    co_return login_needed(config, error.message);
  }
  const Result<std::string> renewed =
      with_created_token(*document, *created, now + created->lifetime);
  if (renewed) write_back(*path, *renewed);
  co_return created->access_token;
}

}  // namespace

async::Task<Result<Credentials>> credentials_from_sso(const World& world, async::Runtime& runtime,
                                                      const SharedConfig& config,
                                                      SsoSource source) {
  const Result<std::string> token = co_await good_token(world, runtime, config, source);
  if (!token) co_return token.error();
  const Result<ServicePlace> place =
      place_of_service(world, config, "sso", "portal.sso", source.region);
  if (!place) co_return place.error();
  std::string target = "/federation/credentials?role_name=" +
                       text::uri_encoded(source.role_name, text::Slash::encode) +
                       "&account_id=" + text::uri_encoded(source.account_id, text::Slash::encode);
  Result<ServiceRequest> request =
      service_request(place->url, http::Method::get, std::move(target));
  if (!request) co_return while_asking("single sign-on", request.error());
  request->request.headers.emplace_back("x-amz-sso_bearer_token", *token);

  const std::string what = "asking single sign-on at " + place->url + " for the role " +
                           text::escaped(source.role_name) + " of account " +
                           text::escaped(source.account_id);
  const Result<ServiceAnswer> answer = co_await ask_service(world, runtime, *std::move(request));
  if (!answer) co_return while_asking(what, answer.error());
  if (answer->status == 200) {
    Result<Credentials> credentials = parse_role_credentials(answer->body);
    if (!credentials) co_return while_asking(what, credentials.error());
    co_return credentials;
  }
  if (answer->status == 401)
    co_return login_needed(config, "the token of single sign-on is no longer accepted");
  Error error =
      credentials_error(what + ": it answered with status " + std::to_string(answer->status) +
                        "; look whether the account and the role are yours");
  if (answer->status == 429 || answer->status >= 500) error.kind = ErrorKind::transient;
  error.http_status = answer->status;
  co_return error;
}

}  // namespace sluice::aws
