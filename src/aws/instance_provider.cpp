#include "aws/credentials_json.hpp"
#include "aws/messages.hpp"
#include "aws/providers.hpp"
#include "base/text.hpp"

#include <mutex>

/// "Retrieve security credentials from instance metadata", EC2 user guide; "IMDS credential
/// provider", AWS SDKs and Tools reference guide.
namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr const char* kTokenLifetime = "21600";  ///< seconds, the longest there is

/// While EC2 cannot renew them it gives out old ones, which its services go on to accept; the SDKs
/// ask again after 5 to 10 minutes.
constexpr auto kExtension = 10min;

/// Why a step did not lead to credentials.
struct Obstacle {
  enum class Kind : std::uint8_t {
    absent,  ///< there are none here
    silent,  ///< nobody answers: this is no instance, or one in trouble
    failed,  ///< it is an instance, and something is wrong
  };
  Obstacle() = default;
  Obstacle(Kind k, std::string text) : kind(k), reason(std::move(text)) {}

  Kind kind = Kind::absent;
  std::string reason;
};
using enum Obstacle::Kind;

template <class T>
using Step = boost::system::result<T, Obstacle>;

class InstanceProvider final : public CredentialsProvider {
 public:
  InstanceProvider(World world, Settings settings)
      : world_(std::move(world)), settings_(std::move(settings)) {}

  std::string name() const override {
    const std::lock_guard lock(mutex_);
    return "EC2 instance metadata" + (reason_.empty() ? "" : " (" + reason_ + ")");
  }

  async::Task<CredentialsAnswer> get(async::Runtime& runtime) override {
    if (text::iequals(setting("AWS_EC2_METADATA_DISABLED", ""), "true")) {
      note("switched off by AWS_EC2_METADATA_DISABLED");
      co_return std::optional<Credentials>();
    }
    Step<Credentials> step = co_await fetch(runtime);
    co_return settle(std::move(step));
  }

  void invalidate() override {
    const std::lock_guard lock(mutex_);
    held_.reset();
  }

 private:
  std::string setting(std::string_view variable_name, const std::string& name) const {
    if (auto value = variable(world_.environment, variable_name)) return *std::move(value);
    const auto found = settings_.find(name);
    return found == settings_.end() ? std::string() : found->second;
  }

  std::string base_url() const {
    std::string given =
        setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    if (!given.empty()) return given;
    const std::string mode =
        setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    return text::iequals(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  }

  /// Version 1 answers whoever can make this machine send a GET, so it has to be asked for.
  bool allows_v1() const {
    return text::iequals(setting("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"),
                         "false");
  }

  async::Task<Step<Credentials>> fetch(async::Runtime& runtime) {
    const Step<std::string> token = co_await fetch_token(runtime);
    if (!token) co_return token.error();
    const std::string list(kRolePath);
    const Step<std::string> roles = co_await read(runtime, list, *token);
    if (!roles) co_return roles.error();
    const std::string role(text::trimmed(roles->substr(0, roles->find_first_of("\r\n"))));
    if (!is_header_value(role)) co_return Obstacle(absent, "the instance has no role");
    const std::string path = list + text::uri_encoded(role, text::Slash::encode);
    const Step<std::string> document = co_await read(runtime, path, *token);
    if (!document) co_return document.error();
    Result<Credentials> credentials = parse_metadata_credentials(*document);
    if (!credentials)
      co_return Obstacle(failed, "its document is not usable: " + credentials.error().message);
    co_return *std::move(credentials);
  }

  /// Empty if version 1 is to be used.
  async::Task<Step<std::string>> fetch_token(async::Runtime& runtime) {
    Result<ServiceRequest> request =
        service_request(base_url(), http::Method::put, std::string(kTokenPath));
    if (!request) co_return Obstacle(failed, request.error().message);
    request->patience = Patience::instance;
    request->request.headers.emplace_back("X-aws-ec2-metadata-token-ttl-seconds", kTokenLifetime);
    const Result<ServiceAnswer> answer = co_await ask_service(world_, runtime, *std::move(request));
    if (!answer) co_return Obstacle(silent, answer.error().message);
    if (answer->status == 200 && is_header_value(answer->body))
      co_return Step<std::string>(answer->body);
    const bool knows_no_tokens = answer->status == 404 || answer->status == 405;
    if (knows_no_tokens && allows_v1()) co_return std::string();
    if (knows_no_tokens)
      co_return Obstacle(
          absent, "it offers only version 1, which AWS_EC2_METADATA_V1_DISABLED=false allows");
    if (answer->status == 403) co_return Obstacle(absent, "the instance does not allow it");
    co_return Obstacle(failed, "it answered with status " + std::to_string(answer->status) +
                                   " when asked for a token");
  }

  async::Task<Step<std::string>> read(async::Runtime& runtime, std::string path,
                                      std::string token) {
    Result<ServiceRequest> request = service_request(base_url(), http::Method::get, path);
    if (!request) co_return Obstacle(failed, request.error().message);
    request->patience = Patience::instance;
    if (!token.empty())
      request->request.headers.emplace_back("X-aws-ec2-metadata-token", std::move(token));
    Result<ServiceAnswer> answer = co_await ask_service(world_, runtime, *std::move(request));
    if (!answer) co_return Obstacle(failed, answer.error().message);
    if (answer->status == 404) co_return Obstacle(absent, "the instance has no role");
    if (answer->status != 200)
      co_return Obstacle(failed, "it answered with status " + std::to_string(answer->status));
    co_return Step<std::string>(std::move(answer->body));
  }

  void note(std::string reason) {
    const std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
  }

  CredentialsAnswer settle(Step<Credentials> step) {
    const std::lock_guard lock(mutex_);
    reason_ = step ? std::string() : step.error().reason;
    if (step) held_ = *step;
    if (!step && step.error().kind == absent) held_.reset();
    if (held_) {
      const WallTime now = world_.now();
      if (held_->expires && *held_->expires <= now) held_->expires = now + kExtension;
      return held_;
    }
    if (step.error().kind != failed) return std::optional<Credentials>();
    return Error(ErrorKind::transient, "EC2 instance metadata at " + base_url() + ": " + reason_);
  }

  const World world_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::string reason_;               ///< why it gave none
  std::optional<Credentials> held_;  ///< the last it gave
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_instance_provider(World world, Settings settings) {
  return std::make_shared<InstanceProvider>(std::move(world), std::move(settings));
}

}  // namespace sluice::aws
