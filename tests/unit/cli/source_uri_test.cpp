#include "source_uri.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(SourceUri, SplitsBucketAndPrefix) {
  struct Case {
    std::string_view text, bucket, prefix;
  };
  for (const Case& c :
       {Case{"s3://b", "b", ""}, Case{"s3://b/", "b", ""}, Case{"s3://b/p", "b", "p/"},
        Case{"s3://b/p/q/", "b", "p/q/"}, Case{"s3://b//p", "b", "/p/"},
        Case{"s3://b/a b%20\xff?#", "b", "a b%20\xff?#/"},
        Case{"s3://arn:aws:s3:eu-west-1:1:accesspoint/n", "arn:aws:s3:eu-west-1:1:accesspoint/n",
             ""},
        Case{"s3://arn:aws:s3:eu-west-1:1:accesspoint/n/p", "arn:aws:s3:eu-west-1:1:accesspoint/n",
             "p/"},
        Case{"s3://arn:aws:s3:eu-west-1:1:accesspoint:n/p", "arn:aws:s3:eu-west-1:1:accesspoint:n",
             "p/"},
        Case{"s3://arn/:accesspoint/p", "arn", ":accesspoint/p/"}}) {
    const auto uri = parse_source_uri(c.text);
    ASSERT_TRUE(uri) << c.text;
    EXPECT_EQ(uri->bucket, c.bucket) << c.text;
    EXPECT_EQ(uri->prefix, c.prefix) << c.text;
  }
}

TEST(SourceUri, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "b", "/srv/b", "s3:/b", "s3:b", "S3://b", "http://h/b", "s3://", "s3:///p"}) {
    const auto uri = parse_source_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().kind, ErrorKind::usage);
    EXPECT_NE(uri.error().message.find("s3://"), std::string::npos) << uri.error().message;
  }
  EXPECT_NE(parse_source_uri("https://b.s3.amazonaws.com/p").error().message.find("endpoint-url"),
            std::string::npos);
  EXPECT_EQ(parse_source_uri("x\x1b").error().message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli
