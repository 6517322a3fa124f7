// Half a day of each source of credentials, by a clock of its own: the chain asks the origin's
// services over sockets, and the origin's S3 takes only what they gave and while it is good.
#include "../unit/aws/fake_services.hpp"
#include "aws/signer.hpp"
#include "origin/faults.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"

#include <atomic>
#include <set>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;
namespace faults = origin::faults;

constexpr auto kStep = 5min;
constexpr int kSteps = 12 * 12;
constexpr const char* kToken = "token-of-the-services";

class Rotation : public tests::SharedFiles {
 protected:
  Rotation() {
    origin::ServerOptions options;
    options.credentials = {{"AKIDEXAMPLE", "secret"}};
    options.services.instance = options.services.container = true;
    options.services.sts = options.services.sso = true;
    options.services.token = kToken;
    options.services.lifetime = 1h;
    options.clock_ms = [this] { return now_ms_.load(); };
    server_ = std::make_unique<origin::Server>(std::move(options));
    auto bucket = std::make_shared<origin::MemoryBucket>();
    bucket->put("k", "hello");
    server_->add_bucket("b", bucket);
    server_->start();
    variables_["AWS_ENDPOINT_URL"] = server_->url();
    variables_["AWS_EC2_METADATA_DISABLED"] = "true";
    write(home_ / "token", kToken);
  }

  WallTime now() const { return WallTime(std::chrono::milliseconds(now_ms_)); }

  /// Every five minutes S3 is asked with what the chain gives; now and then the services refuse.
  void live_for_twelve_hours(const std::string& from) {
    const auto config = load();
    ASSERT_TRUE(config) << config.error().message;
    world_ = real_world(environment(), *config);
    world_.now = [this] { return now(); };
    const auto chain = default_chain(world_, *config);
    const auto runtime = async::make_threaded_runtime({});
    runtime->run([&] { return live(*runtime, *chain); });
    EXPECT_EQ(good_, kSteps);
    EXPECT_EQ(server_->counts().refused_signatures(), 0U);
    // One in 45 to 55 minutes, since it is renewed 15 minutes before its end, or after the outage.
    EXPECT_GE(keys_.size(), 13U);
    EXPECT_LE(keys_.size(), 17U);
    for (const std::string& key : keys_)
      EXPECT_TRUE(key.starts_with(from)) << key;
  }

 private:
  async::Task<void> live(async::Runtime& runtime, CredentialsProvider& chain) {
    for (int step = 0; step < kSteps; ++step) {
      set_outage(step);
      const auto answer = co_await chain.get(runtime);
      EXPECT_TRUE(answer) << answer.error().message;
      if (!answer) co_return;
      const Credentials credentials = answer->value();
      keys_.insert(credentials.access_key);
      ServiceRequest request = signed_get(credentials);
      const auto got = co_await world_.exchange(runtime, std::move(request));
      EXPECT_TRUE(got) << got.error().message;
      if (!got) co_return;
      EXPECT_EQ(got->status, 200) << "in step " << step << ": " << got->body;
      if (got->status == 200) ++good_;
      now_ms_ += std::chrono::milliseconds(kStep).count();
    }
  }

  /// For ten minutes in every 35, so that many a renewal meets one. The keys outlast it.
  void set_outage(int step) {
    if (step % 7 == 5) {
      std::vector<origin::Rule> rules;
      for (const origin::Operation each :
           {origin::Operation::instance, origin::Operation::container, origin::Operation::sts,
            origin::Operation::sso, origin::Operation::oidc}) {
        origin::Rule& rule = rules.emplace_back();
        rule.match.operation = each;
        rule.actions.push_back(faults::status(403));
      }
      server_->set_faults(std::move(rules));
    }
    if (step % 7 == 0) server_->clear_faults();
  }

  ServiceRequest signed_get(const Credentials& credentials) {
    ServiceRequest request = service_request(server_->url(), http::Method::get, "/b/k").value();
    SigningInput input;
    input.path = request.request.target;
    input.headers = request.request.headers;
    http::Request signed_request = signer_.sign(input, credentials, now_ms_ / 1000);
    request.request = std::move(signed_request);
    return request;
  }

  std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
  World world_;
  Signer signer_{"us-east-1"};
  std::set<std::string> keys_;
  int good_ = 0;

 protected:
  std::unique_ptr<origin::Server> server_;  // last: its threads read the clock
};

TEST_F(Rotation, InstanceMetadata) {
  variables_.erase("AWS_EC2_METADATA_DISABLED");
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_->url();
  live_for_twelve_hours("ASIAIMDS");
}

TEST_F(Rotation, Container) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_->url() + "/v1/credentials";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = home_ / "token";
  live_for_twelve_hours("ASIATASK");
}

TEST_F(Rotation, Role) {
  write_config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n");
  write_credentials("[base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n");
  live_for_twelve_hours("ASIASTS");
}

TEST_F(Rotation, RoleOfARoleOfAContainer) {
  write_config(
      "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = middle\n"
      "[profile middle]\nrole_arn = arn:aws:iam::1:role/m\ncredential_source = EcsContainer\n");
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_->url() + "/v2/credentials/id";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = kToken;
  live_for_twelve_hours("ASIASTS");
}

TEST_F(Rotation, WebIdentity) {
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = home_ / "token";
  variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  live_for_twelve_hours("ASIAWEBID");
}

TEST_F(Rotation, SingleSignOn) {
  write_config(
      "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = reader\n"
      "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.example/start\n");
  std::filesystem::create_directories(home_ / ".aws/sso/cache");
  // Named after the session: its SHA-1.
  write(home_ / ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
        std::string(R"({"accessToken": "other", "expiresAt": "2023-11-14T22:13:21Z", )") +
            R"("refreshToken": ")" + kToken + R"(", "clientId": "c", "clientSecret": "s"})");
  live_for_twelve_hours("ASIASSO");
  const auto renewals = server_->counts().of(origin::Operation::oidc);
  EXPECT_GE(renewals, 6U) << "its token lasts an hour too";
}

}  // namespace
}  // namespace sluice::aws
