#include "base/text.hpp"
#include "s3/client.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::s3 {

namespace {

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// What is sent there is encrypted, or does not leave this machine.
Result<void> keeps_secrets(const http::Endpoint& endpoint, const http::ProxyRules& proxies) {
  if (endpoint.scheme == http::Scheme::https) return {};
  const auto proxy = http::choose_proxy(proxies, endpoint);
  if (!proxy) return proxy.error();
  if (http::is_loopback(endpoint.host) && !*proxy) return {};
  return usage(
      "an SSE-C key would be sent to the endpoint unencrypted, for everybody on the way to read; "
      "use an https:// endpoint");
}

}  // namespace

bool is_account_id(std::string_view text) noexcept {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Session::Session(SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials,
                 aws::S3EndpointOptions where, aws::S3Endpoint endpoint)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      where_(std::move(where)),
      endpoint_(std::move(endpoint)) {}

Result<std::shared_ptr<Session>> Session::make(
    SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials) {
  const bool custom = !options.endpoint_url.empty();
  const bool is_arn = options.bucket.starts_with("arn:");
  if (const std::string problem =
          is_arn ? std::string() : bucket_name_problem(options.bucket, custom);
      !problem.empty()) {
    return usage("the bucket name " + text::escaped(options.bucket) + " is not valid: " + problem);
  }
  if (options.sign && !credentials) {
    return Error(ErrorKind::credentials,
                 "there are no credentials to sign requests with: provide some, or use "
                 "--no-sign-request for a public bucket");
  }
  if (!options.expected_bucket_owner.empty() && !is_account_id(options.expected_bucket_owner))
    return usage("--expected-bucket-owner: \"" + text::escaped(options.expected_bucket_owner) +
                 "\" is no account id; those have 12 digits");
  aws::S3EndpointOptions where;
  where.bucket = options.bucket;
  where.region = options.region;
  where.addressing = options.addressing;
  where.variant = options.variant;
  where.accelerate = options.accelerate;
  where.use_arn_region = options.use_arn_region;
  if (custom) {
    Result<http::Url> parsed = http::parse_url(options.endpoint_url);
    if (!parsed) return parsed.error();
    where.custom = *std::move(parsed);
  }
  Result<aws::S3Endpoint> endpoint = aws::resolve_s3_endpoint(where);
  if (!endpoint) return endpoint.error();
  if (options.customer_key) {
    const Result<void> safe = keeps_secrets(endpoint->url.endpoint, options.http.proxies);
    if (!safe) return safe.error();
  }
  return std::shared_ptr<Session>(new Session(std::move(options), std::move(credentials),
                                              std::move(where), *std::move(endpoint)));
}

aws::S3Endpoint Session::endpoint() const {
  const std::lock_guard lock(mutex_);
  return endpoint_;
}

std::string Session::region() const {
  const std::lock_guard lock(mutex_);
  return endpoint_.signing_region;
}

bool Session::correct_region(const std::string& region) {
  if (!http::is_dns_label(region)) return false;
  const std::lock_guard lock(mutex_);
  if (region_corrected_ || region == endpoint_.signing_region) return false;
  aws::S3EndpointOptions there = where_;
  there.region = region;
  Result<aws::S3Endpoint> corrected = aws::resolve_s3_endpoint(there);
  if (!corrected || corrected->signing_region != region) return false;
  where_ = std::move(there);
  endpoint_ = *std::move(corrected);
  region_corrected_ = true;
  return true;
}

void Session::count_answer(RequestKind kind, int status,
                           std::chrono::microseconds first_byte) noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  Answers& answers = answers_[static_cast<std::size_t>(kind)];
  const bool is_status = status >= 100 && status < 600;
  const std::size_t digit = is_status ? static_cast<std::size_t>(status) / 100 : 0;
  answers.by_class[digit].fetch_add(1, kRelaxed);
  if (!is_status) return;
  const auto took = static_cast<std::uint64_t>(std::max<std::int64_t>(0, first_byte.count()));
  const auto* const bucket =
      std::lower_bound(kLatencyBoundsUs.begin(), kLatencyBoundsUs.end(), took);
  answers.latencies[static_cast<std::size_t>(bucket - kLatencyBoundsUs.begin())].fetch_add(
      1, kRelaxed);
  answers.sum_us.fetch_add(took, kRelaxed);
}

RequestTelemetry Session::telemetry(RequestKind kind) const noexcept {
  const Answers& answers = answers_[static_cast<std::size_t>(kind)];
  RequestTelemetry out;
  out.sent = requests(kind);
  for (std::size_t i = 0; i < kStatusClassCount; ++i)
    out.ended[i] = answers.by_class[i];
  for (std::size_t i = 0; i < out.first_byte.buckets.size(); ++i)
    out.first_byte.buckets[i] = answers.latencies[i];
  out.first_byte.sum_us = answers.sum_us;
  return out;
}

void Session::switch_off(Feature feature) {
  const bool was_off = switched_off_[static_cast<std::size_t>(feature)].exchange(true);
  if (!was_off && options_.on_switch_off) options_.on_switch_off(feature);
}

std::string Session::description() const {
  const aws::S3Endpoint where = endpoint();
  const std::string_view scheme =
      where.url.endpoint.scheme == http::Scheme::https ? "https" : "http";
  std::string host = where.url.host_header();
  const std::string before = options_.bucket + ".";
  if (!where.is_path_style && host.starts_with(before)) host.erase(0, before.size());
  return "bucket " + text::escaped(options_.bucket) + " at " + std::string(scheme) + "://" + host +
         where.url.base_path + " (region " + where.signing_region + ")";
}

}  // namespace sluice::s3
