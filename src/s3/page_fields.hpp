#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// The small pieces of reading a list page that run once per key and element: measured to be half
/// of its time when done with general means.
namespace sluice::s3 {

/// The members of `<ListBucketResult>` that are read. A namespace prefix is ignored.
enum class PageField : std::uint8_t {
  contents,
  common_prefixes,
  name,
  prefix,
  encoding_type,
  is_truncated,
  next_token,
  key_count,    ///< only in version 2
  marker,       ///< only in version 1
  next_marker,  ///< only in version 1
  other,
};
PageField page_field(const char* element_name) noexcept;

/// The members of `<Contents>` that are read.
enum class ObjectField : std::uint8_t {
  key,
  last_modified,
  etag,
  size,
  storage_class,
  checksum_algorithm,
  checksum_type,
  restore_status,
  contents,  ///< never belongs here
  other,
};
ObjectField object_field(const char* element_name) noexcept;

/// `2024-01-02T03:04:05.678Z` in one go, every other form by dates::parse_iso_ms; milliseconds
/// since 1970.
std::optional<std::int64_t> parse_s3_date(std::string_view text) noexcept;

/// Decodes %XX and `+` (a space) in place; returns the new length, nullopt on a malformed escape.
std::optional<std::size_t> url_decode(std::span<char> text) noexcept;

}  // namespace sluice::s3
