// Container credentials and the metadata of EC2 instances.

#include "aws/providers.hpp"
#include "fake_services.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;
using tests::ask;
using tests::metadata;
using tests::words_of;

constexpr WallTime kNow(1'700'000'000s);                // 2023-11-14T22:13:20Z
constexpr const char* kLater = "2023-11-15T04:13:20Z";  // 6 h
constexpr const char* kEarlier = "2023-11-14T22:00:00Z";

using Metadata = tests::ServicesTest;

class Container : public Metadata {
 protected:
  std::string found() { return words_of(ask(*make_container_provider(world()))); }

  void set(const char* name, const std::string& value) {
    variables_[std::string("AWS_CONTAINER_") + name] = value;
  }
};

TEST_F(Container, NotInAContainer) {
  EXPECT_EQ(found(), "(none)");
  EXPECT_TRUE(services_.seen.empty());
}

TEST_F(Container, RelativeIsOfEcs) {
  set("CREDENTIALS_RELATIVE_URI", "/v2/credentials/id?x=1");
  set("CREDENTIALS_FULL_URI", "https://other.example/");
  services_.answer(200, metadata("A", kLater));
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(services_.seen[0].line, "GET http://169.254.170.2/v2/credentials/id?x=1");
  EXPECT_EQ(services_.seen[0].header("authorization"), "(none)");
}

TEST_F(Container, FullMustBeNearOrOverTls) {
  set("AUTHORIZATION_TOKEN", "token");
  const std::pair<const char*, bool> rows[] = {
      {"http://127.0.0.1/x", true},
      {"http://127.9.9.9:8080", true},
      {"http://localhost/x", true},
      {"http://[::1]:81/x", true},
      {"http://169.254.170.2/x", true},
      {"http://169.254.170.23/v1/x", true},
      {"http://[fd00:ec2::23]/x", true},
      {"http://[FD00:EC2:0::23]/x", true},
      {"https://far.example/x?y", true},
      {"http://far.example/x", false},
      {"http://169.254.169.254/x", false},
      {"http://128.0.0.1/", false},
      {"http://127.0.0.1.example/", false},
      {"http://[fd00:ec2::24]/", false},
      {"http://127.0.0.1@far.example/", false},
      {"http://localhost.example/", false},
      {"ftp://127.0.0.1/", false},
      {"127.0.0.1", false},
      {"http://127.0.0.1/a b", false},
      {"http://127.0.0.1/a#b", false},
  };
  for (const auto& [url, allowed] : rows) {
    services_.seen.clear();
    if (allowed) services_.answer(200, metadata("A", kLater));
    set("CREDENTIALS_FULL_URI", url);
    const std::string words = found();
    EXPECT_EQ(words == "A s t", allowed) << url << ": " << words;
    EXPECT_EQ(services_.seen.size(), allowed ? 1u : 0u) << url;
    if (allowed) {
      EXPECT_EQ(services_.seen[0].header("Authorization"), "token");
    } else {
      EXPECT_TRUE(words.starts_with("error: AWS_CONTAINER_CREDENTIALS_FULL_URI: ")) << words;
    }
  }
}

TEST_F(Container, TokensAreReadEachTimeAndRefusedWithLineBreaks) {
  set("CREDENTIALS_FULL_URI", "http://127.0.0.1/");
  set("AUTHORIZATION_TOKEN", "first");
  const auto file = home_ / "token";
  set("AUTHORIZATION_TOKEN_FILE", file.string());
  const auto provider = make_container_provider(world());
  for (const char* token : {"one", "two"}) {
    write(file, token);
    services_.answer(200, metadata("A", kLater));
    EXPECT_EQ(words_of(ask(*provider)), "A s t");
    EXPECT_EQ(services_.seen.back().header("Authorization"), token);
  }
  for (const char* token : {"one\n", "a\r\nX-Evil: 1", ""}) {
    write(file, token);
    EXPECT_TRUE(found().starts_with("error: the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE "))
        << found();
  }
  std::filesystem::remove(file);
  EXPECT_TRUE(found().starts_with("error: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: cannot open "))
      << found();
  variables_.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  set("AUTHORIZATION_TOKEN", "SECRET\n");
  EXPECT_TRUE(found().starts_with("error: the token of AWS_CONTAINER_AUTHORIZATION_TOKEN "));
  EXPECT_EQ(found().find("SECRET"), std::string::npos);
  EXPECT_EQ(services_.seen.size(), 2u);
}

TEST_F(Container, Refusals) {
  set("CREDENTIALS_RELATIVE_URI", "/x");
  services_.answer(403, "SECRET");
  const auto refused = ask(*make_container_provider(world()));
  EXPECT_EQ(refused.error().kind, ErrorKind::credentials);
  EXPECT_EQ(refused.error().http_status, 403);
  EXPECT_EQ(refused.error().message.find("SECRET"), std::string::npos);
  services_.answer(500, "");
  services_.answer(503, "");
  const auto broken = ask(*make_container_provider(world()));
  EXPECT_EQ(broken.error().kind, ErrorKind::transient) << "it may be asked again";
  services_.answer(200, "<html>SECRET");
  EXPECT_EQ(found(),
            "error: the answer of the address in AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: it is no "
            "JSON object");
  services_.answer(200, R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "no"})");
  EXPECT_NE(found().find("it says AssumeRoleUnauthorizedAccess instead"), std::string::npos);
  services_.answer(502, "");
  services_.answer(200, metadata("A", kLater));
  EXPECT_EQ(found(), "A s t") << "tried again";
}

