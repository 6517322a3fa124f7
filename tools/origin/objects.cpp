#include "origin/objects.hpp"

#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sluice::origin {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  // A position beyond 2^64 is beyond every object.
  return error == std::errc::result_out_of_range ? ~std::uint64_t{0} : value;
}

std::string_view unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    return etag.substr(1, etag.size() - 2);
  }
  return etag;
}

// `list` as in If-Match: "*", or ETags with or without quotes, separated by commas.
bool names_etag(std::string_view list, std::string_view etag) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view item = trim(list.substr(0, comma));
    if (item == "*" || unquoted(item) == unquoted(etag)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

enum class Condition { met, failed, not_modified };

// RFC 9110 13.2.2: If-Match overrides If-Unmodified-Since, If-None-Match If-Modified-Since. Dates
// that cannot be read are ignored.
Condition check_conditions(const Request& request, const ObjectInfo& info) {
  const std::int64_t modified_s = info.modified_ms / 1000;
  const auto date = [&request](std::string_view name) -> std::optional<std::int64_t> {
    const std::string* const value = find_header(request.headers, name);
    return value != nullptr ? parse_http_date_s(*value) : std::nullopt;
  };
  if (const std::string* const wanted = find_header(request.headers, "If-Match")) {
    if (!names_etag(*wanted, info.etag)) return Condition::failed;
  } else if (const auto since = date("If-Unmodified-Since")) {
    if (modified_s > *since) return Condition::failed;
  }
  if (const std::string* const known = find_header(request.headers, "If-None-Match")) {
    if (names_etag(*known, info.etag)) return Condition::not_modified;
  } else if (const auto since = date("If-Modified-Since")) {
    if (modified_s <= *since) return Condition::not_modified;
  }
  return Condition::met;
}

bool is_archived(const ObjectInfo& info) {
  const bool cold = info.storage_class == "GLACIER" || info.storage_class == "DEEP_ARCHIVE";
  return cold && !info.restored_until_ms;
}

void add_object_headers(Response& response, const ObjectInfo& info) {
  Headers& headers = response.headers;
  headers.push_back({"Last-Modified", http_date(info.modified_ms)});
  if (!info.etag.empty()) headers.push_back({"ETag", info.etag});
  headers.push_back({"Accept-Ranges", "bytes"});
  if (find_header(info.headers, "Content-Type") == nullptr) {
    headers.push_back({"Content-Type", "binary/octet-stream"});
  }
  // As S3 does: STANDARD goes unsaid.
  if (info.storage_class != "STANDARD") {
    headers.push_back({"x-amz-storage-class", info.storage_class});
  }
  if (info.restored_until_ms) {
    headers.push_back({"x-amz-restore", fmt::format("ongoing-request=\"false\", expiry-date=\"{}\"",
                                                    http_date(*info.restored_until_ms))});
  }
  headers.insert(headers.end(), info.headers.begin(), info.headers.end());
}

void add_checksum_headers(Response& response, const Request& request, const ObjectInfo& info) {
  const std::string* const mode = find_header(request.headers, "x-amz-checksum-mode");
  if (mode == nullptr || !equal_ignoring_case(*mode, "ENABLED") || !info.checksum) return;
  const bool full = info.checksum->type == ChecksumType::full_object;
  response.headers.push_back(
      {std::string(header_name(info.checksum->algorithm)), info.checksum->value});
  response.headers.push_back({"x-amz-checksum-type", full ? "FULL_OBJECT" : "COMPOSITE"});
}

void make_partial(Response& response, const Range& range, std::uint64_t size) {
  response.status = 206;
  response.body_offset = range.first;
  response.body_bytes = range.count;
  const std::uint64_t last = range.first + std::max<std::uint64_t>(range.count, 1) - 1;
  response.headers.push_back(
      {"Content-Range", fmt::format("bytes {}-{}/{}", range.first, last, size)});
}

// ?partNumber=N. Returns false if there is no such part.
bool take_part(std::string_view text, const ObjectInfo& info, Response& response) {
  const auto number = parse_number(text);
  const std::uint64_t part_bytes = info.part_bytes > 0 ? info.part_bytes : info.size;
  const std::uint64_t parts =
      part_bytes == 0 ? 1 : std::max<std::uint64_t>((info.size + part_bytes - 1) / part_bytes, 1);
  if (!number || *number < 1 || *number > parts) return false;
  Range range;
  range.first = (*number - 1) * part_bytes;
  range.count = std::min(part_bytes, info.size - range.first);
  make_partial(response, range, info.size);
  if (info.part_bytes > 0) {
    response.headers.push_back({"x-amz-mp-parts-count", std::to_string(parts)});
  }
  return true;
}

}  // namespace

