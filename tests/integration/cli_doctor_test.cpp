// `sluice doctor`, and docs/errors.md: ten broken set-ups, each as a user meets it.
#include "cli_fixture.hpp"
#include "origin/certificate.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace sluice::testing {
namespace {

class CliDoctor : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    bucket_->put("2024/a.jpg", "hello");
  }
  Ran doctor(Words more = {}) {
    Words words = {"doctor", "s3://photos"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  /// "  ok      list  …": whether the table has this line.
  static bool tells(const Ran& ran, const std::string& state, const std::string& name,
                    const std::string& detail = ".*") {
    return has_line(ran.out, "  " + state + " +" + name + " +" + detail);
  }
};

TEST_F(CliDoctor, WhereAllIsWellItSaysSo) {
  std::filesystem::create_directory(dir());
  const Ran ran = doctor({dir()});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_TRUE(tells(ran, "ok", "credentials", "AKID…MPLE from .*")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "name", "127.0.0.1 is 127.0.0.1.*")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "connection")) << ran.out;
  EXPECT_TRUE(tells(ran, "note", "tls", "none: http://")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "server")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "clock", "agrees with the server's")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "list", "1 key in .*")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "get", "2024/a.jpg in .*")) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "directory", ".* free")) << ran.out;
  EXPECT_TRUE(has(ran.out, "It works; mind what is noted.\n")) << ran.out;
  EXPECT_TRUE(tree_of(dir()).empty()) << "it left something behind";
  EXPECT_FALSE(has(ran.out + ran.err, kSecretKey));
  EXPECT_FALSE(has(ran.out + ran.err, kAccessKey));
}

TEST_F(CliDoctor, OverTlsItTellsVersionAndCertificate) {
  const origin::TestCertificate certificate = origin::make_test_certificate();
  ServerOptions secure = with_credentials();
  secure.tls = certificate.tls();
  serve(secure);
  const std::string bundle = work_ / "ca.pem";
  write_file(bundle, certificate.ca_pem);
  const Ran ran = doctor({"--ca-bundle", bundle});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_TRUE(tells(ran, "ok", "tls", "TLSv1\\.3, TLS_AES_128_GCM_SHA256, certificate until .*"))
      << ran.out;
  EXPECT_TRUE(has(ran.out, "All is well.\n")) << ran.out;
}

