#include "fixed_credentials.hpp"
#include "s3/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::s3 {
namespace {

using ::testing::HasSubstr;

SessionOptions options_for(std::string bucket, std::string endpoint_url = {}) {
  SessionOptions options;
  options.bucket = std::move(bucket);
  options.endpoint_url = std::move(endpoint_url);
  return options;
}

std::shared_ptr<Session> session_for(SessionOptions options) {
  auto session = Session::make(std::move(options), FixedCredentials::make());
  EXPECT_TRUE(session) << session.error().message;
  return session ? *session : nullptr;
}

TEST(BucketName, GoodOnes) {
  for (const char* name : {"abc", "my-bucket", "my.bucket.name", "123", "1-2", "a.b-c",
                           "mykey-0123456789abcdef-s3alias", "ap-0123456789--ol-s3"}) {
    EXPECT_EQ(bucket_name_problem(name, false), "") << name;
    EXPECT_EQ(bucket_name_problem(name, true), "") << name;
  }
  EXPECT_EQ(bucket_name_problem(std::string(63, 'a'), false), "");
  EXPECT_EQ(bucket_name_problem(std::string(255, 'a'), true), "");
}

TEST(BucketName, TheBrokenRuleIsNamed) {
  const std::vector<std::pair<std::string, const char*>> broken = {
      {"", "empty"},
      {"ab", "3 to 63"},
      {std::string(64, 'a'), "3 to 63"},
      {"My-bucket", "upper-case"},
      {"my_bucket", "only lower-case letters"},
      {"my bucket", "only lower-case letters"},
      {"b\xc3\xbc"
       "cher",
       "only lower-case letters"},
      {"my/bucket", "only lower-case letters"},
      {"-abc", "begin and end"},
      {"abc-", "begin and end"},
      {".abc", "begin and end"},
      {"abc.", "begin and end"},
      {"a..b", "two dots"},
      {"192.168.5.4", "IP address"},
      {"xn--bucket", "xn--"},
      {"sthree-bucket", "sthree-"},
      {"amzn-s3-demo-bucket", "amzn-s3-demo-"},
      {"bucket--usw2-az1--x-s3", "directory buckets"},
      {"bucket.mrap", ".mrap"},
      {"bucket--table-s3", "--table-s3"},
      {"arn:aws:s3:::bucket", "ARN"},
  };
  for (const auto& [name, rule] : broken)
    EXPECT_THAT(bucket_name_problem(name, false), HasSubstr(rule)) << name;
}

TEST(BucketName, OldRulesForCustomEndpoints) {
  for (const char* name : {"My_Bucket", "a..b", "-abc-", "192.168.5.4", "xn--bucket"})
    EXPECT_EQ(bucket_name_problem(name, true), "") << name;
  for (const char* name : {"", "ab", "..", "a/b", "a b", "a?b", "a%b", "a\nb", "a:b"})
    EXPECT_NE(bucket_name_problem(name, true), "") << name;
  EXPECT_THAT(bucket_name_problem(std::string(256, 'a'), true), HasSubstr("3 to 255"));
}

TEST(Session, RefusesWhatCannotWork) {
  const auto error = [](SessionOptions options) {
    const auto session = Session::make(std::move(options), FixedCredentials::make());
    EXPECT_FALSE(session);
    return session ? Error() : session.error();
  };
  EXPECT_EQ(error(options_for("No")).kind, ErrorKind::usage);
  EXPECT_THAT(error(options_for("a\x1b[0m")).message, HasSubstr("a\\x1b[0m"));

  SessionOptions bad_region = options_for("bucket");
  bad_region.region = "evil.example.com";
  EXPECT_EQ(error(bad_region).kind, ErrorKind::usage);
  EXPECT_THAT(error(bad_region).message, HasSubstr("region \"evil.example.com\""));

  EXPECT_EQ(error(options_for("bucket", "ftp://host")).kind, ErrorKind::usage);

  SessionOptions address = options_for("bucket", "http://127.0.0.1:9000");
  address.addressing = AddressingStyle::virtual_host;
  EXPECT_THAT(error(address).message, HasSubstr("--addressing-style path"));
  SessionOptions odd_name = options_for("My_Bucket", "http://s3.local");
  odd_name.addressing = AddressingStyle::virtual_host;
  EXPECT_THAT(error(odd_name).message, HasSubstr("--addressing-style path"));

  EXPECT_EQ(Session::make(options_for("bucket"), nullptr).error().kind, ErrorKind::credentials);
  SessionOptions unsigned_requests = options_for("bucket");
  unsigned_requests.sign = false;
  EXPECT_TRUE(Session::make(unsigned_requests, nullptr));
}

TEST(Session, VirtualHostOnAwsWhereTheNameAllows) {
  const auto session = session_for(options_for("my-bucket"));
  EXPECT_TRUE(session->is_aws());
  EXPECT_FALSE(session->endpoint().is_path_style);
  EXPECT_EQ(session->region(), "us-east-1");
  EXPECT_EQ(session->endpoint().url.endpoint.host, "my-bucket.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(session->endpoint().url.endpoint.port, 443);
  EXPECT_EQ(session->endpoint().url.endpoint.scheme, http::Scheme::https);
  EXPECT_EQ(session->description(),
            "bucket my-bucket at https://s3.us-east-1.amazonaws.com (region us-east-1)");
}

TEST(Session, PathStyleForDotsAndOnRequest) {
  EXPECT_TRUE(session_for(options_for("my.bucket"))->endpoint().is_path_style);
  EXPECT_EQ(session_for(options_for("my.bucket"))->endpoint().url.endpoint.host,
            "s3.us-east-1.amazonaws.com");
  SessionOptions options = options_for("my-bucket");
  options.addressing = AddressingStyle::path;
  EXPECT_TRUE(session_for(options)->endpoint().is_path_style);
}

TEST(Session, CustomEndpoint) {
  const auto session = session_for(options_for("My_Bucket", "http://localhost:9000/s3/"));
  EXPECT_FALSE(session->is_aws());
  EXPECT_TRUE(session->endpoint().is_path_style);
  EXPECT_EQ(session->endpoint().url.endpoint.host, "localhost");
  EXPECT_EQ(session->endpoint().url.endpoint.port, 9000);
  EXPECT_EQ(session->description(),
            "bucket My_Bucket at http://localhost:9000/s3 (region us-east-1)");

  SessionOptions options = options_for("bucket", "https://s3.example.com");
  options.addressing = AddressingStyle::virtual_host;
  EXPECT_EQ(session_for(options)->endpoint().url.endpoint.host, "bucket.s3.example.com");
}

TEST(Session, AnAccessPointHasItsOwnRegion) {
  SessionOptions options = options_for("arn:aws:s3:eu-west-1:123456789012:accesspoint/own");
  options.region = "us-west-2";
  const auto session = session_for(options);
  EXPECT_EQ(session->region(), "eu-west-1");
  EXPECT_FALSE(session->correct_region("us-west-2"));
  EXPECT_EQ(session->endpoint().url.endpoint.host,
            "own-123456789012.s3-accesspoint.eu-west-1.amazonaws.com");
  EXPECT_EQ(session->description(),
            "bucket arn:aws:s3:eu-west-1:123456789012:accesspoint/own at "
            "https://own-123456789012.s3-accesspoint.eu-west-1.amazonaws.com (region eu-west-1)");
}

TEST(Session, WhereTheRegionHasNoSuchEndpointItIsNotCorrected) {
  SessionOptions options = options_for("my-bucket");
  options.variant.fips = true;
  const auto session = session_for(options);
  EXPECT_FALSE(session->correct_region("cn-north-1"));
  EXPECT_EQ(session->endpoint().url.endpoint.host, "my-bucket.s3-fips.us-east-1.amazonaws.com");
  EXPECT_TRUE(session->correct_region("us-west-2"));
}

TEST(Session, RegionIsCorrectedOnce) {
  const auto session = session_for(options_for("my-bucket"));
  EXPECT_FALSE(session->correct_region("evil.example.com"));
  EXPECT_FALSE(session->correct_region(""));
  EXPECT_FALSE(session->correct_region("us-east-1"));
  EXPECT_TRUE(session->correct_region("cn-north-1"));
  EXPECT_EQ(session->region(), "cn-north-1");
  EXPECT_EQ(session->endpoint().url.endpoint.host, "my-bucket.s3.cn-north-1.amazonaws.com.cn");
  EXPECT_FALSE(session->correct_region("eu-west-1"));
  EXPECT_EQ(session->region(), "cn-north-1");
}

TEST(Session, CorrectionLeavesACustomHostAlone) {
  const auto session = session_for(options_for("bucket", "http://localhost:9000"));
  EXPECT_TRUE(session->correct_region("eu-west-1"));
  EXPECT_EQ(session->endpoint().url.endpoint.host, "localhost");
}

TEST(Session, SharedByThreads) {
  const auto session = session_for(options_for("my-bucket"));
  std::atomic<int> corrections = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        session->count(RequestKind::get);
        if (session->correct_region("region-" + std::to_string(t))) ++corrections;
        session->set_skew_seconds(i);
        (void)session->description();
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(corrections, 1);
  EXPECT_EQ(session->requests(RequestKind::get), 4000U);
  EXPECT_EQ(session->requests(RequestKind::list), 0U);
}

}  // namespace
}  // namespace sluice::s3
