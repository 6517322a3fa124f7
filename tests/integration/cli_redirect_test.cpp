// Buckets in other regions: what the program corrects, and where it never goes.
#include "cli_fixture.hpp"
#include "origin/certificate.hpp"
#include "tunnel.hpp"

namespace sluice::testing {
namespace {

using origin::AuthFailure;
using origin::WrongRegion;
using ::testing::ElementsAre;

class CliRedirect : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    bucket_->put("a", "hello");
    bucket_->put("b/c", "world");
    environment_["AWS_REGION"] = "us-east-1";
    trap_.start();
  }

  ServerOptions elsewhere(WrongRegion how) const {
    ServerOptions options = with_credentials();
    options.region = "eu-central-1";
    options.wrong_region = how;
    return options;
  }
  std::uint64_t wrong_regions() const {
    const origin::RequestCounts counts = server_->counts();
    const auto found = counts.auth_failures.find(AuthFailure::wrong_region);
    return found == counts.auth_failures.end() ? 0 : found->second;
  }
  void expect_nobody_was_trapped() const {
    EXPECT_EQ(trap_.counts().connections, 0U) << "a redirect was followed";
  }

  Server trap_{ServerOptions{}};  ///< where hostile answers point
};

TEST_F(CliRedirect, TheRegionIsCorrectedOnce) {
  for (const WrongRegion how :
       {WrongRegion::malformed, WrongRegion::redirect, WrongRegion::temporary}) {
    ServerOptions options = elsewhere(how);
    if (how != WrongRegion::malformed) options.redirect_to = trap_.url() + "/photos?list-type=2";
    serve(std::move(options));
    const std::string name = "mirror-" + std::to_string(static_cast<int>(how));
    const Ran ran = run({"sync", "s3://photos", work_ / name});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(tree_of(work_ / name),
              (std::map<std::string, std::string>{{"a", "hello"}, {"b/c", "world"}}));
    EXPECT_EQ(wrong_regions(), 1U) << "the answer was not kept";
    EXPECT_EQ(server_->counts().refused_signatures(), 0U);
  }
  expect_nobody_was_trapped();
}

TEST_F(CliRedirect, WithoutAGoodRegionNothingIsFollowed) {
  const std::string there = trap_.url() + "/photos";
  const auto redirect = [&](int status, const char* code, const std::string& region) {
    origin::Rule any;  // also the HEAD that asks for the region
    any.actions.push_back(faults::status(status, code, there,
                                         {{"Location", there}, {"x-amz-bucket-region", region}}));
    return any;
  };
  struct Case {
    origin::Rule answer;
    int status;
    const char* complaint;
  };
  const Case cases[] = {
      {redirect(301, "PermanentRedirect", ""), 2, "the service does not say where it is"},
      {redirect(307, "TemporaryRedirect", "127.0.0.1:" + std::to_string(trap_.port()) + "/"), 2,
       "the service does not say where it is"},
      {redirect(307, "", "evil.example"), 2, "the endpoint redirects elsewhere"},
      {redirect(302, "", "x@evil"), 5, "no proxy or login page answers in its place"},
      {redirect(400, "AuthorizationHeaderMalformed", "../evil"), 2,
       "the service does not say where it is"},
  };
  for (const Case& each : cases) {
    server_->set_faults({each.answer});
    const Ran ran = sync({"--max-attempts", "1"});
    expect(ran, each.status, each.complaint);
    EXPECT_FALSE(has(ran.err, trap_.url())) << ran.err;
    EXPECT_FALSE(has(ran.err, kAccessKey)) << ran.err;
  }
  expect_nobody_was_trapped();
}

