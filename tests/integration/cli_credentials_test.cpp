// Credentials from every service that hands them out: the program against the origin, whose S3
// takes only what its services gave, and only while it is good.
#include "cli_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <thread>

namespace sluice::testing {
namespace {

using origin::AuthFailure;
using Variables = std::map<std::string, std::string>;

constexpr const char* kToken = "token-of-the-services";
constexpr const char* kInFiveYears = "2199-01-01T00:00:00Z";
constexpr const char* kLongAgo = "2020-01-01T00:00:00Z";

class CliCredentials : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    bucket_->put("a", "hello");
    bucket_->put("b/c", "world");
    environment_.erase("AWS_ACCESS_KEY_ID");
    environment_.erase("AWS_SECRET_ACCESS_KEY");
    std::filesystem::create_directories(home_ / ".aws/sso/cache");
    write_file(home_ / "token", kToken);
    offer(60s);
  }

  void offer(std::chrono::seconds lifetime) { offer(lifetime, origin::InstanceVersion::two); }
  void offer(std::chrono::seconds lifetime, origin::InstanceVersion version) {
    ServerOptions options = with_credentials();
    options.services.instance = options.services.container = true;
    options.services.sts = options.services.sso = true;
    options.services.instance_version = version;
    options.services.token = kToken;
    options.services.lifetime = lifetime;
    serve(std::move(options));
  }

