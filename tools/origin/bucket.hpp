// What a bucket is to the server: sorted keys, each with one current version.
#pragma once

#include "origin/content.hpp"
#include "origin/digest.hpp"
#include "origin/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

struct Checksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc64nvme;
  ChecksumType type = ChecksumType::full_object;
  std::string value;  // as in the header: base64, with "-N" when composite
};

struct ObjectInfo {
  std::string key;
  std::string etag;  // exactly as sent, quotes included
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  std::string storage_class = "STANDARD";
  std::optional<Checksum> checksum = {};
  std::uint64_t part_bytes = 0;  // 0: not uploaded in parts
  // Set for a GLACIER or DEEP_ARCHIVE object that was restored until then: it is readable.
  std::optional<std::int64_t> restored_until_ms = {};
  std::string sse_c_key = {};  // 32 bytes that it is encrypted with (SSE-C); empty: it is not
  Headers headers = {};  // sent with GET and HEAD: Content-Type, Content-Encoding, x-amz-meta-…
};

struct Object {
  ObjectInfo info;
  ContentPtr content;
};

// Every member may be called from any thread.
class Bucket {
 public:
  virtual ~Bucket() = default;

  // Up to `limit` objects with key >= from, in the order of their keys' bytes. None only if no such
  // object is left; fewer than `limit` says nothing.
  virtual std::vector<ObjectInfo> list_from(std::string_view from, std::size_t limit) = 0;

  virtual std::optional<Object> find(std::string_view key) = 0;

  // Called when a listing asks for a first page.
  virtual void refresh() {}

  // For the faults `overwrite` and `remove`; false: this bucket cannot be changed.
  virtual bool replace(std::string_view /*key*/, ContentPtr /*content*/) { return false; }
  virtual bool erase(std::string_view /*key*/) { return false; }
};

}  // namespace sluice::origin
