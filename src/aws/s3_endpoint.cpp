#include "aws/s3_endpoint.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

// Source: "Endpoint rule set" of S3 in botocore (data/s3/…/endpoint-rule-set-1.json), of which the
// vectors in the tests are made; "Using access points", S3 user guide.
namespace sluice::aws {
namespace {

constexpr std::string_view kGlobal = "aws-global";  // a pseudo region of the SDKs
constexpr std::string_view kFirstRegion = "us-east-1";

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

bool is_ip_literal(std::string_view host) noexcept {
  return host.find(':') != std::string_view::npos ||
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// A bucket that can be a label of a host name: 3 to 63 of a-z, 0-9 and hyphens.
bool is_one_label(std::string_view bucket) noexcept {
  const bool lower =
      std::none_of(bucket.begin(), bucket.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return lower && bucket.size() >= 3 && http::is_dns_label(bucket);
}

/// The same with dots between labels, which a certificate with a wildcard does not cover.
bool is_labels(std::string_view bucket) noexcept {
  const bool is_address = bucket.find_first_not_of("0123456789.") == std::string_view::npos;
  if (is_address) return false;
  for (;;) {
    const std::size_t dot = bucket.find('.');
    if (!is_one_label(bucket.substr(0, dot)) &&
        !(http::is_dns_label(bucket.substr(0, dot)) && bucket.substr(0, dot).size() < 3))
      return false;
    if (dot == std::string_view::npos) return true;
    bucket.remove_prefix(dot + 1);
  }
}

/// `s3`, `s3-fips`, `s3.dualstack`, … in a region of its partition.
std::string host_of(std::string_view service, std::string_view region, EndpointVariant variant) {
  std::string host(service);
  if (variant.fips) host += "-fips";
  if (variant.dual_stack) host += ".dualstack";
  host += '.';
  host += region;
  host += '.';
  host += dns_suffix(region);
  return host;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find_first_of(separators);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

/// What does not go with an endpoint that was given, or with the region.
std::optional<Error> contradiction(const S3EndpointOptions& options) {
  if (options.custom) {
    constexpr std::string_view kAdvice =
        " cannot be combined with an endpoint URL: use one of them";
    if (options.variant.dual_stack) return usage("dual-stack endpoints" + std::string(kAdvice));
    if (options.variant.fips) return usage("FIPS endpoints" + std::string(kAdvice));
    if (options.accelerate) return usage("S3 Transfer Acceleration" + std::string(kAdvice));
  }
  const bool in_china = options.region.starts_with("cn-");
  if (options.variant.fips && in_china)
    return usage("the region " + options.region + " has no FIPS endpoints");
  if (!options.accelerate) return std::nullopt;
  if (options.variant.fips)
    return usage("S3 Transfer Acceleration has no FIPS endpoints: use one of them");
  if (options.addressing == Addressing::path)
    return usage("S3 Transfer Acceleration needs --addressing-style virtual or auto");
  if (in_china) return usage("the region " + options.region + " has no S3 Transfer Acceleration");
  return std::nullopt;
}

/// `arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME`
Result<S3Endpoint> access_point(const S3EndpointOptions& options) {
  const std::string shown = "the ARN " + text::quoted(options.bucket);
  const auto pieces = split(options.bucket, ":/");
  if (pieces.size() < 6 || pieces[5].empty())
    return usage(shown +
                 " is not complete; that of an access point looks like "
                 "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME");
  const std::string_view partition = pieces[1], service = pieces[2], account = pieces[4];
  const std::string region(pieces[3]);
  if (service != "s3")
    return usage(shown + " is of the service " + text::quoted(service) +
                 ", which is not supported: only access points of s3 are");
  if (pieces[5] != "accesspoint" || pieces.size() < 7 || pieces[6].empty())
    return usage(shown + " names no access point; buckets are given by their names alone");
  if (pieces.size() > 7) return usage(shown + " has more behind the access point's name");
  const std::string name(pieces[6]);
  if (region.empty())
    return usage(shown +
                 " is of a Multi-Region Access Point, which is not supported: give the "
                 "access point or bucket of one region");
  if (!http::is_dns_label(region))
    return usage(shown + " has no valid region: " + text::quoted(region));
  if (!http::is_dns_label(account))
    return usage(shown + " has no valid account: " + text::quoted(account));
  if (!http::is_dns_label(name)) return usage(shown + " has no valid name: " + text::quoted(name));
  const std::string_view ours = partition_name(options.region);
  if (ours != partition || partition_name(region) != partition)
    return usage(shown + " is of the partition " + text::quoted(partition) + ", but the region " +
                 (options.region.empty() ? std::string(kFirstRegion) : options.region) + " is of " +
                 std::string(ours));
  if (options.accelerate) return usage("access points have no S3 Transfer Acceleration");
  if (options.addressing == Addressing::path)
    return usage("access points need --addressing-style virtual or auto");
  const bool elsewhere = !options.region.empty() && options.region != region;
  if (elsewhere && !options.use_arn_region)
    return usage(shown + " is of another region than " + options.region +
                 ", and s3_use_arn_region is false");

  S3Endpoint out;
  out.signing_region = region;
  const std::string label = name + "-" + std::string(account);
  if (options.custom) {
    out.url = *options.custom;
    out.url.endpoint.host = label + "." + out.url.endpoint.host;
  } else {
    out.url.endpoint.host = label + "." + host_of("s3-accesspoint", region, options.variant);
  }
  return out;
}

bool goes_into_path(const S3EndpointOptions& options, const http::Url& url) {
  switch (options.addressing) {
    case Addressing::path:
      return true;
    case Addressing::virtual_host:
      return false;
    case Addressing::automatic:
      break;
  }
  if (options.custom || is_ip_literal(url.endpoint.host)) return true;
  return !is_one_label(options.bucket);
}

}  // namespace

Result<S3Endpoint> resolve_s3_endpoint(const S3EndpointOptions& options) {
  const std::string& bucket = options.bucket;
  if (!options.region.empty() && !http::is_dns_label(options.region))
    return usage("the region " + text::quoted(options.region) +
                 " is not valid: it may have letters, digits and hyphens only, as in eu-west-1");
  if (auto wrong = contradiction(options)) return *wrong;
  if (bucket.starts_with("arn:")) return access_point(options);
  for (const std::string_view suffix : {"--x-s3", "--xa-s3"})
    if (bucket.ends_with(suffix))
      return usage("directory buckets (…" + std::string(suffix) + ") are not supported");
  if (bucket.ends_with("--op-s3")) return usage("S3 on Outposts (…--op-s3) is not supported");

  S3Endpoint out;
  const bool is_global = options.region.empty() || options.region == kGlobal;
  out.signing_region = is_global ? std::string(kFirstRegion) : options.region;
  if (options.custom) {
    out.url = *options.custom;
  } else if (options.accelerate) {
    if (!is_one_label(bucket))
      return usage("S3 Transfer Acceleration does not work for " + text::quoted(bucket) +
                   ": the name must be one label of a host name, without dots");
    out.url.endpoint.host = options.variant.dual_stack ? "s3-accelerate.dualstack.amazonaws.com"
                                                       : "s3-accelerate.amazonaws.com";
  } else if (options.region == kGlobal && !options.variant.fips && !options.variant.dual_stack) {
    out.url.endpoint.host = "s3.amazonaws.com";
  } else {
    out.url.endpoint.host = host_of("s3", out.signing_region, options.variant);
  }
  out.is_path_style = goes_into_path(options, out.url);
  if (out.is_path_style) return out;
  if (is_ip_literal(out.url.endpoint.host))
    return usage("the bucket cannot be put in front of the IP address " + out.url.host_header() +
                 ": use --addressing-style path");
  if (!is_labels(bucket))
    return usage("the bucket name " + text::escaped(bucket) +
                 " cannot be part of a host name: use --addressing-style path");
  out.url.endpoint.host = bucket + "." + out.url.endpoint.host;
  return out;
}

}  // namespace sluice::aws
