#include "aws/endpoint.hpp"

#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

TEST(Endpoint, HostFollowsThePartitionOfTheRegion) {
  EXPECT_EQ(s3_host("eu-central-1"), "s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(s3_host("us-gov-west-1"), "s3.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(s3_host("cn-north-1"), "s3.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(s3_host("us-iso-east-1"), "s3.us-iso-east-1.c2s.ic.gov");
  EXPECT_EQ(s3_host("us-isob-east-1"), "s3.us-isob-east-1.sc2s.sgov.gov");
  EXPECT_EQ(s3_host("eusc-de-east-1"), "s3.eusc-de-east-1.amazonaws.eu");
}

TEST(Endpoint, NoRegionMeansTheFirstOne) {
  EXPECT_EQ(s3_url(""), "https://s3.us-east-1.amazonaws.com");
  EXPECT_EQ(s3_url("aws-global"), "https://s3.amazonaws.com");
}

}  // namespace
}  // namespace sluice::aws
