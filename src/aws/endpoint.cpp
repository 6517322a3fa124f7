#include "aws/endpoint.hpp"

namespace sluice::aws {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view dns_suffix;
};

// botocore data/partitions.json; a region of none of these is of the `aws` or `aws-us-gov`
// partition, which share a suffix.
constexpr Partition kPartitions[] = {
    {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}, {"eusc-", "amazonaws.eu"},
};

}  // namespace

std::string_view dns_suffix(std::string_view region) noexcept {
  for (const Partition& partition : kPartitions)
    if (region.starts_with(partition.region_prefix)) return partition.dns_suffix;
  return "amazonaws.com";
}

std::string s3_host(std::string_view region) {
  if (region == "aws-global") return "s3.amazonaws.com";  // a pseudo region of the SDKs
  if (region.empty()) region = "us-east-1";
  std::string host = "s3.";
  host += region;
  host += '.';
  host += dns_suffix(region);
  return host;
}

std::string s3_url(std::string_view region) {
  return "https://" + s3_host(region);
}

}  // namespace sluice::aws
