#include "aws/credentials_json.hpp"
#include "aws/messages.hpp"
#include "aws/providers.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>

/// "Container credential provider", AWS SDKs and Tools reference guide.
namespace sluice::aws {
namespace {

constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr std::string_view kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

constexpr std::string_view kEcs = "http://169.254.170.2";

/// Hosts that may be told the token without TLS: this machine, ECS, and EKS Pod Identity.
bool is_near(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127 || host == "169.254.170.2" || host == "169.254.170.23";
  in6_addr v6{};
  in6_addr eks{};
  ::inet_pton(AF_INET6, "fd00:ec2::23", &eks);
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || std::equal(v6.s6_addr, v6.s6_addr + 16, eks.s6_addr);
}

class ContainerProvider final : public CredentialsProvider {
 public:
  explicit ContainerProvider(World world) : world_(std::move(world)) {}

  std::string name() const override { return "container credentials"; }

  async::Task<CredentialsAnswer> get(async::Runtime& runtime) override {
    const bool relative = variable(world_.environment, kRelative).has_value();
    if (!relative && !variable(world_.environment, kFull)) co_return std::optional<Credentials>();
    const std::string what(relative ? kRelative : kFull);
    Result<ServiceRequest> request = relative ? relative_request() : full_request();
    if (!request) co_return while_asking(what, request.error());
    const Result<void> authorised = authorise(request->request);
    if (!authorised) co_return authorised.error();

    const Result<ServiceAnswer> answer = co_await ask_service(world_, runtime, *std::move(request));
    if (!answer) co_return while_asking("container credentials (" + what + ")", answer.error());
    if (answer->status != 200) co_return refused(what, answer->status);
    Result<Credentials> credentials = parse_metadata_credentials(answer->body);
    if (!credentials)
      co_return while_asking("the answer of the address in " + what, credentials.error());
    co_return std::optional<Credentials>(*std::move(credentials));
  }

 private:
  Result<ServiceRequest> relative_request() const {
    const std::string path = *variable(world_.environment, kRelative);
    if (!path.starts_with('/')) return credentials_error("it must begin with a slash");
    return request_to(kEcs, path);
  }

  Result<ServiceRequest> full_request() const {
    const std::string url = *variable(world_.environment, kFull);
    const std::size_t scheme = url.find("://");
    const std::size_t path = url.find_first_of("/?", scheme == std::string::npos ? 0 : scheme + 3);
    std::string target = path == std::string::npos ? "/" : url.substr(path);
    if (target.starts_with('?')) target.insert(0, "/");
    Result<ServiceRequest> request = request_to(url.substr(0, path), target);
    if (!request) return request;
    if (request->endpoint.scheme == http::Scheme::http && !is_near(request->endpoint.host))
      return credentials_error(
          "its host is neither this machine nor one of ECS and EKS (169.254.170.2, "
          "169.254.170.23, fd00:ec2::23), so it must be an https address");
    return request;
  }

  static Result<ServiceRequest> request_to(std::string_view url, const std::string& target) {
    if (!is_header_value(target) || target.find_first_of(" #") != std::string::npos)
      return credentials_error("it has characters that no address has");
    Result<ServiceRequest> request = service_request(url, http::Method::get, target);
    if (!request) return request;
    request->patience =
        request->endpoint.scheme == http::Scheme::http ? Patience::container : Patience::internet;
    request->request.headers.emplace_back("Accept", "application/json");
    return request;
  }

  /// The token is read each time: EKS replaces the file.
  Result<void> authorise(http::Request& request) const {
    std::string token;
    std::string_view from = kTokenFile;
    if (const auto path = variable(world_.environment, kTokenFile)) {
      Result<std::string> content = read_small_file(*path);
      if (!content) return while_asking(std::string(kTokenFile), content.error());
      token = *std::move(content);
    } else if (const auto given = world_.environment(kToken)) {
      token = *given;
      from = kToken;
    } else {
      return {};
    }
    if (!is_header_value(token))
      return credentials_error("the token of " + std::string(from) +
                               " is empty or has a line break or another character that a header "
                               "cannot have; write it without one");
    request.headers.emplace_back("Authorization", std::move(token));
    return {};
  }

  static Error refused(const std::string& what, int status) {
    Error error = credentials_error("the address in " + what + " answered with status " +
                                    std::to_string(status) + "; see what it logged");
    if (status == 429 || status >= 500) error.kind = ErrorKind::transient;
    error.http_status = status;
    return error;
  }

  const World world_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_container_provider(World world) {
  return std::make_shared<ContainerProvider>(std::move(world));
}

}  // namespace sluice::aws
