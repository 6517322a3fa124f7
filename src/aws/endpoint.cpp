#include "aws/endpoint.hpp"

namespace sluice::aws {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view dns_suffix;
  std::string_view dual_stack_suffix;
};

// botocore data/partitions.json; a region of none of these is of the `aws` or `aws-us-gov`
// partition, which share a suffix.
constexpr Partition kPartitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
};
constexpr Partition kOthers = {"", "amazonaws.com", "api.aws"};

const Partition& partition_of(std::string_view region) noexcept {
  for (const Partition& partition : kPartitions)
    if (region.starts_with(partition.region_prefix)) return partition;
  return kOthers;
}

}  // namespace

std::string_view dns_suffix(std::string_view region) noexcept {
  return partition_of(region).dns_suffix;
}

std::string service_host(std::string_view service, std::string_view region,
                         EndpointVariant variant) {
  const Partition& partition = partition_of(region);
  std::string host(service);
  if (variant.fips) host += "-fips";
  host += '.';
  host += region;
  host += '.';
  host += variant.dual_stack ? partition.dual_stack_suffix : partition.dns_suffix;
  return host;
}

}  // namespace sluice::aws
