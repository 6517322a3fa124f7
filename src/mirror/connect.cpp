#include "mirror/connect.hpp"

#include "aws/config.hpp"
#include "base/secret_file.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mirror {

namespace {

/// By the flag, else by the profile; what is there beside "path" and "virtual" means automatic.
s3::AddressingStyle style_of(SourceOptions::Addressing addressing, std::string_view profile) {
  switch (addressing) {
    case SourceOptions::Addressing::path:
      return s3::AddressingStyle::path;
    case SourceOptions::Addressing::virtual_host:
      return s3::AddressingStyle::virtual_host;
    case SourceOptions::Addressing::automatic:
      break;
  }
  if (profile == "path") return s3::AddressingStyle::path;
  if (profile == "virtual") return s3::AddressingStyle::virtual_host;
  return s3::AddressingStyle::automatic;
}

const std::string& first_set(const std::string& flag, const std::string& configured) noexcept {
  return flag.empty() ? configured : flag;
}

std::string_view without(s3::Feature feature) noexcept {
  switch (feature) {
    case s3::Feature::checksum_mode:
      return "the server does not support x-amz-checksum-mode; its content is checked against "
             "ETags";
    case s3::Feature::optional_attributes:
      return "the server does not support RestoreStatus in listings; archived objects that were "
             "restored cannot be told from others";
    case s3::Feature::if_match:
      return "the server does not support If-Match; the ETag of each answer is compared instead";
    case s3::Feature::list_v2:
      return "the server does not know version 2 of ListObjects; version 1 is used instead";
  }
  return "the server does not support an optional part of the protocol";
}

s3::ListVersions versions_of(SourceOptions::ListVersion version) {
  switch (version) {
    case SourceOptions::ListVersion::one:
      return s3::ListVersions::only_1;
    case SourceOptions::ListVersion::two:
      return s3::ListVersions::only_2;
    case SourceOptions::ListVersion::automatic:
      break;
  }
  return s3::ListVersions::automatic;
}

/// By the file, else by the variable. A null pointer where there is none.
Result<s3::CustomerKeyPtr> customer_key(const SourceOptions& source,
                                        const aws::Environment& environment) {
  constexpr std::string_view kVariable = "SLUICE_SSE_C_KEY";
  const std::optional<std::string> variable = aws::variable(environment, kVariable);
  if (source.sse_c_key_file.empty() && !variable) return s3::CustomerKeyPtr();
  Result<s3::CustomerKey> key = source.sse_c_key_file.empty()
                                    ? s3::CustomerKey::parse(*variable, kVariable)
                                    : s3::CustomerKey::read(source.sse_c_key_file);
  if (!key) return std::move(key).error();
  return s3::CustomerKeyPtr(std::make_shared<const s3::CustomerKey>(*std::move(key)));
}

/// The shared files of AWS are looked at where they are read.
void warn_of_open_key_files(const SourceOptions& source, Observer& observer) {
  // Without a file for the key it is in that of the certificate.
  const std::string& client_key = first_set(source.client_key, source.client_certificate);
  for (const std::string* path : {&source.sse_c_key_file, &client_key}) {
    if (path->empty()) continue;
    if (const auto warning = warning_if_readable_by_others(*path))
      observer.on_message(Level::warning, *warning);
  }
}

Error out_of_range(const char* flag, const char* range) {
  return Error(ErrorKind::usage, std::string(flag) + " must be " + range);
}

}  // namespace