TEST_F(CliDoctor, AKeyThatCannotBeReadIsToldFromAListThatCannot) {
  server_->set_faults({rule(Operation::get, faults::status(403, "AccessDenied"))});
  const Ran ran = doctor();
  EXPECT_EQ(ran.status, 4) << ran.out;
  EXPECT_TRUE(tells(ran, "ok", "list")) << ran.out;
  EXPECT_TRUE(tells(ran, "FAILED", "get", "403 AccessDenied")) << ran.out;
  EXPECT_TRUE(has(ran.out, R"({"Effect": "Allow", "Action": "s3:GetObject", "Resource": )"
                           R"("arn:aws:s3:::photos/*"})"))
      << ran.out;
}

TEST_F(CliDoctor, AnEmptyBucketAndArchivedKeysAreNoFailure) {
  bucket_->remove("2024/a.jpg");
  Ran ran = doctor();
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_TRUE(tells(ran, "-", "get", "there is no key to try")) << ran.out;
  bucket_->put("cold", "x", 0, {.storage_class = "GLACIER"});
  ran = doctor();
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_TRUE(tells(ran, "-", "get", "all listed keys are archived")) << ran.out;
}

TEST_F(CliDoctor, AServerThatIsNotThereFailsAtTheConnection) {
  server_.reset();
  const Ran ran = doctor();
  EXPECT_EQ(ran.status, 5) << ran.out;
  EXPECT_TRUE(tells(ran, "FAILED", "connection")) << ran.out;
  EXPECT_TRUE(tells(ran, "-", "list", "the service cannot be reached")) << ran.out;
  EXPECT_TRUE(has(ran.out, "firewall")) << ran.out;
}

TEST_F(CliDoctor, AHostThatNobodyKnowsFailsAtItsName) {
  environment_["AWS_ENDPOINT_URL"] = "http://nobody.invalid:9000";
  const Ran ran = doctor();
  EXPECT_EQ(ran.status, 5) << ran.out;
  EXPECT_TRUE(tells(ran, "FAILED", "name", "nobody.invalid")) << ran.out;
}

TEST_F(CliDoctor, ALoginPageIsNoService) {
  server_->set_faults({rule(Operation::list, faults::body("<html>Sign in</html>"))});
  const Ran ran = doctor();
  EXPECT_EQ(ran.status, 5) << ran.out;
  EXPECT_TRUE(tells(ran, "FAILED", "list", "invalid-answer")) << ran.out;
}

TEST_F(CliDoctor, ADirectoryThatSomebodyWorksOnIsNoted) {
  server_->set_faults({rule(Operation::get, faults::rate(1))});
  Program other(options({"sync", "s3://photos", dir()}));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (requests(Operation::get) == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  server_->clear_faults();
  const Ran ran = doctor({dir()});
  EXPECT_TRUE(tells(ran, "note", "directory", ".*another process is at.*")) << ran.out;
}

TEST_F(CliDoctor, JsonHasTheSame) {
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  const Ran ran = doctor({"--json"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_TRUE(ran.out.starts_with(R"({"event":"diagnosis","v":1,"exit_status":4,"checks":[)"))
      << ran.out;
  EXPECT_TRUE(
      has(ran.out, R"({"name":"list","state":"failed","detail":"403 AccessDenied","advice":)"))
      << ran.out;
  EXPECT_TRUE(has(ran.out, R"("policy":"{\u000a)")) << ran.out;
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
}

// --- docs/errors.md ---

class Errors : public CliDoctor {
 protected:
  /// As it stands in the document: our paths and ports as somebody else's.
  std::string shown(std::string text) const {
    const auto replace = [&text](const std::string& from, const std::string& to) {
      for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    };
    if (server_) {
      const std::string port = std::to_string(server_->port());
      replace("127.0.0.1:" + port, "127.0.0.1:9000");
      replace("port " + port, "port 9000");
    }
    replace(work_.path(), "/srv");
    replace(home_.path(), "/home/you");
    text = std::regex_replace(text, std::regex(R"((359\d|360\d) seconds)"), "3600 seconds");
    text = std::regex_replace(text, std::regex(R"( in \d+(\.\d+)?(us|ms|s)\n)"), "\n");
    return text;
  }
  /// What both verbs say: the log of the one, the table of the other.
  std::string both(const Words& arguments, int status) {
    Words sync = {"sync"};
    sync.insert(sync.end(), arguments.begin(), arguments.end());
    sync.insert(sync.end(), {"--max-attempts", "1"});
    Words doctor = {"doctor"};
    doctor.insert(doctor.end(), arguments.begin(), arguments.end());
    doctor.push_back("-q");
    const Ran failed = run(sync);
    EXPECT_EQ(failed.status, status) << failed.err;
    const Ran told = run(doctor);
    EXPECT_EQ(told.status, status) << told.out;
    std::string line;
    for (const std::string& word : arguments)
      line += ' ' + word;
    return shown("$ sluice sync" + line + "\n" + failed.err + "\n$ sluice doctor -q" + line + "\n" +
                 told.out);
  }
  /// The block in ``` below the heading.
  static std::string documented(const std::string& title) {
    const char* documents = std::getenv("SLUICE_DOCUMENTS");
    const std::string text = read_file(documents + std::string("/errors.md"));
    const std::size_t heading = text.find("\n## " + title + "\n");
    if (heading == std::string::npos) return "no such heading";
    const std::size_t begin = text.find("```\n", heading) + 4;
    return text.substr(begin, text.find("\n```", begin) + 1 - begin);
  }
  void expect_documented(const std::string& title, const std::string& text) {
    EXPECT_EQ(text, documented(title)) << "docs/errors.md, " << title;
  }
};

TEST_F(Errors, WrongName) {
  expect_documented("The bucket's name is wrong", both({"s3://fotos", dir()}, 3));
}

TEST_F(Errors, WrongRegion) {
  server_->set_faults({rule(Operation::list, faults::status(301, "PermanentRedirect"))});
  expect_documented("The region is wrong", both({"s3://photos", dir()}, 2));
}

TEST_F(Errors, NoPermission) {
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  expect_documented("A permission is missing", both({"s3://photos", dir()}, 4));
}

TEST_F(Errors, ExpiredToken) {
  server_->set_faults({rule(Operation::list, faults::status(400, "ExpiredToken"))});
  expect_documented("The session token has expired", both({"s3://photos", dir()}, 4));
}

TEST_F(Errors, NoCredentials) {
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  expect_documented("There are no credentials", both({"s3://photos", dir()}, 4));
}

TEST_F(Errors, RoleRefused) {
  ServerOptions options = with_credentials();
  options.services.sts = true;
  serve(std::move(options));
  server_->set_faults({rule(
      Operation::sts,
      faults::body("<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: "
                   "arn:aws:iam::111122223333:user/you is not authorized to perform: "
                   "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/reader</Message>"
                   "</Error></ErrorResponse>",
                   403))});
  std::filesystem::create_directory(home_ / ".aws");
  write_file(home_ / ".aws/config",
             "[profile reader]\nrole_arn = arn:aws:iam::111122223333:role/reader\n"
             "credential_source = Environment\n");
  expect_documented("The role cannot be assumed",
                    both({"--profile", "reader", "s3://photos", dir()}, 4));
}

TEST_F(Errors, SignOnExpired) {
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  std::filesystem::create_directories(home_ / ".aws/sso/cache");
  write_file(home_ / ".aws/config",
             "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = reader\n"
             "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.example\n");
  // Named after the session: its SHA-1.
  write_file(home_ / ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
             R"({"accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z"})");
  expect_documented("The single sign-on has expired", both({"s3://photos", dir()}, 4));
}

TEST_F(Errors, SkewedClock) {
  origin::Rule skewed;
  skewed.actions = {faults::skew_date(1h), faults::status(403, "RequestTimeTooSkewed")};
  server_->set_faults({skewed});
  expect_documented("The clock is wrong", both({"s3://photos", dir()}, 4));
}

TEST_F(Errors, SelfSignedCertificate) {
  const origin::TestCertificate certificate = origin::make_test_certificate();
  ServerOptions secure = with_credentials();
  secure.tls = certificate.tls();
  serve(secure);
  expect_documented("The certificate is not trusted", both({"s3://photos", dir()}, 5));
}

TEST_F(Errors, ProxyDown) {
  environment_["AWS_ENDPOINT_URL"] = "http://s3.example.com";
  environment_["http_proxy"] = "http://you:secret@127.0.0.1:" + std::to_string(server_->port());
  server_->stop();
  expect_documented("The proxy is down", both({"s3://photos", dir()}, 5));
}

TEST_F(Errors, UppercaseBucket) {
  environment_.erase("AWS_ENDPOINT_URL");
  expect_documented("The bucket's name breaks a rule", both({"s3://Photos", dir()}, 2));
}

TEST_F(Errors, DirectoryNotWritable) {
  write_file(work_ / "photos", "a file");
  expect_documented("The directory cannot be written", both({"s3://photos", work_ / "photos"}, 6));
}

}  // namespace
}  // namespace sluice::testing
