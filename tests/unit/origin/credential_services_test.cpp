// The services that hand out credentials, seen from the wire; and S3 insists on what they gave.
#include "origin/credential_services.hpp"

#include "fixture.hpp"
#include "origin/dates.hpp"

#include <simdjson.h>

#include <atomic>

namespace sluice::origin {
namespace {

using test::Client;
using test::Reply;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRoles = "/latest/meta-data/iam/security-credentials/";

class ServicesTest : public test::WithServer {
 protected:
  ServicesTest() {
    options.services.instance = options.services.container = true;
    options.services.sts = options.services.sso = true;
    options.services.token = "the-token";
    options.services.lifetime = std::chrono::seconds(60);
    options.clock_ms = [this] { return now.load(); };
    bucket->put("k", "x");
  }

  Reply ask(const std::string& method, const std::string& target, Headers headers = {},
            std::string body = {}) {
    Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.headers.push_back({"Host", "h"});
    if (!body.empty()) request.headers.push_back({"Content-Length", std::to_string(body.size())});
    request.body = std::move(body);
    return client().exchange(request);
  }
  Reply ask_sts(const std::string& form, const Credential& by) {
    test::SignOptions sign;
    sign.service = "sts";
    sign.body = form;
    sign.credential = by;
    sign.now_ms = now;
    return client().exchange(test::sign("POST", "/", {}, "h", sign));
  }

  // What stands behind `name` in JSON ("name": "…") or XML (<name>…</name>).
  static std::string value(const std::string& document, const std::string& name) {
    for (const std::string& before : {'"' + name + "\": \"", '<' + name + '>'}) {
      const std::size_t at = document.find(before);
      if (at == std::string::npos) continue;
      const std::size_t begin = at + before.size();
      return document.substr(begin, document.find_first_of("\"<", begin) - begin);
    }
    return {};
  }
  static Credential given(const std::string& document, const char* access_key = "AccessKeyId",
                          const char* secret_key = "SecretAccessKey", const char* token = "Token") {
    return {value(document, access_key), value(document, secret_key), value(document, token), {}};
  }
  static Credential given_by_sts(const std::string& document) {
    return given(document, "AccessKeyId", "SecretAccessKey", "SessionToken");
  }

  std::string get_with(const Credential& credential) {
    test::SignOptions sign;
    sign.credential = credential;
    sign.now_ms = now;
    const Reply reply = client().get("/b/k", {}, sign);
    return reply.status == 200 ? reply.body : value(reply.body, "Code");
  }
  // Good, another one each time, and at an end when it says so.
  void expect_short_lived(const Credential& first, const Credential& second) {
    EXPECT_EQ(get_with(first), "x");
    EXPECT_EQ(get_with(second), "x");
    EXPECT_NE(first.access_key, second.access_key);
    EXPECT_NE(first.secret_key, second.secret_key);
    Credential forged = first;
    forged.session_token = second.session_token;
    EXPECT_EQ(get_with(forged), "InvalidToken");
    now += 61'000;
    EXPECT_EQ(get_with(first), "ExpiredToken");
  }