TEST_F(CliRedirect, AServerThatRedirectsForEverIsLeft) {
  int asked = 0;
  origin::Rule around;
  around.actions.push_back(faults::call([&asked](origin::Exchange& exchange) {
    exchange.answer.page.reset();
    exchange.answer.response.status = 301;
    exchange.answer.response.headers.push_back(
        {"x-amz-bucket-region", "region-" + std::to_string(++asked)});
  }));
  server_->set_faults({around});
  const Ran ran = sync();
  EXPECT_EQ(ran.status, 2) << ran.err;
  server_->stop();  // nobody counts on
  EXPECT_LE(asked, 4) << ran.err;
}

// With the names of AWS, through a proxy that leads all of them to the origin.
class CliOnAws : public CliRedirect {
 protected:
  void SetUp() override {
    CliRedirect::SetUp();
    origin::CertificateOptions names;
    names.dns_names = {"photos.s3.us-east-1.amazonaws.com", "photos.s3.eu-central-1.amazonaws.com",
                       "sts.us-east-1.amazonaws.com"};
    certificate_ = origin::make_test_certificate(names);
    write_file(home_ / "ca.pem", certificate_.ca_pem);
    environment_["AWS_CA_BUNDLE"] = home_ / "ca.pem";
    on_aws(elsewhere(WrongRegion::redirect));
  }
  void on_aws(ServerOptions options) {
    options.tls = certificate_.tls();
    serve(std::move(options));
    environment_.erase("AWS_ENDPOINT_URL");
    tunnel_ = std::make_unique<Tunnel>(server_->port());
    environment_["https_proxy"] = tunnel_->url();
  }

  origin::TestCertificate certificate_;
  std::unique_ptr<Tunnel> tunnel_;
};

TEST_F(CliOnAws, TheHostFollowsTheRegion) {
  const Ran ran = sync({"--transfers", "1", "--list-concurrency", "1"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(tree_of(dir()).size(), 2U);
  const std::vector<std::string> targets = tunnel_->targets();
  ASSERT_GE(targets.size(), 2U);
  EXPECT_EQ(targets[0], "photos.s3.us-east-1.amazonaws.com:443");
  for (std::size_t n = 1; n < targets.size(); ++n)
    EXPECT_EQ(targets[n], "photos.s3.eu-central-1.amazonaws.com:443");
}

TEST_F(CliOnAws, AHostileRegionLeadsOutOfAwsNowhere) {
  for (const char* const region : {"evil", "evil.example", "evil.example/x", "a:1@b"}) {
    origin::Rule any;
    any.actions.push_back(faults::status(
        301, "PermanentRedirect", "",
        {{"x-amz-bucket-region", region}, {"Location", "https://evil.example/photos"}}));
    server_->set_faults({any});
    EXPECT_NE(sync({"--max-attempts", "1"}).status, 0) << region;
  }
  for (const std::string& target : tunnel_->targets()) {
    const bool ours = target == "photos.s3.us-east-1.amazonaws.com:443";
    // As good a label as any: a host of AWS, which has none of that name.
    EXPECT_TRUE(ours || target == "photos.s3.evil.amazonaws.com:443") << target;
  }
}

TEST_F(CliOnAws, RolesAreAskedOfStsInTheRegion) {
  ServerOptions options = elsewhere(WrongRegion::redirect);
  options.services.sts = true;
  on_aws(std::move(options));
  write_file(home_ / "config", "[profile base]\naws_access_key_id = " + std::string(kAccessKey) +
                                   "\naws_secret_access_key = " + kSecretKey +
                                   "\n[profile role]\nrole_arn = arn:aws:iam::1:role/reader\n"
                                   "source_profile = base\n");
  environment_["AWS_CONFIG_FILE"] = home_ / "config";
  const Ran ran = sync({"--profile", "role"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::vector<std::string> targets = tunnel_->targets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(targets[0], "sts.us-east-1.amazonaws.com:443");
  for (const auto& request : server_->requests()) {
    const bool of_role = request.access_key.starts_with("ASIASTS");
    EXPECT_EQ(of_role, request.operation != Operation::sts) << request.target;
  }
}

}  // namespace
}  // namespace sluice::testing
