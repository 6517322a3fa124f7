#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What identifies one version of one key. The ETag is opaque bytes without its quotes; empty means
/// that the server gave none, or only a weak one.
struct Version {
  std::string etag;
  std::uint64_t size = 0;        ///< bytes
  std::int64_t modified_ms = 0;  ///< LastModified, milliseconds since 1970

  /// ETag and size; without an ETag, size and LastModified (which never decides alone otherwise).
  bool same_content(const Version& other) const noexcept {
    if (size != other.size || etag != other.etag) return false;
    return !etag.empty() || modified_ms == other.modified_ms;
  }
  bool operator==(const Version&) const = default;
};

enum class StorageClass : std::uint8_t {
  readable,  ///< STANDARD, GLACIER_IR, and any class not known to be an archive
  archived,  ///< GLACIER or DEEP_ARCHIVE, not restored: a GET would be refused
};

/// One `<Contents>` of a list page. The views point into the page's own buffer.
struct ListedObject {
  std::string_view key;  ///< any bytes, prefix included
  std::string_view etag;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  StorageClass storage = StorageClass::readable;
  bool has_checksum = false;  ///< ChecksumAlgorithm was listed: a HEAD or whole GET brings it
  bool full_object_checksum = false;  ///< ChecksumType was FULL_OBJECT

  Version version() const { return Version{std::string(etag), size, modified_ms}; }
};

/// One valid list answer. Movable; the buffer that the views point into moves along.
struct ListPage {
  std::vector<ListedObject> objects;              ///< as the server ordered them
  std::vector<std::string_view> common_prefixes;  ///< only with a delimiter
  bool truncated = false;
  std::string next_token;    ///< set if and only if truncated; opaque
  std::vector<char> buffer;  ///< owns every byte that the views refer to
};

}  // namespace sluice
