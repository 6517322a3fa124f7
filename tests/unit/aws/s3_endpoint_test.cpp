#include "aws/s3_endpoint.hpp"

#include "../crypto/vector_files.hpp"
#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <string_view>

namespace sluice::aws {
namespace {

namespace dom = simdjson::dom;
using ::testing::HasSubstr;

std::string url_of(const S3EndpointOptions& options) {
  const auto endpoint = resolve_s3_endpoint(options);
  if (!endpoint) return endpoint.error().message;
  const bool https = endpoint->url.endpoint.scheme == http::Scheme::https;
  std::string url = https ? "https://" : "http://";
  url += endpoint->url.host_header() + endpoint->url.base_path;
  if (endpoint->is_path_style) url += "/" + text::uri_encoded(options.bucket, text::Slash::keep);
  return url;
}

S3EndpointOptions options_for(std::string bucket, std::string region = "us-west-2") {
  S3EndpointOptions options;
  options.bucket = std::move(bucket);
  options.region = std::move(region);
  return options;
}

TEST(S3Endpoint, HostFollowsThePartitionOfTheRegion) {
  const auto host = [](std::string region) { return url_of(options_for("bucket", region)); };
  EXPECT_EQ(host("eu-central-1"), "https://bucket.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(host("us-gov-west-1"), "https://bucket.s3.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(host("cn-north-1"), "https://bucket.s3.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(host("us-iso-east-1"), "https://bucket.s3.us-iso-east-1.c2s.ic.gov");
  EXPECT_EQ(host("eusc-de-east-1"), "https://bucket.s3.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(host(""), "https://bucket.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(host("aws-global"), "https://bucket.s3.amazonaws.com");
}

TEST(S3Endpoint, ACustomEndpointGetsTheBucketInItsPath) {
  S3EndpointOptions options = options_for("bucket");
  options.custom = http::parse_url("http://minio:9000/base").value();
  EXPECT_EQ(url_of(options), "http://minio:9000/base/bucket");
  options.addressing = Addressing::virtual_host;
  EXPECT_EQ(url_of(options), "http://bucket.minio:9000/base");
  options.custom = http::parse_url("http://10.0.0.1").value();
  EXPECT_THAT(url_of(options), HasSubstr("--addressing-style path"));
}

TEST(S3Endpoint, AccessPointsAsTheUserGuideWritesThem) {
  EXPECT_EQ(url_of(options_for("arn:aws:s3:eu-west-1:123456789012:accesspoint/own")),
            "https://own-123456789012.s3-accesspoint.eu-west-1.amazonaws.com");
  EXPECT_EQ(url_of(options_for("own-0123456789abcdef-s3alias")),
            "https://own-0123456789abcdef-s3alias.s3.us-west-2.amazonaws.com");
}

TEST(S3Endpoint, SaysWhatItCannotDo) {
  for (const auto& [bucket, why] : std::initializer_list<std::pair<const char*, const char*>>{
           {"b--usw2-az1--x-s3", "directory buckets"},
           {"p--usw2-az1--xa-s3", "directory buckets"},
           {"a-o01--op-s3", "Outposts"},
           {"arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", "Multi-Region"},
           {"arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/x", "s3-object-lambda"},
           {"arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-1:accesspoint:x", "s3-outposts"},
           {"arn:aws:s3:::bucket", "names no access point"},
           {"arn:aws:s3:us-west-2:123456789012:", "not complete"},
           {"arn:aws:s3:\x1b[0m:123456789012:accesspoint/x", "\\x1b[0m"}}) {
    const auto endpoint = resolve_s3_endpoint(options_for(bucket));
    ASSERT_FALSE(endpoint) << bucket;
    EXPECT_EQ(endpoint.error().kind, ErrorKind::usage);
    EXPECT_THAT(endpoint.error().message, HasSubstr(why));
  }
}

bool flag(const dom::object& params, std::string_view name) {
  bool value = false;
  return params[name].get(value) == simdjson::SUCCESS && value;
}

std::string word(const dom::object& params, std::string_view name) {
  std::string_view value;
  return params[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

/// What needs another signature or another service: refused, whatever the SDKs make of it.
bool is_unsupported(const dom::object& params, std::string_view expected) {
  const std::string bucket = word(params, "Bucket");
  for (const char* suffix : {"--x-s3", "--xa-s3", "--op-s3"})
    if (bucket.ends_with(suffix)) return true;
  for (const char* part : {"s3-outposts", "s3-object-lambda", ".mrap", "s3express"})
    if (bucket.find(part) != std::string::npos || expected.find(part) != std::string::npos)
      return true;
  return false;
}

/// The cases of botocore for S3: those of buckets and access points as they are; all others must
/// be refused.
TEST(S3Endpoint, VectorsOfTheSdks) {
  const auto path = sluice::tests::foreign_vectors("s3-endpoint-tests/endpoint-tests-1.json");
  if (!path) GTEST_SKIP() << "SLUICE_VECTORS has no s3-endpoint-tests";
  dom::parser parser;
  const dom::element document = parser.load(path->string());
  int resolved = 0, refused = 0;
  for (const dom::object test : dom::array(document["testCases"])) {
    const dom::object params = test["params"];
    SCOPED_TRACE(std::string(std::string_view(test["documentation"])) + " " +
                 simdjson::minify(params));
    const bool is_error = test["expect"]["error"].error() == simdjson::SUCCESS;
    std::string url;
    std::string region;
    if (!is_error) {
      url = std::string_view(test["expect"]["endpoint"]["url"]);
      dom::array schemes;
      if (test["expect"]["endpoint"]["properties"]["authSchemes"].get(schemes) == simdjson::SUCCESS)
        for (const dom::object scheme : schemes)
          region = word(scheme, "signingRegion");
    }
    S3EndpointOptions options = options_for(word(params, "Bucket"), word(params, "Region"));
    if (options.bucket.empty() || flag(params, "DisableAccessPoints")) continue;
    // No such host: for this pseudo region alone the rules put a region behind "dualstack".
    if (options.region == "aws-global" && flag(params, "Accelerate")) continue;
    const bool path_style = flag(params, "ForcePathStyle");
    if (path_style) options.addressing = Addressing::path;
    options.variant = {flag(params, "UseFIPS"), flag(params, "UseDualStack")};
    options.accelerate = flag(params, "Accelerate");
    bool use_arn_region = true;
    if (params["UseArnRegion"].get(use_arn_region) == simdjson::SUCCESS)
      options.use_arn_region = use_arn_region;
    if (const std::string custom = word(params, "Endpoint"); !custom.empty()) {
      const auto parsed = http::parse_url(custom);
      ASSERT_TRUE(parsed) << custom;
      options.custom = *parsed;
      // The SDKs put the bucket before any host where it fits; we only do if told so.
      const bool fits = url.find("://" + options.bucket + ".") != std::string::npos;
      if (fits && !path_style) options.addressing = Addressing::virtual_host;
    }
    const auto endpoint = resolve_s3_endpoint(options);
    if (is_error || is_unsupported(params, url)) {
      ++refused;
      EXPECT_FALSE(endpoint) << "resolved to " << url_of(options);
      continue;
    }
    ++resolved;
    ASSERT_TRUE(endpoint) << endpoint.error().message;
    EXPECT_EQ(url_of(options), url);
    EXPECT_EQ(endpoint->signing_region, region);
  }
  EXPECT_GE(resolved, 60);
  EXPECT_GE(refused, 60);
}

}  // namespace
}  // namespace sluice::aws