Result<std::shared_ptr<s3::Session>> open_session(const SourceOptions& source,
                                                  const TuningOptions& tuning, Observer& observer) {
  const aws::Environment environment = aws::process_environment();
  auto config = aws::load_shared_config(environment, source.profile);
  if (!config) return config.error();
  for (const std::string& warning : config->warnings)
    observer.on_message(Level::warning, warning);
  warn_of_open_key_files(source, observer);

  s3::SessionOptions options;
  options.bucket = source.bucket;
  // What the command line says goes for the services that give the credentials too.
  config->region = first_set(source.region, config->region);
  config->ca_bundle = first_set(source.ca_bundle, config->ca_bundle);
  if (!source.proxy.empty()) config->proxies.given = {"--proxy", source.proxy};
  options.http.proxies = config->proxies;
  options.region = config->region;
  options.endpoint_url = first_set(source.endpoint_url, config->endpoint_url);
  options.addressing = style_of(source.addressing, config->addressing_style);
  options.variant = {config->use_fips, config->s3_dual_stack};
  options.accelerate = config->s3_accelerate;
  options.use_arn_region = config->use_arn_region;
  options.sign = source.sign;
  options.request_payer = source.request_payer || config->request_payer;
  options.list_versions = versions_of(source.list_version);
  options.expected_bucket_owner = source.expected_bucket_owner;
  Result<s3::CustomerKeyPtr> key = customer_key(source, environment);
  if (!key) return std::move(key).error();
  options.customer_key = *std::move(key);
  options.http.tls.ca_bundle = config->ca_bundle;
  options.http.tls.verify = source.verify_tls;
  // For the endpoint only, not for the services that give the credentials.
  options.http.tls.client_certificate = source.client_certificate;
  options.http.tls.client_key = source.client_key;
  options.http.read_buffer_bytes = kReadBufferBytes;
  const unsigned shards = resolved_threads(tuning);
  options.http.max_connections =
      std::max(most_transfers_of_shard(tuning, shards), resolved_list_concurrency(tuning));
  options.on_switch_off = [&observer](s3::Feature feature) {
    observer.on_message(Level::info, without(feature));
  };
  options.http.body_rate = std::make_shared<async::RateLimiter>(tuning.bytes_per_second);
  options.request_rate = std::make_shared<async::RateLimiter>(tuning.requests_per_second);
  if (!source.verify_tls)
    observer.on_message(
        Level::warning,
        "certificates are not verified (--no-verify-ssl): whoever is on the way can "
        "read and change everything");

  std::shared_ptr<aws::CredentialsProvider> credentials;
  if (source.sign) credentials = aws::default_chain(environment, *config);
  return s3::Session::make(std::move(options), std::move(credentials));
}

void set_body_rate(const s3::Session& session, std::uint64_t bytes_per_second) {
  session.options().http.body_rate->set_per_second(bytes_per_second);
}

void set_request_rate(const s3::Session& session, unsigned requests_per_second) {
  session.options().request_rate->set_per_second(requests_per_second);
}

StoreFactory http_stores(std::shared_ptr<s3::Session> session) {
  return [session = std::move(session)](async::Runtime& runtime, async::Executor executor) {
    return s3::make_client(runtime, std::move(executor), session);
  };
}

record::Source record_source(const s3::Session& session, const SourceOptions& source) {
  record::Source identity;
  identity.endpoint_host =
      session.is_aws() ? std::string(kAwsHost) : session.endpoint().url.endpoint.host;
  identity.bucket = source.bucket;
  identity.prefix = source.prefix;
  return identity;
}

Result<void> validate(const TuningOptions& tuning) {
  if (tuning.threads > 64) return out_of_range("--threads", "0 (automatic) to 64");
  if (tuning.transfers > 4096) return out_of_range("--transfers", "0 (automatic) to 4096");
  if (tuning.list_concurrency > 256)
    return out_of_range("--list-concurrency", "0 (automatic) to 256");
  if (tuning.part_bytes < 64 * 1024) return out_of_range("--part-size", "at least 64KiB");
  if (tuning.memory_bytes < 4 * 1024 * 1024) return out_of_range("--memory", "at least 4MiB");
  if (tuning.max_attempts < 1 || tuning.max_attempts > 100)
    return out_of_range("--max-attempts", "1 to 100");
  if (tuning.group_age < std::chrono::milliseconds(1))
    return out_of_range("group_age", "at least 1ms");
  return {};
}

}  // namespace sluice::mirror
