#pragma once

#include <string>
#include <string_view>

namespace sluice::aws {

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

/// What ARNs call that partition: `aws`, `aws-cn`.
std::string_view partition_name(std::string_view region) noexcept;

}  // namespace sluice::aws