  std::atomic<std::int64_t> now{1'700'000'000'500};
  const std::string role = "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me";
  const std::string assume = "Action=AssumeRole&Version=2011-06-15&" + role;
};

TEST_F(ServicesTest, InstanceMetadataWantsATokenFirst) {
  EXPECT_EQ(ask("GET", kRoles).status, 401);
  EXPECT_EQ(ask("GET", "/latest/api/token").status, 405);
  EXPECT_EQ(ask("PUT", "/latest/api/token").status, 400);
  const Header ttl{"X-aws-ec2-metadata-token-ttl-seconds", "60"};
  EXPECT_EQ(ask("PUT", "/latest/api/token", {{ttl.name, "21601"}}).status, 400);
  EXPECT_EQ(ask("PUT", "/latest/api/token", {ttl, {"X-Forwarded-For", "x"}}).status, 403);
  const Reply token = ask("PUT", "/latest/api/token", {ttl});
  EXPECT_EQ(token.status, 200);
  EXPECT_EQ(token.header(ttl.name), "60");

  const Header shown{"X-aws-ec2-metadata-token", token.body};
  EXPECT_EQ(ask("GET", kRoles, {{shown.name, "other"}}).status, 401);
  const Reply roles = ask("GET", kRoles, {shown});
  EXPECT_EQ(roles.body, "origin-role");
  EXPECT_EQ(ask("GET", std::string(kRoles) + "other", {shown}).status, 404);
  const std::string path = kRoles + roles.body;
  const Reply first = ask("GET", path, {shown});
  EXPECT_EQ(value(first.body, "Code"), "Success");
  EXPECT_EQ(value(first.body, "Expiration"), "2023-11-14T22:14:21Z") << first.body;
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(first.body).error(), simdjson::SUCCESS) << first.body;
  const Reply second = ask("GET", path, {shown});
  expect_short_lived(given(first.body), given(second.body));
  EXPECT_EQ(ask("GET", path, {shown}).status, 401) << "the token has had its minute";
  for (const RequestRecord& record : server().requests())
    EXPECT_THAT(to_json(record), Not(HasSubstr(token.body)));
}

TEST_F(ServicesTest, InstanceMetadataOfVersionOne) {
  options.services.instance_version = InstanceVersion::one;
  EXPECT_EQ(ask("PUT", "/latest/api/token").status, 404);
  EXPECT_EQ(ask("GET", kRoles).body, "origin-role");
  EXPECT_EQ(get_with(given(ask("GET", std::string(kRoles) + "origin-role").body)), "x");
}

TEST_F(ServicesTest, Containers) {
  EXPECT_EQ(ask("GET", "/v1/credentials").status, 401);
  EXPECT_EQ(ask("GET", "/v2/credentials/id", {{"Authorization", "other"}}).status, 401);
  const Header token{"Authorization", "the-token"};
  EXPECT_EQ(ask("POST", "/v1/credentials", {token}).status, 405);
  expect_short_lived(given(ask("GET", "/v1/credentials", {token}).body),
                     given(ask("GET", "/v2/credentials/id", {token}).body));
}

TEST_F(ServicesTest, AnyTokenWillDoIfNoneIsAsked) {
  options.services.token.clear();
  EXPECT_EQ(ask("GET", "/v1/credentials").status, 401);
  EXPECT_EQ(ask("GET", "/v1/credentials", {{"Authorization", "x"}}).status, 200);
  EXPECT_EQ(ask("GET", "/v2/credentials/id").status, 200);
}

TEST_F(ServicesTest, RolesOneAfterTheOther) {
  const Reply first = ask_sts(assume, test::test_credential());
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_THAT(first.body, HasSubstr("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/"));
  EXPECT_EQ(value(first.body, "Arn"), "arn:aws:iam::1:role/r/me");
  EXPECT_EQ(value(first.body, "Expiration"), "2023-11-14T22:14:21Z");
  const Credential one = given_by_sts(first.body);
  const Credential two = given_by_sts(ask_sts(assume, one).body);
  EXPECT_EQ(server().requests().back().access_key, one.access_key);
  EXPECT_EQ(server().requests().back().key, "AssumeRole");
  expect_short_lived(one, two);
  EXPECT_THAT(ask_sts(assume, one).body, HasSubstr("<Code>ExpiredToken</Code>"));
}

TEST_F(ServicesTest, WhatStsRefuses) {
  const Credential good = test::test_credential();
  struct Case {
    std::string form;
    const char* code;
  };
  const Case cases[] = {
      {"Action=GetCallerIdentity&Version=2011-06-15", "InvalidAction"},
      {"Action=AssumeRole&" + role, "ValidationError"},
      {"Action=AssumeRole&Version=2011-06-15&RoleSessionName=me", "ValidationError"},
      {assume + "&DurationSeconds=60", "ValidationError"},
      {assume + "&DurationSeconds=900s", "ValidationError"},
      {"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&" + role + "&WebIdentityToken=other",
       "InvalidIdentityToken"},
  };
  for (const Case& c : cases) {
    const Reply reply = ask_sts(c.form, good);
    EXPECT_EQ(reply.status, 400) << c.form;
    EXPECT_EQ(value(reply.body, "Code"), c.code) << c.form;
  }
  const Reply unsigned_call = ask("POST", "/", {}, assume);
  EXPECT_EQ(unsigned_call.status, 403);
  EXPECT_EQ(value(unsigned_call.body, "Code"), "MissingAuthenticationToken");
  Credential wrong = good;
  wrong.secret_key = "other";
  EXPECT_EQ(value(ask_sts(assume, wrong).body, "Code"), "SignatureDoesNotMatch");
  wrong.access_key = "OTHER";
  EXPECT_EQ(value(ask_sts(assume, wrong).body, "Code"), "InvalidClientTokenId");

  test::SignOptions sign;
  sign.service = "sts";
  sign.body = assume;
  sign.now_ms = now;
  Request changed = test::sign("POST", "/", {}, "h", sign);
  changed.body.back() = 'X';
  EXPECT_EQ(value(client().exchange(changed).body, "Code"), "SignatureDoesNotMatch");
}

TEST_F(ServicesTest, WebIdentitiesShowATokenAndDoNotSign) {
  const std::string form =
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=the-token&" + role;
  expect_short_lived(given_by_sts(ask("POST", "/", {}, form).body),
                     given_by_sts(ask("POST", "/", {}, form).body));
}

TEST_F(ServicesTest, SingleSignOn) {
  const std::string target = "/federation/credentials?role_name=r&account_id=1";
  const std::string name = "x-amz-sso_bearer_token";
  EXPECT_EQ(ask("GET", target).status, 401);
  EXPECT_EQ(ask("GET", "/federation/credentials?role_name=r", {{name, "the-token"}}).status, 400);
  const auto given_now = [&](const std::string& token) {
    return given(ask("GET", target, {{name, token}}).body, "accessKeyId", "secretAccessKey",
                 "sessionToken");
  };

  const auto renewal = [](const std::string& refresh) {
    return R"({"clientId": "c", "clientSecret": "s", "grantType": "refresh_token", )"
           R"("refreshToken": ")" +
           refresh + "\"}";
  };
  EXPECT_THAT(ask("POST", "/token", {}, "{").body, HasSubstr("invalid_request"));
  EXPECT_THAT(ask("POST", "/token", {}, renewal("other")).body, HasSubstr("invalid_grant"));
  const Reply renewed = ask("POST", "/token", {}, renewal("the-token"));
  EXPECT_EQ(renewed.status, 200);
  EXPECT_THAT(renewed.body, HasSubstr("\"expiresIn\": 60,"));
  EXPECT_EQ(ask("POST", "/token", {}, renewal(value(renewed.body, "refreshToken"))).status, 200);
  const std::string access = value(renewed.body, "accessToken");
  expect_short_lived(given_now("the-token"), given_now(access));
  EXPECT_EQ(ask("GET", target, {{name, access}}).status, 401) << "that token has ended too";
}

TEST_F(ServicesTest, AllCanBeExpiredAtOnce) {
  const Header token{"Authorization", "the-token"};
  const Credential before = given(ask("GET", "/v1/credentials", {token}).body);
  server().expire_credentials();
  EXPECT_EQ(get_with(before), "ExpiredToken");
  EXPECT_EQ(get_with(given(ask("GET", "/v1/credentials", {token}).body)), "x");
}

TEST_F(ServicesTest, WhatIsOffIsABucket) {
  options.services = {};
  for (const char* target : {kRoles, "/v1/credentials", "/federation/credentials"})
    EXPECT_EQ(ask("GET", target).status, 403) << target;
  EXPECT_EQ(ask("POST", "/", {}, assume).status, 403);
  EXPECT_EQ(server().counts().of(Operation::sts), 0u);
}

// Faults match services as they match S3.
TEST_F(ServicesTest, FaultsTakeThePathForAKey) {
  Match match;
  match.operation = Operation::instance;
  match.key = "*/security-credentials/*";
  fault(faults::status(503), match);
  EXPECT_EQ(ask("GET", kRoles).status, 503);
  EXPECT_EQ(ask("GET", "/latest/api/token").status, 405);
}

}  // namespace
}  // namespace sluice::origin
