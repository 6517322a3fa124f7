// A bucket in memory that remembers every version it ever held: the oracle of the tests.
#pragma once

#include "origin/bucket.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace sluice::origin {

struct ObjectOptions {
  std::optional<std::string> etag = {};  // sent as it is, quotes included; default: MD5
  std::optional<ChecksumAlgorithm> checksum = {};
  ChecksumType checksum_type = ChecksumType::full_object;
  std::string checksum_value = {};  // empty: the right one, worked out
  std::string storage_class = "STANDARD";
  std::uint64_t part_bytes = 0;  // > 0: as uploaded in parts of that size; ETag `md5-N`
  std::optional<std::int64_t> restored_until_ms = {};
  std::string sse_c_key = {};  // 32 bytes; the default ETag is then no MD5
  Headers headers = {};
};

// ETags and checksums are worked out when first asked for, once a version.
class MemoryBucket final : public Bucket {
 public:
  MemoryBucket();
  ~MemoryBucket() override;

  // Makes a new current version of `key`. modified_ms 0 means now.
  void put(std::string_view key, std::string bytes, std::int64_t modified_ms = 0,
           ObjectOptions options = {});
  void put_content(std::string_view key, ContentPtr content, std::int64_t modified_ms = 0,
                   ObjectOptions options = {});
  // `size` bytes of generated_content(seed): costs no memory, so 5 GiB are fine. MD5 of them runs
  // at about 0.6 GB/s; give an ETag to do without.
  void put_generated(std::string_view key, std::uint64_t size, std::uint64_t seed,
                     std::int64_t modified_ms = 0, ObjectOptions options = {});
  // True if there was a current version. The history stays.
  bool remove(std::string_view key);

  // All versions `key` ever had, oldest first, removed ones too.
  std::vector<Object> versions(std::string_view key) const;
  // Whether `key` ever had exactly these bytes.
  bool was_ever(std::string_view key, std::string_view bytes) const;
  bool was_ever(std::string_view key, const Content& content) const;
  std::vector<std::string> keys() const;
  std::size_t size() const;

  std::vector<ObjectInfo> list_from(std::string_view from, std::size_t limit) override;
  std::optional<Object> find(std::string_view key) override;
  bool replace(std::string_view key, ContentPtr content) override;
  bool erase(std::string_view key) override;

 private:
  class Version;
  using VersionPtr = std::shared_ptr<Version>;

  mutable std::mutex mutex_;
  std::map<std::string, VersionPtr, std::less<>> current_;
  std::map<std::string, std::vector<VersionPtr>, std::less<>> history_;
};

}  // namespace sluice::origin
