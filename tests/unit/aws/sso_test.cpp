#include "aws/sso.hpp"

#include "fake_services.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;
using tests::ask;
using tests::words_of;

const std::string kSession =
    "[default]\nsso_session = dev\nsso_account_id = 1\nsso_role_name = a role\n"
    "[sso-session dev]\nsso_region = eu-west-1\nsso_start_url = https://x.example/start\n";
const std::string kOlder =
    "[default]\nsso_account_id = 1\nsso_role_name = R\nsso_region = eu-west-1\n"
    "sso_start_url = https://x.example/start\n";

/// `printf dev | sha1sum`, and of the address.
constexpr const char* kSessionFile = "34c6fceca75e456f25e7e99531e2425c6c1de443.json";
constexpr const char* kOlderFile = "80c7f57c51e0449101de09ef74138a588ea0d4a6.json";

std::string token(const std::string& expires, const std::string& more = {}) {
  return R"({"accessToken": "TOKEN", "expiresAt": ")" + expires + '"' + more + "}";
}
const std::string kRenewable =
    R"(, "refreshToken": "REFRESH\"", "clientId": "ID", "clientSecret": "CLIENTSECRET",
        "registrationExpiresAt": "2030-01-01T00:00:00Z", "startUrl": "https://x.example/start",
        "scopes": ["a", 1]})";

std::string role_credentials(const std::string& key) {
  return R"({"roleCredentials": {"accessKeyId": ")" + key +
         R"(", "secretAccessKey": "s", "sessionToken": "t", "expiration": 1700003600000}})";
}

class Sso : public tests::ServicesTest {
 protected:
  Sso() { std::filesystem::create_directories(cache()); }

  std::filesystem::path cache() const { return home_ / ".aws" / "sso" / "cache"; }

  void write_token(const std::string& document) { write(cache() / kSessionFile, document); }
  std::string file() {
    std::ifstream in(cache() / kSessionFile);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
};

constexpr const char* kGood = "2023-11-15T00:00:00Z";
constexpr const char* kEnding = "2023-11-14T22:15:00Z";
constexpr const char* kPast = "2023-11-14T22:13:20Z";
const std::string kLogin = "; run `aws sso login --profile default`";

TEST_F(Sso, KeysForAToken) {
  write_config(kSession);
  write_token(token(kGood));
  services_.answer(200, role_credentials("A"));
  const auto answer = get();
  EXPECT_EQ(words_of(answer), "A s t");
  EXPECT_EQ((*answer)->expires, now_ + 1h);
  EXPECT_EQ(services_.seen[0].line,
            "GET https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?"
            "role_name=a%20role&account_id=1");
  EXPECT_EQ(services_.seen[0].header("x-amz-sso_bearer_token"), "TOKEN");
}

TEST_F(Sso, TheOlderFormIsFoundByItsAddress) {
  write_config(kOlder);
  EXPECT_TRUE(found().ends_with(kLogin)) << found();
  write(cache() / kOlderFile, token("2023-11-15T00:00:00UTC"));  // so wrote the AWS CLI 1
  services_.answer(200, role_credentials("B"));
  EXPECT_EQ(found(), "B s t");
}

TEST_F(Sso, WhatToDo) {
  write_config(kSession);
  EXPECT_EQ(found(), "error: profile default: there is no token of single sign-on (" +
                         (cache() / kSessionFile).string() + ")" + kLogin);
  write_token(token(kPast));
  EXPECT_EQ(found(), "error: profile default: the token of single sign-on has expired" + kLogin);
  write_token("{\"accessToken\": \"SECRET");
  EXPECT_EQ(found(), "error: profile default: " + (cache() / kSessionFile).string() +
                         " is not usable: it is no JSON object" + kLogin);
  write_token(token(kGood));
  services_.answer(401, "SECRET");
  EXPECT_EQ(found(),
            "error: profile default: the token of single sign-on is no longer accepted" + kLogin);
  services_.answer(403, "SECRET");
  EXPECT_EQ(found(),
            "error: asking single sign-on at https://portal.sso.eu-west-1.amazonaws.com for the "
            "role a role of account 1: it answered with status 403; look whether the account and "
            "the role are yours");
  services_.answer(200, "{}");
  EXPECT_TRUE(found().ends_with("it has no roleCredentials")) << found();
  for (int i = 0; i < 3; ++i)
    services_.answer(503, "");
  EXPECT_EQ(get().error().kind, ErrorKind::transient);
  EXPECT_EQ(services_.left(), 0u);
}

TEST_F(Sso, ATokenThatEndsIsRenewedAndWrittenBack) {
  write_config(kSession);
  const std::string document = token(kEnding);
  write_token(document.substr(0, document.size() - 1) + kRenewable);
  services_.answer(200, R"({"accessToken": "NEW", "expiresIn": 3600, "refreshToken": "NEXT"})");
  services_.answer(200, role_credentials("A"));
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(services_.seen[0].line, "POST https://oidc.eu-west-1.amazonaws.com/token");
  EXPECT_EQ(services_.seen[0].request.body,
            R"({"clientId": "ID", "clientSecret": "CLIENTSECRET", )"
            R"("grantType": "refresh_token", "refreshToken": "REFRESH\""})");
  EXPECT_EQ(services_.seen[1].header("x-amz-sso_bearer_token"), "NEW");

  simdjson::dom::parser parser;
  const simdjson::padded_string kept(file());
  const simdjson::dom::object object = parser.parse(kept);
  EXPECT_EQ(std::string_view(object["accessToken"]), "NEW");
  EXPECT_EQ(std::string_view(object["refreshToken"]), "NEXT");
  EXPECT_EQ(std::string_view(object["expiresAt"]), "2023-11-14T23:13:20Z");
  EXPECT_EQ(std::string_view(object["clientSecret"]), "CLIENTSECRET");
  EXPECT_EQ(simdjson::minify(object["scopes"].value()), R"(["a",1])");
  EXPECT_EQ(object.size(), 8u);
  struct stat status {};
  ASSERT_EQ(::stat((cache() / kSessionFile).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(cache()), {}), 1)
      << "nothing else is left there";
}

TEST_F(Sso, ARenewalThatFails) {
  write_config(kSession);
  const std::string ending = token(kEnding);
  write_token(ending.substr(0, ending.size() - 1) + kRenewable);
  const std::string before = file();
  services_.answer(400, "{\"error\": \"invalid_grant\"}");
  services_.answer(200, role_credentials("A"));
  EXPECT_EQ(found(), "A s t") << "the old token is still good";
  EXPECT_EQ(services_.seen[1].header("x-amz-sso_bearer_token"), "TOKEN");
  EXPECT_EQ(file(), before);

  const std::string past = token(kPast);
  write_token(past.substr(0, past.size() - 1) + kRenewable);
  services_.answer(400, "SECRET");
  EXPECT_EQ(found(),
            "error: profile default: renewing the token of single sign-on: it answered "
            "with status 400" +
                kLogin);
  EXPECT_EQ(get().error().kind, ErrorKind::unreachable);
  now_ = WallTime(1'900'000'000s);
  services_.seen.clear();
  EXPECT_TRUE(found().ends_with("has expired" + kLogin)) << "the registration has ended";
  EXPECT_TRUE(services_.seen.empty());
}

}  // namespace
}  // namespace sluice::aws
