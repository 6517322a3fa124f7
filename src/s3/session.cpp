#include "aws/endpoint.hpp"
#include "base/text.hpp"
#include "s3/client.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace sluice::s3 {

namespace {

constexpr std::string_view kDefaultRegion = "us-east-1";

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// The wildcard in AWS's certificate covers one label, and a host name has no upper case.
bool fits_into_host(std::string_view bucket) noexcept {
  return bucket_name_problem(bucket, false).empty() && bucket.find('.') == std::string_view::npos;
}

bool is_ip_literal(std::string_view host) noexcept {
  return host.find(':') != std::string_view::npos ||
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Session::Session(SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials,
                 http::Url custom_endpoint)
    : options_(std::move(options)),
      custom_endpoint_(std::move(custom_endpoint)),
      credentials_(std::move(credentials)),
      region_(options_.region.empty() ? std::string(kDefaultRegion) : options_.region) {}

Result<std::shared_ptr<Session>> Session::make(
    SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials) {
  const bool custom = !options.endpoint_url.empty();
  if (const std::string problem = bucket_name_problem(options.bucket, custom); !problem.empty()) {
    return usage("the bucket name " + text::escaped(options.bucket) + " is not valid: " + problem);
  }
  if (!options.region.empty() && !http::is_dns_label(options.region)) {
    return usage("the region " + text::escaped(options.region) +
                 " is not valid: it may have letters, digits and hyphens only, as in eu-west-1");
  }
  if (options.sign && !credentials) {
    return Error(ErrorKind::credentials,
                 "there are no credentials to sign requests with: provide some, or use "
                 "--no-sign-request for a public bucket");
  }
  http::Url endpoint;
  endpoint.endpoint.host.clear();
  if (custom) {
    Result<http::Url> parsed = http::parse_url(options.endpoint_url);
    if (!parsed) return parsed.error();
    endpoint = *std::move(parsed);
  }
  if (options.addressing == AddressingStyle::virtual_host) {
    if (custom && is_ip_literal(endpoint.endpoint.host)) {
      return usage("the bucket cannot be put in front of the IP address in " +
                   text::escaped(options.endpoint_url) + ": use --addressing-style path");
    }
    if (!bucket_name_problem(options.bucket, false).empty()) {
      return usage("the bucket name " + text::escaped(options.bucket) +
                   " cannot be part of a host name: use --addressing-style path");
    }
  }
  return std::shared_ptr<Session>(
      new Session(std::move(options), std::move(credentials), std::move(endpoint)));
}

std::string Session::region() const {
  const std::lock_guard lock(mutex_);
  return region_;
}

bool Session::correct_region(const std::string& region) {
  if (!http::is_dns_label(region)) return false;
  const std::lock_guard lock(mutex_);
  if (region_corrected_ || region == region_) return false;
  region_ = region;
  region_corrected_ = true;
  return true;
}

void Session::switch_off(Feature feature) {
  const bool was_off = switched_off_[static_cast<std::size_t>(feature)].exchange(true);
  if (!was_off && options_.on_switch_off) options_.on_switch_off(feature);
}

bool Session::uses_path_style() const noexcept {
  switch (options_.addressing) {
    case AddressingStyle::path:
      return true;
    case AddressingStyle::virtual_host:
      return false;
    case AddressingStyle::automatic:
      break;
  }
  return !is_aws() || !fits_into_host(options_.bucket);
}

http::Url Session::service_endpoint(const std::string& region) const {
  if (!is_aws()) return custom_endpoint_;
  http::Url url;
  url.endpoint.host = aws::s3_host(region);
  return url;
}

http::Url Session::endpoint_in(const std::string& region) const {
  http::Url url = service_endpoint(region);
  if (!uses_path_style()) url.endpoint.host = options_.bucket + "." + url.endpoint.host;
  return url;
}

std::string Session::description() const {
  const std::string where = region();
  const http::Url url = service_endpoint(where);
  const std::string_view scheme = url.endpoint.scheme == http::Scheme::https ? "https" : "http";
  return "bucket " + text::escaped(options_.bucket) + " at " + std::string(scheme) + "://" +
         url.host_header() + url.base_path + " (region " + where + ")";
}

}  // namespace sluice::s3
