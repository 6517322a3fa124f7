#pragma once

#include "async/runtime.hpp"
#include "http/client.hpp"
#include "s3/errors.hpp"
#include "s3/list_page.hpp"
#include "s3/requests.hpp"
#include "store/object_store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

/// One operation: builds its request, and reads the answer as it arrives. May be started several
/// times, once an attempt.
class Call : public http::ResponseHandler {
 public:
  virtual Draft draft(const Place& place) = 0;

  Operation operation() const noexcept { return operation_; }
  std::string_view subject() const noexcept { return subject_; }  ///< key, or prefix of a listing

  /// Forgets the previous attempt. `skew_seconds` is what the signature assumes.
  void start(async::Runtime& runtime, std::int64_t skew_seconds);

  /// The service answered with an error (also one in the body of a 200): see the three below.
  bool is_refused() const noexcept { return refusal_.has_value(); }
  /// The error's body was too large, so the exchange was ended: no failure of the network.
  bool is_refusal_cut() const noexcept { return body_cut_; }
  const http::ResponseHead& refusal() const noexcept { return *refusal_; }
  ErrorDocument error_document() const { return parse_error_document(error_body_); }
  /// What is wrong if the body turns out not to be an error document after all.
  const std::optional<Error>& otherwise() const noexcept { return otherwise_; }

  /// The failure came from the local side, which names the thing itself.
  bool has_local_failure() const noexcept { return local_failure_; }

  /// Server time minus ours, if this answer allows to tell.
  std::optional<std::int64_t> skew_seconds() const noexcept { return skew_seconds_; }

  /// The status of the answer and when its head came; 0: there was none.
  int status() const noexcept { return status_; }
  SteadyTime answered() const noexcept { return answered_; }

  Result<void> on_head(const http::ResponseHead& head) final;
  Result<void> on_body(std::span<const std::byte> bytes) final;
  /// Never for the body of an error.
  bool takes_pipe() const noexcept final { return !refusal_ && accepts_pipe(); }
  Result<void> on_pipe(Pipe& pipe) final { return consume_pipe(pipe); }

 protected:
  Call(Operation operation, std::string_view subject) : operation_(operation), subject_(subject) {}

  /// The head of a 200 or 206.
  virtual Result<void> accept(const http::ResponseHead& head) = 0;
  /// Its body.
  virtual Result<void> consume(std::span<const std::byte> bytes) = 0;
  virtual bool accepts_pipe() const noexcept { return false; }
  virtual Result<void> consume_pipe(Pipe&) { return {}; }
  virtual void reset() {}

  /// For accept(): the body that follows may be an error document; if not, `otherwise` is wrong.
  void expect_error(const http::ResponseHead& head, Error otherwise);
  Result<void> local_failure(Error error);

 private:
  const Operation operation_;
  const std::string_view subject_;
  async::Runtime* runtime_ = nullptr;
  WallTime sent_;
  std::int64_t assumed_skew_ = 0;
  int status_ = 0;
  SteadyTime answered_;
  std::optional<std::int64_t> skew_seconds_;
  std::optional<http::ResponseHead> refusal_;
  std::optional<Error> otherwise_;
  std::string error_body_;
  bool body_cut_ = false;
  bool local_failure_ = false;
};

class ListCall final : public Call {
 public:
  explicit ListCall(const store::ListRequest& request)
      : Call(Operation::list, request.prefix), request_(request) {}
  Draft draft(const Place& place) override {
    version_ = list_version(place, request_);
    return list_draft(place, request_);
  }
  ListVersion version() const noexcept { return version_; }  ///< of the last draft
  std::vector<char> take_body() { return std::move(body_); }

 private:
  Result<void> accept(const http::ResponseHead& head) override;
  Result<void> consume(std::span<const std::byte> bytes) override;
  void reset() override { body_.clear(); }

  const store::ListRequest& request_;
  ListVersion version_ = ListVersion::two;
  std::vector<char> body_;
};

class HeadCall final : public Call {
 public:
  explicit HeadCall(const store::HeadRequest& request)
      : Call(Operation::head, request.key), request_(request) {}
  Draft draft(const Place& place) override { return head_draft(place, request_); }
  store::ObjectHead take_head() { return std::move(head_); }
  /// The ETag is no MD5, whether the answer says so or not.
  void distrust_etag() noexcept { opaque_etag_ = true; }

 private:
  Result<void> accept(const http::ResponseHead& head) override;
  Result<void> consume(std::span<const std::byte>) override { return {}; }

  const store::HeadRequest& request_;
  store::ObjectHead head_;
  bool opaque_etag_ = false;
};

class GetCall final : public Call {
 public:
  GetCall(const store::GetRequest& request, store::BodySink& sink)
      : Call(Operation::get, request.key), request_(request), sink_(sink) {}
  Draft draft(const Place& place) override { return get_draft(place, request_); }
  store::ObjectHead take_head() { return std::move(head_); }
  std::uint64_t missing_bytes() const noexcept { return missing_bytes_; }
  /// The ETag is no MD5, whether the answer says so or not.
  void distrust_etag() noexcept { opaque_etag_ = true; }

 private:
  Result<void> accept(const http::ResponseHead& head) override;
  Result<void> consume(std::span<const std::byte> bytes) override;
  bool accepts_pipe() const noexcept override { return sink_.takes_pipe(); }
  Result<void> consume_pipe(Pipe& pipe) override;
  Result<void> count(std::uint64_t bytes);

  const store::GetRequest& request_;
  store::BodySink& sink_;
  store::ObjectHead head_;
  std::uint64_t missing_bytes_ = 0;
  bool opaque_etag_ = false;
};

/// Is the key there? The body is not wanted.
class ProbeCall final : public Call {
 public:
  explicit ProbeCall(std::string_view key) : Call(Operation::probe, key), key_(key) {}
  Draft draft(const Place& place) override { return probe_draft(place, key_); }
  bool is_present() const noexcept { return present_; }

 private:
  Result<void> accept(const http::ResponseHead& head) override;
  Result<void> consume(std::span<const std::byte>) override { return {}; }
  void reset() override { present_ = false; }

  const std::string_view key_;
  bool present_ = false;
};

/// Where is the bucket? Only the headers of the answer count, whatever its status.
class BucketCall final : public Call {
 public:
  BucketCall() : Call(Operation::probe, {}) {}
  Draft draft(const Place& place) override { return bucket_draft(place); }
  std::string region() const;

 private:
  Result<void> accept(const http::ResponseHead& head) override;
  Result<void> consume(std::span<const std::byte>) override { return {}; }
  void reset() override { region_.clear(); }

  std::string region_;
};

}  // namespace sluice::s3
