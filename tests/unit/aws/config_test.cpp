#include "aws/config.hpp"

#include "shared_files.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace sluice::aws {
namespace {

using SharedConfigTest = tests::SharedFiles;

TEST_F(SharedConfigTest, NothingAtAllIsNoError) {
  std::filesystem::remove_all(home_ / ".aws");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->profile, "default");
  EXPECT_FALSE(loaded->profile_found);
  EXPECT_EQ(loaded->region, "");
  EXPECT_EQ(loaded->max_attempts, std::nullopt);
  EXPECT_EQ(loaded->config_path, config().string());
}

TEST_F(SharedConfigTest, WithoutAHomeThereAreNoFiles) {
  variables_.clear();
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->credentials_path, "~/.aws/credentials");
}

TEST_F(SharedConfigTest, CredentialsFileWinsWithinAProfile) {
  write_config("[default]\nregion = eu-west-1\naws_access_key_id = from config\n");
  write_credentials("[default]\naws_access_key_id = from credentials\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->profile_found);
  EXPECT_EQ(loaded->settings.at("region"), "eu-west-1");
  EXPECT_EQ(loaded->settings.at("aws_access_key_id"), "from credentials");
}

TEST_F(SharedConfigTest, WhatS3HasOfItsOwn) {
  auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->use_fips || loaded->s3_dual_stack || loaded->s3_accelerate);
  EXPECT_FALSE(loaded->request_payer);
  EXPECT_TRUE(loaded->use_arn_region);
  write_config(
      "[default]\nuse_fips_endpoint = true\ns3_use_arn_region = false\nrequest_payer = requester\n"
      "s3 =\n  use_dualstack_endpoint = true\n  use_accelerate_endpoint = true\n");
  loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->use_fips && loaded->s3_dual_stack && loaded->s3_accelerate);
  EXPECT_TRUE(loaded->request_payer);
  EXPECT_FALSE(loaded->use_dual_stack) << "of other services";
  EXPECT_FALSE(loaded->use_arn_region);
  variables_["AWS_USE_FIPS_ENDPOINT"] = "false";
  variables_["AWS_S3_USE_ARN_REGION"] = "true";
  variables_["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->use_fips);
  EXPECT_TRUE(loaded->use_arn_region && loaded->use_dual_stack && loaded->s3_dual_stack);
}

TEST_F(SharedConfigTest, VariablesWinOverFiles) {
  write_config(
      "[default]\nregion = eu-west-1\nendpoint_url = http://profile\nca_bundle = ~/ca.pem\n"
      "max_attempts = 3\ns3 =\n  addressing_style = path\n");
  auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->region, "eu-west-1");
  EXPECT_EQ(loaded->endpoint_url, "http://profile");
  EXPECT_EQ(loaded->ca_bundle, (home_ / "ca.pem").string());
  EXPECT_EQ(loaded->max_attempts, 3u);
  EXPECT_EQ(loaded->addressing_style, "path");

  variables_["AWS_DEFAULT_REGION"] = "eu-west-2";
  variables_["AWS_ENDPOINT_URL"] = "http://variable";
  variables_["AWS_CA_BUNDLE"] = "/etc/ca.pem";
  variables_["AWS_MAX_ATTEMPTS"] = "7";
  loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->region, "eu-west-2");
  EXPECT_EQ(loaded->endpoint_url, "http://variable");
  EXPECT_EQ(loaded->ca_bundle, "/etc/ca.pem");
  EXPECT_EQ(loaded->max_attempts, 7u);

  variables_["AWS_REGION"] = "eu-west-3";
  variables_["AWS_ENDPOINT_URL_S3"] = "http://s3";
  loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->region, "eu-west-3");
  EXPECT_EQ(loaded->endpoint_url, "http://s3");

  variables_["AWS_REGION"] = " ";
  loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->region, "eu-west-2") << "a blank variable is as good as none";
}