RangeVerdict parse_range(std::string_view header, std::uint64_t size, Range& range) {
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return RangeVerdict::whole;
  const std::string_view text = trim(header.substr(unit.size()));
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) {
    return RangeVerdict::whole;
  }
  const auto first = parse_number(text.substr(0, dash));
  const auto last = parse_number(text.substr(dash + 1));
  if (dash == 0) {
    if (!last) return RangeVerdict::whole;
    if (*last == 0 || size == 0) return RangeVerdict::unsatisfiable;
    range.count = std::min(*last, size);
    range.first = size - range.count;
    return RangeVerdict::partial;
  }
  const bool open_end = dash + 1 == text.size();
  if (!first || (!last && !open_end) || (last && *last < *first)) return RangeVerdict::whole;
  if (*first >= size) return RangeVerdict::unsatisfiable;
  range.first = *first;
  range.count = (open_end ? size - 1 : std::min(*last, size - 1)) - *first + 1;
  return RangeVerdict::partial;
}

namespace {

constexpr const char* kKeyAlgorithm = "x-amz-server-side-encryption-customer-algorithm";
constexpr const char* kKey = "x-amz-server-side-encryption-customer-key";
constexpr const char* kKeyMd5 = "x-amz-server-side-encryption-customer-key-MD5";

// Why the request may not read an object that is, or is not, under a customer's key.
std::optional<S3Error> check_customer_key(const ObjectInfo& info, const Request& request) {
  const std::string* const algorithm = find_header(request.headers, kKeyAlgorithm);
  const std::string* const key = find_header(request.headers, kKey);
  const std::string* const md5 = find_header(request.headers, kKeyMd5);
  if (info.sse_c_key.empty()) {
    if (algorithm == nullptr && key == nullptr && md5 == nullptr) return std::nullopt;
    return make_error("InvalidRequest",
                      "The encryption parameters are not applicable to this object.");
  }
  if (algorithm == nullptr || key == nullptr || md5 == nullptr) {
    return make_error("InvalidRequest",
                      "The object was stored using a form of Server Side Encryption. The correct "
                      "parameters must be provided to retrieve the object.");
  }
  if (*algorithm != "AES256") return make_error("InvalidEncryptionAlgorithmError");
  const auto bytes = base64_decode(*key);
  if (!bytes || bytes->size() != 32) {
    return make_error("InvalidArgument", "The secret key was invalid for the specified algorithm.");
  }
  const std::string hex = hex_lower(base64_decode(*md5).value_or(""));
  if (unquoted(md5_etag(*bytes_content(*bytes))) != hex) {
    return make_error("InvalidArgument",
                      "The calculated MD5 hash of the key did not match the hash provided.");
  }
  if (*bytes != info.sse_c_key) return make_error("AccessDenied");
  return std::nullopt;
}

}  // namespace

std::variant<Response, S3Error> answer_object(const Object& object, const Request& request,
                                              const Route& route) {
  const ObjectInfo& info = object.info;
  if (auto refused = check_customer_key(info, request)) return *std::move(refused);
  const Condition condition = check_conditions(request, info);
  if (condition == Condition::failed) return make_error("PreconditionFailed");
  Response response;
  add_object_headers(response, info);
  if (!info.sse_c_key.empty()) {
    response.headers.push_back({kKeyAlgorithm, "AES256"});
    response.headers.push_back({kKeyMd5, *find_header(request.headers, kKeyMd5)});
  }
  if (condition == Condition::not_modified) {
    response.status = 304;
    return response;
  }
  if (route.operation == Operation::get && is_archived(info)) {
    S3Error error = make_error("InvalidObjectState");
    error.details.push_back({"StorageClass", info.storage_class});
    return error;
  }

  response.body = object.content;
  response.body_bytes = info.size;
  const std::string* const range_header = find_header(request.headers, "Range");
  const auto part = route.query.find("partNumber");
  if (part != route.query.end()) {
    if (!take_part(part->second, info, response)) return make_error("InvalidPartNumber");
    return response;
  }
  Range range;
  const RangeVerdict verdict =
      range_header != nullptr ? parse_range(*range_header, info.size, range) : RangeVerdict::whole;
  if (verdict == RangeVerdict::unsatisfiable) {
    S3Error error = make_error("InvalidRange");
    error.details.push_back({"RangeRequested", *range_header});
    error.details.push_back({"ActualObjectSize", std::to_string(info.size)});
    return error;
  }
  if (verdict == RangeVerdict::partial) {
    make_partial(response, range, info.size);
  } else {
    // The checksum covers the whole object, so only a whole answer carries it.
    add_checksum_headers(response, request, info);
  }
  return response;
}

}  // namespace sluice::origin
