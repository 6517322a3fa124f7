#include "aws/sts.hpp"

#include "aws/signer.hpp"
#include "fake_services.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;
using tests::ask;
using tests::sts_document;
using tests::sts_error;
using tests::words_of;

constexpr const char* kLater = "2023-11-14T23:13:20Z";

using Sts = tests::ServicesTest;

const std::string kBase =
    "[profile base]\naws_access_key_id = K\naws_secret_access_key = SECRET\n"
    "aws_session_token = TOKEN\n";
const std::string kRole =
    "[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\n";

TEST_F(Sts, RoleOfAProfile) {
  write_config(
      kRole + "external_id = a b/c\nrole_session_name = me@home\nduration_seconds = 900\n" + kBase);
  services_.answer(200, sts_document("AssumeRole", "A", kLater));
  const auto answer = get();
  EXPECT_EQ(words_of(answer), "A s t");
  EXPECT_EQ((*answer)->expires, now_ + 1h);
  EXPECT_TRUE((*answer)->source.starts_with("profile default in ")) << (*answer)->source;

  const tests::FakeServices::Seen& seen = services_.seen.at(0);
  EXPECT_EQ(seen.line, "POST https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(seen.request.body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FR&"
            "RoleSessionName=me%40home&ExternalId=a%20b%2Fc&DurationSeconds=900");
  EXPECT_EQ(seen.header("x-amz-security-token"), "TOKEN");
  EXPECT_EQ(seen.header("x-amz-date"), "20231114T221320Z");
  EXPECT_TRUE(seen.header("authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=K/20231114/eu-west-1/sts/aws4_request, "
                               "SignedHeaders=content-type;host;"))
      << seen.header("authorization");
}

TEST_F(Sts, RolesOneAfterTheOther) {
  write_config(kRole + "[profile base]\nrole_arn = BASEROLE\nsource_profile = keys\n" +
               "[profile keys]\naws_access_key_id = K\naws_secret_access_key = SECRET\n");
  services_.answer(200, sts_document("AssumeRole", "MIDDLE", kLater));
  services_.answer(200, sts_document("AssumeRole", "END", kLater));
  EXPECT_EQ(found(), "END s t");
  EXPECT_NE(services_.seen[0].request.body.find("RoleArn=BASEROLE&RoleSessionName=sluice-17"),
            std::string::npos);
  EXPECT_NE(services_.seen[0].header("authorization").find("Credential=K/"), std::string::npos);
  EXPECT_NE(services_.seen[1].header("authorization").find("Credential=MIDDLE/"),
            std::string::npos);
  services_.answer(403, sts_error("AccessDenied", "not you"));
  EXPECT_NE(found().find("assuming the role BASEROLE"), std::string::npos);
  EXPECT_EQ(services_.seen.size(), 3u) << "nothing follows a failure";
}

TEST_F(Sts, SourcesByName) {
  const std::string role = "[default]\nrole_arn = R\ncredential_source = ";
  const auto load_named = [&](const std::string& name) {
    write_config(role + name + "\n");
    return load("default").value();  // --profile: not the keys of the environment themselves
  };
  variables_["AWS_ACCESS_KEY_ID"] = "ENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = "SECRET";
  variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  services_.answer(200, sts_document("AssumeRole", "A", kLater));
  EXPECT_EQ(words_of(ask(*default_chain(world(), load_named("Environment")))), "A s t");
  EXPECT_NE(services_.seen.back().header("authorization").find("Credential=ENV/"),
            std::string::npos);

  services_.answer(200, tests::metadata("CONTAINER", kLater));
  services_.answer(200, sts_document("AssumeRole", "B", kLater));
  EXPECT_EQ(words_of(ask(*default_chain(world(), load_named("EcsContainer")))), "B s t");
  EXPECT_NE(services_.seen.back().header("authorization").find("Credential=CONTAINER/"),
            std::string::npos);

  services_.answer(200, "TOKEN");
  services_.answer(200, "role");
  services_.answer(200, tests::metadata("INSTANCE", kLater));
  services_.answer(200, sts_document("AssumeRole", "C", kLater));
  EXPECT_EQ(words_of(ask(*default_chain(world(), load_named("Ec2InstanceMetadata")))), "C s t");
  EXPECT_NE(services_.seen.back().header("authorization").find("Credential=INSTANCE/"),
            std::string::npos);

  const std::string none =
      words_of(ask(*default_chain(world(), load_named("Ec2InstanceMetadata"))));
  EXPECT_NE(none.find("credential_source that has none: EC2 instance metadata (nobody"),
            std::string::npos)
      << none;
}

