// The services over real sockets: one server of loopback that plays all of them.

#include "aws/exchange.hpp"

#include "../http/scripted_server.hpp"
#include "base/text.hpp"
#include "fake_services.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

namespace sluice::aws {
namespace {

using tests::words_of;

class Sockets : public tests::SharedFiles {
 protected:
  using Routes = std::map<std::string, std::string>;  ///< "METHOD /path" -> the whole answer

  void serve(Routes routes) {
    routes_ = std::move(routes);
    server_ =
        std::make_unique<http::ScriptedServer>([this](http::Peer& peer, unsigned) { reply(peer); });
    url_ = "http://127.0.0.1:" + std::to_string(server_->port());
    variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url_;
  }

  Result<std::optional<Credentials>> get() {
    const auto config = load();
    if (!config) return config.error();
    const auto runtime = async::make_threaded_runtime({});
    return tests::ask_on(*runtime, *default_chain(environment(), *config));
  }
  std::string found() { return words_of(get()); }

  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

  std::string url_;

 private:
  void reply(http::Peer& peer) {
    const std::string head = peer.request();
    const std::string line = head.substr(0, head.find(" HTTP/1.1"));
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    const auto route = routes_.find(line);
    peer.send(route == routes_.end() ? http::answer("", "404 Not Found") : route->second);
  }

  Routes routes_;
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::unique_ptr<http::ScriptedServer> server_;
};

constexpr const char* kExpiry = "2040-01-01T00:00:00Z";
const std::string kRoles = "GET /latest/meta-data/iam/security-credentials/";

TEST_F(Sockets, Instance) {
  serve({{"PUT /latest/api/token", http::answer("IMDSTOKEN")},
         {kRoles, http::answer("role")},
         {kRoles + "role", http::answer(tests::metadata("A", kExpiry))}});
  EXPECT_EQ(found(), "A s t");
  ASSERT_EQ(heads().size(), 3u);
  EXPECT_NE(heads()[0].find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_NE(heads()[2].find("X-aws-ec2-metadata-token: IMDSTOKEN\r\n"), std::string::npos);
}

TEST_F(Sockets, Container) {
  serve({{"GET /creds?a=b", http::answer(tests::metadata("A", kExpiry))}});
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url_ + "/creds?a=b";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Basic abc";
  EXPECT_EQ(found(), "A s t");
  EXPECT_NE(heads()[0].find("Authorization: Basic abc\r\n"), std::string::npos);
}

TEST_F(Sockets, Role) {
  serve({{"POST /", http::answer(tests::sts_document("AssumeRole", "A", kExpiry))}});
  variables_["AWS_ENDPOINT_URL_STS"] = url_;
  write_config(
      "[default]\nrole_arn = R\nsource_profile = b\n"
      "[profile b]\naws_access_key_id = K\naws_secret_access_key = SECRET\n");
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(heads()[0].find("SECRET"), std::string::npos);
}

TEST_F(Sockets, RolesAreAskedForThroughTheProxy) {
  serve({{"POST http://sts.test/", http::answer(tests::sts_document("AssumeRole", "A", kExpiry))}});
  variables_["AWS_ENDPOINT_URL_STS"] = "http://sts.test";
  variables_["HTTP_PROXY"] = "http://user:pass@" + url_.substr(url_.find("//") + 2);
  write_config(
      "[default]\nrole_arn = R\nsource_profile = b\n"
      "[profile b]\naws_access_key_id = K\naws_secret_access_key = SECRET\n");
  EXPECT_EQ(found(), "A s t");
  ASSERT_EQ(heads().size(), 1u);
  EXPECT_NE(heads()[0].find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos);
}

TEST_F(Sockets, WhatIsOnThisMachineIsNeverAskedThroughTheProxy) {
  const std::string nobody = "://0.0.0.0:" + std::to_string(http::closed_port());
  serve({{"PUT http" + nobody + "/latest/api/token", http::answer("IMDSTOKEN")}});
  variables_["HTTP_PROXY"] = variables_["HTTPS_PROXY"] = url_;
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http" + nobody;
  EXPECT_TRUE(found().starts_with("error: ")) << found();
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] =
      "http://127.0.0.1:" + std::to_string(http::closed_port()) + "/creds";
  EXPECT_TRUE(found().starts_with("error: ")) << found();
  EXPECT_EQ(heads(), std::vector<std::string>());
}

TEST_F(Sockets, SingleSignOn) {
  serve({{"POST /token", http::answer(R"({"accessToken": "NEW", "expiresIn": 3600})")},
         {"GET /federation/credentials?role_name=R&account_id=1",
          http::answer(R"({"roleCredentials": {"accessKeyId": "A", "secretAccessKey": "s",
                           "sessionToken": "t", "expiration": 4000000000000}})")}});
  variables_["AWS_ENDPOINT_URL_SSO"] = url_;
  variables_["AWS_ENDPOINT_URL_SSO_OIDC"] = url_;
  write_config(
      "[default]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = R\n"
      "[sso-session dev]\nsso_region = eu-west-1\nsso_start_url = u\n");
  std::filesystem::create_directories(home_ / ".aws" / "sso" / "cache");
  write(home_ / ".aws" / "sso" / "cache" / "34c6fceca75e456f25e7e99531e2425c6c1de443.json",
        R"({"accessToken": "OLD", "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "r",
            "clientId": "i", "clientSecret": "c"})");
  EXPECT_EQ(found(), "A s t");
  EXPECT_NE(heads()[1].find("x-amz-sso_bearer_token: NEW\r\n"), std::string::npos);
}

TEST_F(Sockets, AnswersThatAreNone) {
  serve({});
  std::string redirect = http::answer("", "302 Found");
  redirect.insert(redirect.find("\r\n") + 2, "Location: " + url_ + "/elsewhere\r\n");
  const std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{";
  const std::string rows[] = {
      redirect, cut, http::answer(std::string(kServiceAnswerBytesMax + 1, ' ')), "SSH-2.0-x\r\n"};
  for (const std::string& row : rows) {
    serve({{"GET /creds", row}});
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url_ + "/creds";
    const std::string words = found();
    EXPECT_TRUE(words.starts_with("error: ")) << words;
    for (const std::string& head : heads())
      EXPECT_TRUE(head.starts_with("GET /creds ")) << "nothing is followed: " << head;
  }
}

TEST_F(Sockets, ALaptopDoesNotHang) {
  const http::DeafListener deaf;
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] =
      "http://127.0.0.1:" + std::to_string(deaf.port());
  const SteadyTime start = SteadyClock::now();
  const std::string words = found();
  EXPECT_TRUE(words.starts_with("error: there are no credentials (asked: environment,")) << words;
  EXPECT_LT(SteadyClock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace sluice::aws
