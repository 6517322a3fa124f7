// The remotes that the conformance suite runs against: one bucket, filled by the test, and stores
// on it.
#pragma once

#include "async/runtime.hpp"
#include "store/object_store.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::conformance {

/// One object as the test puts it; the ETag is the MD5 of the content unless `is_weak`.
struct Put {
  std::string content;
  std::int64_t modified_ms = 1'700'000'000'000;
  bool is_weak = false;       ///< the server's ETag is a weak one, which counts as none
  bool is_encrypted = false;  ///< by a key of KMS: the ETag is no MD5
  bool is_archived = false;
  bool has_crc32c = false;       ///< the server keeps a full-object CRC32C
  std::uint64_t part_bytes = 0;  ///< not 0: uploaded in parts of that size, its ETag is `md5-N`
};

class Remote {
 public:
  virtual ~Remote() = default;

  virtual void put(const std::string& key, Put object) = 0;
  virtual void remove(const std::string& key) = 0;
  virtual void remove_bucket() = 0;
  /// What the server lists at most in one page.
  virtual void set_page_keys(unsigned keys) = 0;

  virtual std::unique_ptr<async::Runtime> make_runtime() = 0;
  /// For calls on the control role of `runtime`.
  virtual std::unique_ptr<store::ObjectStore> make_store(async::Runtime& runtime) = 0;
};

enum class Kind : std::uint8_t {
  fake,           ///< fake::Bucket on the deterministic runtime
  fake_threaded,  ///< the same on the threaded one
  http,           ///< s3::Client and the origin
  https,
  http_v1,           ///< a server that refuses version 2 of ListObjects
  http_v1_whatever,  ///< one that ignores what only version 2 has
};
std::unique_ptr<Remote> make_remote(Kind kind);

}  // namespace sluice::conformance