TEST_F(Sts, WebIdentity) {
  const auto token = home_ / "token";
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = token.string();
  EXPECT_NE(found().find("AWS_ROLE_ARN is not; set both or neither"), std::string::npos);
  variables_["AWS_ROLE_ARN"] = "R";
  variables_["AWS_ROLE_SESSION_NAME"] = "pod";
  EXPECT_NE(found().find("cannot open " + token.string()), std::string::npos) << found();
  write(token, "ey.JWT+/=\n");
  services_.answer(200, sts_document("AssumeRoleWithWebIdentity", "A", kLater));
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(services_.seen[0].line, "POST https://sts.us-east-1.amazonaws.com/");
  EXPECT_EQ(services_.seen[0].request.body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=R&RoleSessionName=pod&"
            "WebIdentityToken=ey.JWT%2B%2F%3D");
  EXPECT_EQ(services_.seen[0].header("authorization"), "(none)") << "the token is the proof";
  write(token, "\n");
  EXPECT_NE(found().find("the file is empty or holds no token"), std::string::npos);

  variables_.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  write_config("[default]\nrole_arn = R2\nweb_identity_token_file = " + token.string() + "\n");
  write(token, "second");
  services_.answer(200, sts_document("AssumeRoleWithWebIdentity", "B", kLater));
  EXPECT_EQ(found(), "B s t");
  EXPECT_NE(services_.seen[1].request.body.find("RoleArn=R2"), std::string::npos);
}

TEST_F(Sts, Refusals) {
  write_config(kRole + kBase);
  const std::string what =
      "error: assuming the role arn:aws:iam::1:role/R at "
      "https://sts.eu-west-1.amazonaws.com: ";
  services_.answer(403, sts_error("AccessDenied", "User: x is not authorized"));
  EXPECT_EQ(found(),
            what + "the service answered with status 403, AccessDenied: User: x is not authorized");
  services_.answer(403, sts_error("Sly", "your key is SECRET"));
  EXPECT_EQ(found(), what +
                         "the service answered with status 403, Sly: (withheld: it quotes our "
                         "credentials)");
  services_.answer(200, "<html/>");
  EXPECT_EQ(found(), what +
                         "the service answered with status 200, but the answer is not usable: "
                         "it is no answer to that request");
  services_.answer(200, sts_error("AccessDenied", "no"));
  EXPECT_EQ(found(), what + "the service answered with status 200, AccessDenied: no");
  EXPECT_EQ(get().error().kind, ErrorKind::unreachable) << "no answer is left";
  services_.answer(503, "");
  services_.answer(503, "");
  services_.answer(503, "");
  EXPECT_EQ(get().error().kind, ErrorKind::transient);
  services_.answer(403, std::string("no xml"));
  EXPECT_EQ(found(), what + "the service answered with status 403");
}

TEST_F(Sts, AClockThatIsWrongIsCorrectedOnce) {
  write_config(kRole + kBase);
  const std::int64_t theirs = 1'700'000'000 + 7200;
  services_.answer(403, sts_error("SignatureDoesNotMatch", "expired"), theirs);
  services_.answer(200, sts_document("AssumeRole", "A", "2023-11-15T01:13:20Z"));
  EXPECT_EQ(found(), "A s t");
  EXPECT_EQ(services_.seen[1].header("x-amz-date"), "20231115T001320Z");
  services_.answer(403, sts_error("AccessDenied", "no"), theirs);
  services_.answer(403, sts_error("AccessDenied", "no"), theirs);
  EXPECT_NE(found().find("AccessDenied"), std::string::npos);
  services_.answer(403, sts_error("AccessDenied", "no"), 1'700'000'000 + 60);
  EXPECT_NE(found().find("AccessDenied"), std::string::npos);
  EXPECT_EQ(services_.left(), 0u);
}

TEST_F(Sts, ExpiredAnswersAreFailures) {
  write_config(kRole + kBase);
  services_.answer(200, sts_document("AssumeRole", "A", "2023-11-14T22:13:20Z"));
  EXPECT_EQ(get().error().kind, ErrorKind::expired);
}

TEST(StsAnswer, Malformed) {
  const std::string good = sts_document("AssumeRole", "A", kLater);
  ASSERT_TRUE(parse_sts_answer(good, "AssumeRole"));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const std::string rows[] = {
      "",
      "x",
      good + "trailing",
      good + good,
      "<!DOCTYPE x>" + good,
      good.substr(0, good.size() - 3),
      with(">A<", "><"),
      with(">A<", "><b/><"),
      with(">A<", ">a<!-- -->b<"),
      with(">A<", ">a&#10;b<"),
      with(">A<", ">\xc3\xa4<"),
      with(kLater, "soon"),
      with(kLater, ""),
      with("Credentials", "Other"),
      with("AssumeRoleResult", "Other"),
      sts_error("", "no code"),
      std::string("<a/>\0", 5),
  };
  for (const std::string& row : rows)
    EXPECT_FALSE(parse_sts_answer(row, "AssumeRole")) << row;
  EXPECT_FALSE(parse_sts_answer(good, "AssumeRoleWithWebIdentity"));
}

}  // namespace
}  // namespace sluice::aws