TEST_F(SharedConfigTest, EndpointOfAServicesSection) {
  write_config(
      "[default]\nendpoint_url = http://global\nservices = local\n"
      "[services local]\nec2 =\n  endpoint_url = http://ec2\ns3 =\n  endpoint_url = http://s3\n");
  EXPECT_EQ(load().value().endpoint_url, "http://s3");
  variables_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(load().value().endpoint_url, "");
}

TEST_F(SharedConfigTest, ProfileByFlagThenByVariable) {
  write_config("[default]\nregion = r0\n[profile a]\nregion = r1\n[profile b]\nregion = r2\n");
  EXPECT_EQ(load().value().region, "r0");
  variables_["AWS_PROFILE"] = "a";
  EXPECT_EQ(load().value().region, "r1");
  EXPECT_FALSE(load().value().profile_given);
  EXPECT_EQ(load("b").value().region, "r2");
  EXPECT_TRUE(load("b").value().profile_given);
}

TEST_F(SharedConfigTest, UnknownProfileNamesFilesAndTheNearest) {
  write_config("[profile production]\n[profile staging]\n");
  const auto loaded = load("prodution");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::usage);
  EXPECT_EQ(loaded.error().message, "there is no profile prodution in " + config().string() +
                                        " or " + credentials().string() +
                                        "; did you mean production?");
  variables_["AWS_PROFILE"] = "something-else-altogether";
  const auto by_variable = load();
  ASSERT_FALSE(by_variable);
  EXPECT_EQ(by_variable.error().message.find("did you mean"), std::string::npos);
  EXPECT_NE(by_variable.error().message.find("AWS_PROFILE"), std::string::npos);
}

TEST_F(SharedConfigTest, FilesElsewhere) {
  write(home_ / "other-config", "[default]\nregion = elsewhere\n");
  write(home_ / "other-credentials", "[default]\naws_access_key_id = AKID\n");
  variables_["AWS_CONFIG_FILE"] = "~/other-config";
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = (home_ / "other-credentials").string();
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->region, "elsewhere");
  EXPECT_EQ(loaded->settings.at("aws_access_key_id"), "AKID");
}

TEST_F(SharedConfigTest, WrongNumberOfAttempts) {
  for (const char* wrong : {"0", "-1", "many", "1.5", "99999999999"}) {
    variables_["AWS_MAX_ATTEMPTS"] = wrong;
    const auto loaded = load();
    ASSERT_FALSE(loaded) << wrong;
    EXPECT_EQ(loaded.error().kind, ErrorKind::usage);
    EXPECT_NE(loaded.error().message.find(wrong), std::string::npos);
  }
}

TEST_F(SharedConfigTest, SyntaxErrorNamesTheFile) {
  write_credentials("[default]\nwJalrXUtnFEMI\n");
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message,
            credentials().string() + " line 2: Expected an '=' sign defining a property");
}

TEST_F(SharedConfigTest, UnreadableFileIsALocalError) {
  std::filesystem::create_directory(config());
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::local);
  EXPECT_EQ(loaded.error().os_error, EISDIR);
  EXPECT_NE(loaded.error().message.find(config().string()), std::string::npos);
}

TEST_F(SharedConfigTest, FileWithoutAnEndIsRefused) {
  variables_["AWS_CONFIG_FILE"] = "/dev/zero";
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::usage);
}

TEST_F(SharedConfigTest, WarnsOfKeysThatOthersCanRead) {
  write_credentials("[default]\n");
  EXPECT_TRUE(load().value().warnings.empty());
  ASSERT_EQ(::chmod(credentials().c_str(), 0640), 0);
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_NE(loaded->warnings.front().find(credentials().string()), std::string::npos);
}

TEST(ProcessEnvironment, ReadsVariables) {
  ASSERT_EQ(::setenv("SLUICE_TEST_VARIABLE", " value ", 1), 0);
  const Environment environment = process_environment();
  EXPECT_EQ(environment("SLUICE_TEST_VARIABLE"), " value ");
  EXPECT_EQ(variable(environment, "SLUICE_TEST_VARIABLE"), "value");
  EXPECT_EQ(environment("SLUICE_TEST_VARIABLE_THAT_IS_NOT_SET"), std::nullopt);
}

}  // namespace
}  // namespace sluice::aws