class Instance : public Metadata {
 protected:
  Instance() { make(); }

  void make(Settings settings = {}) {
    provider_ = make_instance_provider(world(), std::move(settings));
  }
  std::string found() { return words_of(ask(*provider_)); }

  void answer_all(const std::string& document) {
    services_.answer(200, "TOKEN");
    services_.answer(200, "my role\n");
    services_.answer(200, document);
  }

  std::shared_ptr<CredentialsProvider> provider_;
};

TEST_F(Instance, VersionTwo) {
  answer_all(metadata("A", kLater));
  EXPECT_EQ(found(), "A s t");
  ASSERT_EQ(services_.seen.size(), 3u);
  EXPECT_EQ(services_.seen[0].line, "PUT http://169.254.169.254/latest/api/token");
  EXPECT_EQ(services_.seen[0].header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  const std::string roles = "http://169.254.169.254/latest/meta-data/iam/security-credentials/";
  EXPECT_EQ(services_.seen[1].line, "GET " + roles);
  EXPECT_EQ(services_.seen[2].line, "GET " + roles + "my%20role");
  EXPECT_EQ(services_.seen[1].header("x-aws-ec2-metadata-token"), "TOKEN");
  EXPECT_EQ(services_.seen[2].header("x-aws-ec2-metadata-token"), "TOKEN");
}

TEST_F(Instance, WhereItIsAsked) {
  struct Row {
    std::map<std::string, std::string> variables;
    Settings settings;
    std::string expected;
  };
  const std::string v6 = "http://fd00:ec2::254";
  const Row rows[] = {
      {{}, {{"ec2_metadata_service_endpoint_mode", "IPv6"}}, v6},
      {{{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"}}, {}, v6},
      {{{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4"}},
       {{"ec2_metadata_service_endpoint_mode", "IPv6"}},
       "http://169.254.169.254"},
      {{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:81/"}}, {}, "http://127.0.0.1:81"},
      {{}, {{"ec2_metadata_service_endpoint", "http://127.0.0.1:82/x"}}, "http://127.0.0.1:82/x"},
  };
  const auto home = variables_;
  for (const Row& row : rows) {
    variables_ = home;
    variables_.insert(row.variables.begin(), row.variables.end());
    make(row.settings);
    services_.seen.clear();
    EXPECT_EQ(found(), "(none)");
    ASSERT_FALSE(services_.seen.empty());
    EXPECT_EQ(services_.seen[0].line, "PUT " + row.expected + "/latest/api/token");
  }
}

TEST_F(Instance, WhyThereAreNone) {
  const auto reason = [&](std::string expected) {
    EXPECT_EQ(found(), "(none)");
    EXPECT_EQ(provider_->name(), "EC2 instance metadata (" + expected + ")");
  };
  reason("nobody answers there (the test)");
  EXPECT_EQ(services_.seen.size(), 2u) << "a laptop does not wait long";
  services_.answer(403, "");
  reason("the instance does not allow it");
  services_.answer(200, "TOKEN");
  services_.answer(404, "");
  reason("the instance has no role");
  services_.answer(404, "");
  reason("it offers only version 1, which AWS_EC2_METADATA_V1_DISABLED=false allows");
  services_.seen.clear();
  variables_["AWS_EC2_METADATA_DISABLED"] = "True";
  reason("switched off by AWS_EC2_METADATA_DISABLED");
  EXPECT_TRUE(services_.seen.empty());
}

TEST_F(Instance, VersionOneOnlyIfAskedFor) {
  variables_["AWS_EC2_METADATA_V1_DISABLED"] = "false";
  services_.answer(404, "");
  services_.answer(200, "role");
  services_.answer(200, metadata("A", kLater));
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(services_.seen[2].header("x-aws-ec2-metadata-token"), "(none)");
}

TEST_F(Instance, SomethingIsWrong) {
  services_.answer(200, "TOKEN");
  services_.answer(500, "");
  services_.answer(500, "");
  const auto answer = ask(*provider_);
  EXPECT_EQ(answer.error().kind, ErrorKind::transient);
  EXPECT_EQ(answer.error().message,
            "EC2 instance metadata at http://169.254.169.254: it answered with status 500");
  answer_all("SECRET");
  EXPECT_EQ(found(),
            "error: EC2 instance metadata at http://169.254.169.254: its document is not usable: "
            "it is no JSON object");
}

TEST_F(Instance, ExpiredOnesAreUsedOn) {
  answer_all(metadata("A", kEarlier));
  const auto expired = ask(*provider_);
  ASSERT_TRUE(expired);
  EXPECT_EQ((*expired)->expires, kNow + 10min);

  now_ = kNow + 20min;
  const auto nobody_answers = ask(*provider_);
  ASSERT_TRUE(nobody_answers);
  EXPECT_EQ((*nobody_answers)->access_key, "A");
  EXPECT_EQ((*nobody_answers)->expires, now_ + 10min);

  answer_all(metadata("B", kLater));
  EXPECT_EQ(found(), "B s t");
  services_.answer(200, "TOKEN");
  services_.answer(404, "");
  EXPECT_EQ(found(), "(none)") << "the role was taken away";
  answer_all(metadata("C", kEarlier));
  EXPECT_EQ(found(), "C s t");
  provider_->invalidate();
  EXPECT_EQ(found(), "(none)") << "S3 did not take them";
}

}  // namespace
}  // namespace sluice::aws
