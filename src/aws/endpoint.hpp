#pragma once

#include <string>
#include <string_view>

namespace sluice::aws {

/// The host of S3 in a region of AWS, `s3.eu-central-1.amazonaws.com`, with the DNS suffix of the
/// region's partition. The empty region means us-east-1. `region` is one DNS label: whoever took it
/// from a server has checked that. A bucket is put in front by whoever knows the addressing style.
std::string s3_host(std::string_view region);

/// `https://` and the host.
std::string s3_url(std::string_view region);

/// Which of a service's addresses in a region.
struct EndpointVariant {
  bool fips = false;        ///< cryptography validated by FIPS 140
  bool dual_stack = false;  ///< IPv6 too
};

/// The host of another service: `sts.eu-central-1.amazonaws.com`, `sts-fips.us-east-1.api.aws`.
std::string service_host(std::string_view service, std::string_view region,
                         EndpointVariant variant);

/// The DNS suffix of the partition that `region` belongs to: `amazonaws.com`.
std::string_view dns_suffix(std::string_view region) noexcept;

}  // namespace sluice::aws