  static std::string keys() {
    return std::string("aws_access_key_id = ") + kAccessKey +
           "\naws_secret_access_key = " + kSecretKey + "\n";
  }
  static std::string role(const std::string& name, const std::string& source) {
    return "[profile " + name + "]\nrole_arn = arn:aws:iam::1:role/" + name + "\n" + source + "\n";
  }
  void write_config(const std::string& text) {
    write_file(home_ / ".aws/config", text);
    ::chmod((home_ / ".aws/config").c_str(), 0600);
  }
  /// What `aws sso login` leaves behind for the session "corp".
  std::string sso_cache() const {
    return home_ / ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
  }
  static std::string sso_token(const std::string& access, const std::string& expires) {
    return R"({"accessToken": ")" + access + R"(", "expiresAt": ")" + expires +
           R"(", "refreshToken": ")" + kToken +
           R"(", "clientId": "c", "clientSecret": "s", "registrationExpiresAt": ")" + kInFiveYears +
           R"("})";
  }
  static std::string sso_profile() {
    return "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = reader\n"
           "[sso-session corp]\nsso_region = us-east-1\n"
           "sso_start_url = https://corp.awsapps.com/start\n";
  }
  Variables instance() const {
    return {{"AWS_EC2_METADATA_DISABLED", "false"},
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT", server_->url()}};
  }
  Variables container() const {
    return {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server_->url() + "/v1/credentials"},
            {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", home_ / "token"}};
  }
  void set(const Variables& variables) {
    for (const auto& [name, value] : variables)
      environment_[name] = value;
  }

  /// The access keys that S3 was shown.
  std::set<std::string> signers() const {
    std::set<std::string> out;
    for (const auto& request : server_->requests())
      if (!origin::is_credential_service(request.operation)) out.insert(request.access_key);
    return out;
  }
  std::uint64_t refused_as_expired() const {
    const origin::RequestCounts counts = server_->counts();
    const auto found = counts.auth_failures.find(AuthFailure::expired_token);
    return found == counts.auth_failures.end() ? 0 : found->second;
  }
  static void expect_no_secret(const Ran& ran) {
    for (const char* secret : {kToken, kSecretKey}) {
      EXPECT_FALSE(has(ran.out + ran.err, secret)) << ran.out << ran.err;
    }
  }
};

struct Source {
  const char* name;
  std::string config;
  Variables environment;
  Words flags;
  std::string signer;  ///< what the access key of S3's requests begins with
};

TEST_F(CliCredentials, EachSourceIsGoodForAMirror) {
  const std::string token_file = home_ / "token";
  write_file(sso_cache(), sso_token(kToken, kInFiveYears));
  write_file(home_ / ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json",
             sso_token(kToken, kInFiveYears));
  const std::string program = home_ / "program";
  write_file(program, "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"" +
                          std::string(kAccessKey) + "\", \"SecretAccessKey\": \"" + kSecretKey +
                          "\"}'\n");
  ASSERT_EQ(::chmod(program.c_str(), 0700), 0);
  const Words as_role = {"--profile", "role"};
  const Variables key_variables = {{"AWS_ACCESS_KEY_ID", kAccessKey},
                                   {"AWS_SECRET_ACCESS_KEY", kSecretKey}};
  const Source sources[] = {
      {"instance metadata", "", instance(), {}, "ASIAIMDS"},
      {"container", "", container(), {}, "ASIATASK"},
      {"web identity of the environment",
       "",
       {{"AWS_WEB_IDENTITY_TOKEN_FILE", token_file}, {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"}},
       {},
       "ASIAWEBID"},
      {"web identity of a profile",
       role("role", "web_identity_token_file = " + token_file),
       {},
       as_role,
       "ASIAWEBID"},
      {"role",
       role("role", "source_profile = base") + "[profile base]\n" + keys(),
       {{"AWS_PROFILE", "role"}},
       {},
       "ASIASTS"},
      {"role of a role",
       role("role", "source_profile = middle") + role("middle", "source_profile = base") +
           "[profile base]\n" + keys(),
       {},
       as_role,
       "ASIASTS"},
      {"role of an instance", role("role", "credential_source = Ec2InstanceMetadata"), instance(),
       as_role, "ASIASTS"},
      {"role of a container", role("role", "credential_source = EcsContainer"), container(),
       as_role, "ASIASTS"},
      {"role of the environment", role("role", "credential_source = Environment"), key_variables,
       as_role, "ASIASTS"},
      {"role of a program",
       role("role", "source_profile = base") + "[profile base]\ncredential_process = " + program +
           "\n",
       {},
       as_role,
       "ASIASTS"},
      {"program", "[default]\ncredential_process = " + program + "\n", {}, {}, kAccessKey},
      {"single sign-on", sso_profile(), {}, {}, "ASIASSO"},
      {"single sign-on in its older form",
       "[default]\nsso_account_id = 1\nsso_role_name = reader\nsso_region = us-east-1\n"
       "sso_start_url = https://corp.awsapps.com/start\n",
       {},
       {},
       "ASIASSO"},
  };
  const auto before = environment_;
  int number = 0;
  for (const Source& source : sources) {
    SCOPED_TRACE(source.name);
    environment_ = before;
    set(source.environment);
    write_config(source.config);
    server_->clear_requests();
    const std::string mirror = work_ / ("mirror-" + std::to_string(++number));
    Words words = {"sync", "s3://photos", mirror, "-v"};
    words.insert(words.end(), source.flags.begin(), source.flags.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(tree_of(mirror).size(), 2U);
    expect_no_secret(ran);
    const auto keys_seen = signers();
    ASSERT_EQ(keys_seen.size(), 1U) << "asked more than once";
    EXPECT_TRUE(keys_seen.begin()->starts_with(source.signer)) << *keys_seen.begin();
    EXPECT_EQ(server_->counts().refused_signatures(), 0U);
  }
}

TEST_F(CliCredentials, EachRoleIsAssumedWithTheKeysBeforeIt) {
  write_config(role("role", "source_profile = middle") +
               role("middle", "credential_source = EcsContainer"));
  set(container());
  EXPECT_EQ(sync({"--profile", "role"}).status, 0);
  std::vector<std::string> assumed_by;
  for (const auto& request : server_->requests())
    if (request.operation == Operation::sts) assumed_by.push_back(request.access_key);
  EXPECT_EQ(assumed_by, (std::vector<std::string>{"ASIATASK000000000001", "ASIASTS0000000000002"}));
  EXPECT_EQ(signers(), std::set<std::string>{"ASIASTS0000000000003"});
}

TEST_F(CliCredentials, ATokenOfSingleSignOnIsRenewedAndKept) {
  write_config(sso_profile());
  write_file(sso_cache(), sso_token("old", kLongAgo));
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(requests(Operation::oidc), 1U);
  const std::string renewed = read_file(sso_cache());
  EXPECT_FALSE(has(renewed, "\"old\"")) << "the renewed token was not written back";
  EXPECT_FALSE(has(renewed, kToken)) << "nor the new one to renew it with";
  EXPECT_TRUE(has(renewed, "\"clientId\": \"c\""));
  struct stat status {};
  ASSERT_EQ(::stat(sso_cache().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);

  // Of a minute, so that it is renewed again, now with what the first renewal gave.
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(requests(Operation::oidc), 2U);
}

TEST_F(CliCredentials, AWatchOutlivesItsCredentials) {
  // Renewed after half of it: a request that a loaded machine delays is still sent in time.
  offer(6s);
  set(container());
  Program program(options({"watch", "s3://photos", dir(), "--interval", "50ms"}));
  ASSERT_TRUE(program.wait_for("fetched a (5 B")) << program.err();
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (signers().size() < 3 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  EXPECT_GE(signers().size(), 3U) << "the keys are not renewed";
  bucket_->put("new", "x");
  EXPECT_TRUE(program.wait_for("fetched new (1 B")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(10s), 130) << program.err();
  EXPECT_FALSE(has(program.err(), "error: ")) << program.err();
}

TEST_F(CliCredentials, KeysThatEndBeforeTheirTimeAreReplacedAtOnce) {
  write_config(role("role", "credential_source = EcsContainer"));
  set(container());
  Program program(
      options({"watch", "s3://photos", dir(), "--interval", "50ms", "--profile", "role"}));
  ASSERT_TRUE(program.wait_for("fetched a (5 B")) << program.err();
  server_->expire_credentials();
  bucket_->put("new", "x");
  EXPECT_TRUE(program.wait_for("fetched new (1 B")) << program.err();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(10s), 130) << program.err();
  EXPECT_FALSE(has(program.err(), "error: ")) << program.err();
  EXPECT_GE(refused_as_expired(), 1U) << "nothing was refused: the test proves nothing";
  EXPECT_EQ(signers().size(), 2U);
}

TEST_F(CliCredentials, KeysThatAreAlwaysRefusedEndTheRun) {
  set(container());
  server_->set_faults({rule(Operation::list, faults::status(400, "ExpiredToken"))});
  const Ran ran = sync();
  expect(ran, 4, "the credentials from container credentials have expired");
  EXPECT_EQ(requests(Operation::container), 2U) << "asked again once";
}

TEST_F(CliCredentials, DoctorTellsWhereTheyComeFromAndForHowLong) {
  write_config(role("role", "credential_source = EcsContainer"));
  set(container());
  const Ran ran = run({"doctor", "s3://photos", "--profile", "role"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_TRUE(has_line(ran.out,
                       "  ok +credentials +ASIA…0002 from profile role in .*, for another "
                       "[0-9.]+ ?(s|m).*"))
      << ran.out;
}

// --- services that fail ---

struct Failing {
  const char* name;
  std::string config;
  Variables environment;
  Words flags;
  origin::Rule fault;
  int status;
  const char* complaint;
};

std::string sts_refusal(const char* code, const char* message) {
  return std::string("<ErrorResponse><Error><Type>Sender</Type><Code>") + code +
         "</Code><Message>" + message + "</Message></Error></ErrorResponse>";
}

TEST_F(CliCredentials, AServiceThatFailsIsNamedWithWhatToDo) {
  const Words once = {"--max-attempts", "1"};
  const Words as_role = {"--max-attempts", "1", "--profile", "role"};
  const std::string role_config =
      role("role", "source_profile = base") + "[profile base]\n" + keys();
  Server gone{ServerOptions{}};
  gone.start();
  const std::string nowhere = gone.url();
  gone.stop();
  write_file(home_ / "wrong", "wrong-token");
  write_file(sso_cache(), sso_token("no-longer-good", kInFiveYears));
  Variables wrong_token = container();
  wrong_token["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = home_ / "wrong";
  Variables no_container = container();
  no_container["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = nowhere + "/v1/credentials";
  Variables far_container = container();
  far_container["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://198.51.100.7/v1/credentials";
  const Failing cases[] = {
      {"role refused",
       role_config,
       {},
       as_role,
       rule(Operation::sts, faults::body(sts_refusal("AccessDenied", "not for you"), 403)),
       4,
       "AccessDenied: not for you"},
      {"STS answers a web page",
       role_config,
       {},
       as_role,
       rule(Operation::sts, faults::body("<html></html>", 200, "text/html")),
       4,
       "the answer is not usable"},
      {"STS speaks no HTTP",
       role_config,
       {},
       as_role,
       rule(Operation::sts, faults::garbage("SSH-2.0-x\r\n")),
       4,
       "is not HTTP/1"},
      {"STS is overloaded",
       role_config,
       {},
       as_role,
       rule(Operation::sts, faults::status(503)),
       5,
       "status 503"},
      {"web identity of somebody else",
       "",
       {{"AWS_WEB_IDENTITY_TOKEN_FILE", home_ / "wrong"},
        {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"}},
       once,
       {},
       4,
       "InvalidIdentityToken"},
      {"container's token is wrong", "", wrong_token, once, {}, 4, "answered with status 401"},
      {"nobody listens", "", no_container, once, {}, 5, "AWS_CONTAINER_CREDENTIALS_FULL_URI"},
      {"a container far away", "", far_container, once, {}, 4, "neither this machine nor"},
      {"container answers half a document", "", container(), once,
       rule(Operation::container, faults::body("{\"AccessKeyId\": \"x\"", 200)), 4,
       "it is no JSON object"},
      {"the token of single sign-on is not accepted",
       sso_profile(),
       {},
       once,
       {},
       4,
       "run `aws sso login --profile default`"},
      {"the instance has no role", "", instance(), once,
       rule(Operation::instance, faults::status(404)), 4, "EC2 instance metadata"},
      {"instance metadata hangs", "", instance(), once,
       rule(Operation::instance, faults::delay(60s)), 4, "EC2 instance metadata"},
  };
  const auto before = environment_;
  for (const Failing& each : cases) {
    SCOPED_TRACE(each.name);
    environment_ = before;
    set(each.environment);
    write_config(each.config);
    server_->clear_faults();
    if (!each.fault.actions.empty()) server_->set_faults({each.fault});
    server_->clear_requests();
    const Ran ran = sync(each.flags);
    expect(ran, each.status, each.complaint);
    EXPECT_FALSE(has(ran.out + ran.err, "wrong-token")) << ran.err;
    expect_no_secret(ran);
    EXPECT_TRUE(signers().empty()) << "S3 was asked all the same";
    EXPECT_TRUE(tree_of(dir()).empty());
  }
}

TEST_F(CliCredentials, VersionOneOfInstanceMetadataHasToBeAskedFor) {
  offer(60s, origin::InstanceVersion::one);
  set(instance());
  expect(sync(), 4, "it offers only version 1, which AWS_EC2_METADATA_V1_DISABLED=false allows");
  EXPECT_TRUE(signers().empty());
  environment_["AWS_EC2_METADATA_V1_DISABLED"] = "false";
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(tree_of(dir()).size(), 2U);
}

}  // namespace
}  // namespace sluice::testing
