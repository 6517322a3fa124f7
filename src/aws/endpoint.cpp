#include "aws/endpoint.hpp"

namespace sluice::aws {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view name;
  std::string_view dns_suffix;
  std::string_view dual_stack_suffix;
};

// botocore data/partitions.json; a region of none of these is of the `aws` partition.
constexpr Partition kPartitions[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws"},
    {"us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"},
};
constexpr Partition kOthers = {"", "aws", "amazonaws.com", "api.aws"};

const Partition& partition_of(std::string_view region) noexcept {
  for (const Partition& partition : kPartitions)
    if (region.starts_with(partition.region_prefix)) return partition;
  return kOthers;
}

}  // namespace

std::string_view dns_suffix(std::string_view region) noexcept {
  return partition_of(region).dns_suffix;
}

std::string_view partition_name(std::string_view region) noexcept {
  return partition_of(region).name;
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
