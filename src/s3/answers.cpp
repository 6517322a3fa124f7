#include "s3/answers.hpp"

#include "base/text.hpp"
#include "http/url.hpp"
#include "s3/etag.hpp"

#include <algorithm>
#include <utility>

namespace sluice::s3 {

namespace {

using std::chrono::milliseconds;

/// More than anyone should be made to wait by one answer (catalogue 1.5).
constexpr milliseconds kMaxRetryAfter = std::chrono::minutes(5);
/// AWS SDKs do not trust the Date of an exchange that took this long.
constexpr auto kMaxRoundTrip = std::chrono::minutes(15);

/// An upload has at most so many parts (S3 user guide, "Multipart upload limits").
constexpr std::uint64_t kMaxUploadedParts = 10'000;

struct ChecksumHeader {
  std::string_view name;
  DigestKind kind;
  std::size_t bytes;
};
constexpr ChecksumHeader kChecksumHeaders[] = {
    {"x-amz-checksum-crc64nvme", DigestKind::crc64nvme, 8},
    {"x-amz-checksum-crc32c", DigestKind::crc32c, 4},
    {"x-amz-checksum-crc32", DigestKind::crc32, 4},
    {"x-amz-checksum-sha1", DigestKind::sha1, 20},
    {"x-amz-checksum-sha256", DigestKind::sha256, 32},
};

Error changed(std::string message) {
  return Error(ErrorKind::changed, std::move(message));
}

/// The value of a composite checksum ends in the number of parts: `base64-17`.
std::optional<store::Checksum> read_checksum(const ChecksumHeader& header, std::string_view value,
                                             bool composite) {
  const std::size_t dash = value.find('-');  // not in the alphabet of base64
  std::uint64_t parts = 0;
  if (dash != std::string_view::npos) {
    composite = true;
    parts = text::parse_uint(value.substr(dash + 1)).value_or(0);
    value = value.substr(0, dash);
  }
  std::optional<std::string> bytes = text::from_base64(value);
  if (!bytes || bytes->size() != header.bytes) return std::nullopt;
  store::Checksum checksum;
  checksum.digest = Digest{header.kind, *std::move(bytes)};
  // S3 keeps CRC64NVME of whole objects only (user guide, "Checking object integrity").
  checksum.full_object = !composite || header.kind == DigestKind::crc64nvme;
  if (parts <= kMaxUploadedParts) checksum.parts = static_cast<std::uint32_t>(parts);
  return checksum;
}

std::vector<store::Checksum> read_checksums(const http::ResponseHead& answer) {
  const bool composite =
      text::iequals(answer.find("x-amz-checksum-type").value_or(""), "COMPOSITE");
  std::vector<store::Checksum> checksums;
  for (const ChecksumHeader& header : kChecksumHeaders) {
    const std::optional<std::string_view> value = answer.find(header.name);
    if (!value) continue;
    if (auto checksum = read_checksum(header, *value, composite)) {
      checksums.push_back(*std::move(checksum));
    }
  }
  return checksums;
}

/// Everything but the checksums, which a ranged answer has of a part at most.
store::ObjectHead read_object_head(const http::ResponseHead& answer, std::uint64_t size) {
  store::ObjectHead head;
  head.version.etag = unquoted_etag(text::trimmed(answer.find("etag").value_or("")));
  head.version.size = size;
  if (const auto modified = dates::parse_http(answer.find("last-modified").value_or(""))) {
    head.version.modified_ms = *modified * 1000;
  }
  const std::string_view encryption = answer.find("x-amz-server-side-encryption").value_or("");
  head.opaque_etag = (!encryption.empty() && encryption != "AES256") ||
                     answer.find("x-amz-server-side-encryption-customer-algorithm").has_value();
  return head;
}

Result<void> check_version(const http::ResponseHead& answer, const store::ObjectHead& head,
                           const Version& wanted) {
  if (head.version.size != wanted.size) {
    return changed("the object now has " + std::to_string(head.version.size) +
                   " bytes, listed were " + std::to_string(wanted.size));
  }
  if (!wanted.etag.empty()) {
    if (!answer.find("etag"))
      return invalid_answer("the answer has no ETag, so its version is unknown");
    if (head.version.etag == wanted.etag) return {};
    return changed("the object now has the ETag " + text::escaped(head.version.etag) +
                   ", listed was " + text::escaped(wanted.etag));
  }
  // The header has whole seconds, the listing may have more.
  const std::int64_t difference = head.version.modified_ms - wanted.modified_ms;
  if (wanted.modified_ms == 0 || head.version.modified_ms == 0) return {};
  if (difference > -1000 && difference < 1000) return {};
  return changed("the object was modified at another time than listed");
}

/// The size of the whole object if the answer is a 200 that may stand for `request`.
Result<std::uint64_t> check_whole(const http::ResponseHead& answer,
                                  const store::GetRequest& request) {
  if (request.range &&
      (request.range->offset() != 0 || request.range->length() != request.version.size)) {
    return invalid_answer("the server ignores Range and sends the whole object instead of a part");
  }
  // In chunks (nothing else without a length comes this far) the end is marked: the bytes count.
  return answer.content_length.value_or(request.version.size);
}

Result<std::uint64_t> check_part(const http::ResponseHead& answer,
                                 const store::GetRequest& request) {
  if (!request.range)
    return invalid_answer("a part of the object was sent, but all of it was asked for");
  const std::string_view type = answer.find("content-type").value_or("");
  if (text::lower(type).starts_with("multipart/byteranges")) {
    return invalid_answer("one range was asked for, but several were sent");
  }
  const std::string_view value = answer.find("content-range").value_or("");
  const std::optional<ContentRange> range = parse_content_range(value);
  if (!range)
    return invalid_answer("Content-Range \"" + text::escaped(value) + "\" is no byte range");
  if (range->first != request.range->offset() || range->last != request.range->last()) {
    // A shorter object cuts the range off: the version tells that better.
    if (range->total == request.version.size) {
      return invalid_answer("bytes " + std::to_string(range->first) + "-" +
                            std::to_string(range->last) + " were sent, asked for were " +
                            std::to_string(request.range->offset()) + "-" +
                            std::to_string(request.range->last()));
    }
  } else if (answer.content_length && *answer.content_length != request.range->length()) {
    return invalid_answer("Content-Length and Content-Range contradict each other");
  }
  return range->total;
}

}  // namespace

Error invalid_answer(std::string message) {
  return Error(ErrorKind::invalid_answer, std::move(message));
}

std::optional<ContentRange> parse_content_range(std::string_view text) noexcept {
  constexpr std::string_view kUnit = "bytes ";
  if (text.size() < kUnit.size() || !text::iequals(text.substr(0, kUnit.size()), kUnit)) {
    return std::nullopt;
  }
  text = text::trimmed(text.substr(kUnit.size()));
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = text::parse_uint(text.substr(0, dash));
  const auto last = text::parse_uint(text.substr(dash + 1, slash - dash - 1));
  const auto total = text::parse_uint(text.substr(slash + 1));
  if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

namespace {

/// Content-Length is the part's; a server that knows no parts answers for the whole object.
Result<store::ObjectHead> check_part_head(const http::ResponseHead& answer) {
  const auto range = parse_content_range(answer.find("content-range").value_or(""));
  store::ObjectHead head = read_object_head(answer, range ? range->total : 0);
  const auto count = text::parse_uint(answer.find("x-amz-mp-parts-count").value_or(""));
  if (!count || *count == 0 || *count > kMaxUploadedParts) return head;
  head.part = store::UploadedPart{*answer.content_length, static_cast<std::uint32_t>(*count)};
  return head;
}

}  // namespace

Result<store::ObjectHead> check_get_answer(const http::ResponseHead& answer,
                                           const store::GetRequest& request) {
  const bool whole = answer.status == 200;
  const Result<std::uint64_t> size =
      whole ? check_whole(answer, request) : check_part(answer, request);
  if (!size) return size.error();
  store::ObjectHead head = read_object_head(answer, *size);
  if (const Result<void> same = check_version(answer, head, request.version); !same) {
    return same.error();
  }
  if (whole) head.checksums = read_checksums(answer);
  return head;
}

Result<store::ObjectHead> check_head_answer(const http::ResponseHead& answer,
                                            const store::HeadRequest& request) {
  if (!answer.content_length)
    return invalid_answer("the answer does not say how long the object is");
  if (request.part != 0) return check_part_head(answer);
  store::ObjectHead head = read_object_head(answer, *answer.content_length);
  head.checksums = read_checksums(answer);
  return head;
}

milliseconds retry_after(const http::ResponseHead& answer, WallTime server_now) {
  constexpr auto kMax = static_cast<std::uint64_t>(kMaxRetryAfter.count());
  if (const auto value = answer.find("x-amz-retry-after")) {
    if (const auto ms = text::parse_uint(text::trimmed(*value))) {
      return milliseconds(std::min(*ms, kMax));
    }
  }
  const std::string_view value = text::trimmed(answer.find("retry-after").value_or(""));
  if (const auto seconds = text::parse_uint(value)) {
    return milliseconds(std::min(*seconds, kMax / 1000) * 1000);
  }
  if (const auto date = dates::parse_http(value)) {
    const WallTime until{std::chrono::seconds(*date)};
    const auto wait = std::chrono::ceil<milliseconds>(until - server_now);
    return std::clamp(wait, milliseconds(0), kMaxRetryAfter);
  }
  return milliseconds(0);
}

std::optional<std::int64_t> measured_skew(const http::ResponseHead& answer, WallTime sent,
                                          WallTime received, std::int64_t assumed) noexcept {
  using std::chrono::seconds;
  if (received < sent || received - sent >= kMaxRoundTrip) return std::nullopt;
  if (answer.find("age")) return std::nullopt;
  const std::optional<std::int64_t> date = dates::parse_http(answer.find("date").value_or(""));
  if (!date) return std::nullopt;
  const WallTime server{seconds(*date)};
  // Date is cut to seconds, and the request may have waited long for a connection: without this the
  // signing time would follow the load.
  const seconds kept(assumed);
  if (server - received <= kept && kept <= server + seconds(1) - sent) return assumed;
  const WallTime middle = sent + (received - sent) / 2;
  return std::chrono::round<seconds>(server - middle).count();
}

std::string bucket_region(const http::ResponseHead& answer) {
  const std::string_view region = answer.find("x-amz-bucket-region").value_or("");
  return http::is_dns_label(region) ? std::string(region) : std::string();
}

bool is_xml(const http::ResponseHead& answer) noexcept {
  const std::string_view type = answer.find("content-type").value_or("");
  for (const std::string_view known : {"application/xml", "text/xml"}) {
    if (text::iequals(type.substr(0, known.size()), known)) return true;
  }
  return false;
}

}  // namespace sluice::s3
