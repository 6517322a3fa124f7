#pragma once

#include "aws/endpoint.hpp"
#include "base/result.hpp"
#include "http/url.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::aws {

/// Where the bucket's name goes.
enum class Addressing : std::uint8_t {
  automatic,     ///< AWS: before the host if it fits there. Custom endpoints: in the path
  path,          ///< https://host/bucket/key
  virtual_host,  ///< https://bucket.host/key
};

struct S3EndpointOptions {
  std::string bucket;               ///< a name, an alias, or the ARN of an access point
  std::string region;               ///< empty: us-east-1
  std::optional<http::Url> custom;  ///< instead of AWS's own
  Addressing addressing = Addressing::automatic;
  EndpointVariant variant;
  bool accelerate = false;     ///< S3 Transfer Acceleration
  bool use_arn_region = true;  ///< an ARN of another region is followed there
};

/// Where the requests for one bucket go, and for which region they are signed.
struct S3Endpoint {
  http::Url url;  ///< the bucket before its host, unless `is_path_style`
  bool is_path_style = false;
  std::string signing_region;
};

/// The endpoint rules of the AWS SDKs for S3, for what sluice can do: general purpose buckets and
/// access points. `usage` error for what cannot be combined, and for what needs another signature:
/// directory buckets, Outposts, Object Lambda and Multi-Region Access Points. Does not judge the
/// bucket's name. Pure.
Result<S3Endpoint> resolve_s3_endpoint(const S3EndpointOptions& options);

}  // namespace sluice::aws
