#pragma once

#include "async/rate_limiter.hpp"
#include "async/runtime.hpp"
#include "aws/credentials.hpp"
#include "aws/s3_endpoint.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "http/url.hpp"
#include "s3/customer_key.hpp"
#include "store/object_store.hpp"

#include "sluice/telemetry.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::s3 {

using AddressingStyle = aws::Addressing;

/// Optional parts of the protocol. One that an endpoint refuses (405, 501) is left out from then
/// on.
enum class Feature : std::uint8_t {
  checksum_mode,        ///< x-amz-checksum-mode: ENABLED
  optional_attributes,  ///< RestoreStatus in listings; asked of AWS only
  if_match,             ///< If-Match: the ETag of the answer is still compared
  list_v2,              ///< version 2 of ListObjects, else version 1; AWS knows both
};
inline constexpr std::size_t kFeatures = 4;

/// Which version of ListObjects is asked for. Automatic: 2, and 1 where the server knows no other.
enum class ListVersions : std::uint8_t { automatic, only_1, only_2 };

struct SessionOptions {
  std::string bucket;        ///< a name, an alias, or the ARN of an access point
  std::string region;        ///< empty: us-east-1, corrected by what the service says
  std::string endpoint_url;  ///< empty: AWS's own for the region
  AddressingStyle addressing = AddressingStyle::automatic;
  aws::EndpointVariant variant;
  bool accelerate = false;
  bool use_arn_region = true;
  bool sign = true;  ///< false: --no-sign-request
  bool request_payer = false;
  ListVersions list_versions = ListVersions::automatic;
  std::string expected_bucket_owner;           ///< 12 digits; sent with every request. Empty: any
  CustomerKeyPtr customer_key;                 ///< sent with GET and HEAD of objects; null: none
  std::function<void(Feature)> on_switch_off;  ///< called from any shard; may be empty
  std::shared_ptr<async::RateLimiter> request_rate;  ///< over all shards; null: no limit
  http::ClientOptions http;  ///< max_connections is per client, that is per shard
};

enum class RequestKind : std::uint8_t { list, head, get, probe };  ///< probe: HeadBucket, bytes=0-0
inline constexpr std::size_t kRequestKinds = 4;

/// What the clients of all shards share of one bucket: where it is, who we are, what we learned.
/// Thread-safe.
class Session {
 public:
  /// `usage` for a bad bucket name (naming the rule it breaks), region, owner or endpoint URL, and
  /// for an SSE-C key that would travel unencrypted.
  static Result<std::shared_ptr<Session>> make(
      SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials);

  const SessionOptions& options() const noexcept { return options_; }
  aws::CredentialsProvider* credentials() const noexcept { return credentials_.get(); }

  std::string region() const;
  /// False if `region` is no DNS label, equals the current one, has no such endpoint, or one
  /// correction was made already.
  bool correct_region(const std::string& region);

  /// Server time minus ours, in seconds; used for every signature.
  std::int64_t skew_seconds() const noexcept { return skew_seconds_.load(); }
  void set_skew_seconds(std::int64_t seconds) noexcept { skew_seconds_ = seconds; }

  /// Where requests go now: follows the region unless an endpoint was given.
  aws::S3Endpoint endpoint() const;
  bool is_aws() const noexcept { return options_.endpoint_url.empty(); }
  /// "bucket b at https://… (region r)": for messages.
  std::string description() const;

  bool uses(Feature feature) const noexcept {
    return !switched_off_[static_cast<std::size_t>(feature)];
  }
  /// Tells `on_switch_off` the first time.
  void switch_off(Feature feature);

  void count(RequestKind kind) noexcept { ++requests_[static_cast<std::size_t>(kind)]; }
  /// An exchange has ended: with this status, whose head came after so long. 0: without an answer.
  void count_answer(RequestKind kind, int status, std::chrono::microseconds first_byte) noexcept;
  RequestTelemetry telemetry(RequestKind kind) const noexcept;
  std::uint64_t requests(RequestKind kind) const noexcept {
    return requests_[static_cast<std::size_t>(kind)];
  }

 private:
  Session(SessionOptions options, std::shared_ptr<aws::CredentialsProvider> credentials,
          aws::S3EndpointOptions where, aws::S3Endpoint endpoint);

  const SessionOptions options_;
  const std::shared_ptr<aws::CredentialsProvider> credentials_;
  mutable std::mutex mutex_;
  aws::S3EndpointOptions where_;
  aws::S3Endpoint endpoint_;
  bool region_corrected_ = false;
  std::atomic<std::int64_t> skew_seconds_ = 0;
  std::array<std::atomic<std::uint64_t>, kRequestKinds> requests_{};
  /// What became of the requests of one kind.
  struct Answers {
    std::array<std::atomic<std::uint64_t>, kStatusClassCount> by_class{};
    std::array<std::atomic<std::uint64_t>, kLatencyBoundsUs.size() + 1> latencies{};
    std::atomic<std::uint64_t> sum_us = 0;
  };
  std::array<Answers, kRequestKinds> answers_;
  std::array<std::atomic<bool>, kFeatures> switched_off_{};
};

/// The ObjectStore of one shard over HTTP. It signs, sends, interprets, and makes the corrections
/// that are no retries (each once a request): clock skew, expired credentials, region.
Result<std::unique_ptr<store::ObjectStore>> make_client(async::Runtime& runtime,
                                                        async::Executor executor,
                                                        std::shared_ptr<Session> session);

/// Whether `text` may be the id of an AWS account.
bool is_account_id(std::string_view text) noexcept;

/// Which rule of S3's bucket naming `name` breaks; empty if none. Allows the old us-east-1 names
/// (upper case, underscore) with custom endpoints only.
std::string bucket_name_problem(std::string_view name, bool custom_endpoint);

}  // namespace sluice::s3
