#include "s3/calls.hpp"

#include "s3/answers.hpp"

#include <algorithm>
#include <utility>

namespace sluice::s3 {

namespace {

/// A server that ignores Range may send this much to a probe before we hang up.
constexpr std::uint64_t kMaxProbeBytes = 64 * 1024;

}  // namespace

void Call::start(async::Runtime& runtime, std::int64_t skew_seconds) {
  runtime_ = &runtime;
  assumed_skew_ = skew_seconds;
  sent_ = runtime.wall_now();
  status_ = 0;
  skew_seconds_.reset();
  refusal_.reset();
  otherwise_.reset();
  error_body_.clear();
  body_cut_ = false;
  local_failure_ = false;
  reset();
}

Result<void> Call::on_head(const http::ResponseHead& head) {
  status_ = head.status;
  answered_ = runtime_->now();
  skew_seconds_ = measured_skew(head, sent_, runtime_->wall_now(), assumed_skew_);
  if (head.status == 200 || head.status == 206) return accept(head);
  refusal_ = head;
  return {};
}

Result<void> Call::on_body(std::span<const std::byte> bytes) {
  if (!refusal_) return consume(bytes);
  const std::size_t room = kMaxErrorBytes - error_body_.size();
  const auto part = bytes.first(std::min(room, bytes.size()));
  error_body_.append(reinterpret_cast<const char*>(part.data()), part.size());
  if (part.size() == bytes.size()) return {};
  body_cut_ = true;
  return invalid_answer("the error's body is larger than 64 KiB");
}

void Call::expect_error(const http::ResponseHead& head, Error otherwise) {
  refusal_ = head;
  otherwise_ = std::move(otherwise);
}

Result<void> Call::local_failure(Error error) {
  local_failure_ = true;
  return error;
}

Result<void> ListCall::accept(const http::ResponseHead& head) {
  if (head.status != 200) return invalid_answer("the listing was answered with a part of it (206)");
  if (head.content_length) {
    if (*head.content_length > kMaxPageBytes)
      return invalid_answer("the answer is larger than 16 MiB");
    body_.reserve(static_cast<std::size_t>(*head.content_length) + 1);  // see parse_list_page
  }
  return {};
}

Result<void> ListCall::consume(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxPageBytes - body_.size()) {
    return invalid_answer("the answer is larger than 16 MiB");
  }
  const char* const begin = reinterpret_cast<const char*>(bytes.data());
  body_.insert(body_.end(), begin, begin + bytes.size());
  return {};
}

Result<void> HeadCall::accept(const http::ResponseHead& head) {
  Result<store::ObjectHead> checked = check_head_answer(head, request_);
  if (!checked) return checked.error();
  head_ = *std::move(checked);
  head_.opaque_etag = head_.opaque_etag || opaque_etag_;
  return {};
}

Result<void> GetCall::accept(const http::ResponseHead& head) {
  Result<store::ObjectHead> checked = check_get_answer(head, request_);
  if (!checked) {
    // An error under status 200 is told by its type and its length, which is not the object's.
    if (head.status == 200 && is_xml(head) && head.content_length.value_or(0) <= kMaxErrorBytes) {
      expect_error(head, checked.error());
      return {};
    }
    return checked.error();
  }
  head_ = *std::move(checked);
  head_.opaque_etag = head_.opaque_etag || opaque_etag_;
  missing_bytes_ = request_.range ? request_.range->length() : head_.version.size;
  if (Result<void> begun = sink_.begin(head_); !begun) return local_failure(begun.error());
  return {};
}

Result<void> GetCall::consume(std::span<const std::byte> bytes) {
  if (Result<void> counted = count(bytes.size()); !counted) return counted;
  if (Result<void> written = sink_.write(bytes); !written) return local_failure(written.error());
  return {};
}

Result<void> GetCall::consume_pipe(Pipe& pipe) {
  if (Result<void> counted = count(pipe.held()); !counted) return counted;
  if (Result<void> written = sink_.write_pipe(pipe); !written)
    return local_failure(written.error());
  return {};
}

Result<void> GetCall::count(std::uint64_t bytes) {
  if (bytes > missing_bytes_) return invalid_answer("more bytes were sent than asked for");
  missing_bytes_ -= bytes;
  return {};
}

Result<void> ProbeCall::accept(const http::ResponseHead& head) {
  present_ = true;
  const std::uint64_t length = head.content_length.value_or(kMaxProbeBytes + 1);
  if (length > kMaxProbeBytes) return invalid_answer("the server ignores Range");
  return {};
}

std::string BucketCall::region() const {
  return is_refused() ? bucket_region(refusal()) : region_;
}

Result<void> BucketCall::accept(const http::ResponseHead& head) {
  region_ = bucket_region(head);
  return {};
}

}  // namespace sluice::s3
