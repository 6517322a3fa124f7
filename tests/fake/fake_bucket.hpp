#pragma once

#include "async/runtime.hpp"
#include "crypto/digest.hpp"
#include "store/object_store.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fake {

/// A bucket in memory behind the ObjectStore interface: the real seam, its own clock and faults.
/// One bucket serves the stores of all shards; all members may be called from any thread.
class Bucket {
 public:
  struct Object {
    std::string content;
    Version version;
    StorageClass storage = StorageClass::readable;
    bool opaque_etag = false;
    std::vector<store::Checksum> checksums;
    std::vector<std::uint64_t> parts;  ///< bytes of each, if it was uploaded in parts
  };

  enum class Operation : std::uint8_t { list, head, get, is_gone };

  /// Asked before each operation; an Error fails it. For a GET, `cut_after` may be set: so many
  /// bytes arrive, then the error. `corrupt` flips one bit of the first byte served.
  struct Fault {
    std::optional<Error> error;
    std::optional<std::uint64_t> cut_after;
    bool corrupt = false;
    std::chrono::milliseconds each_piece{0};  ///< before each 4 KiB of a body, and a page
  };
  using FaultScript = std::function<Fault(Operation, std::string_view key)>;

  /// The ETag is the MD5 of the content.
  void put(const std::string& key, std::string content,
           std::int64_t modified_ms = 1'700'000'000'000);
  void put_object(const std::string& key, Object object);
  /// As uploaded in parts of these sizes, which must add up: the ETag is `md5-N`.
  void put_in_parts(const std::string& key, std::string content, std::vector<std::uint64_t> parts,
                    std::int64_t modified_ms = 1'700'000'000'000);
  void remove(const std::string& key);
  void remove_bucket();  ///< from now on all requests find no bucket
  bool exists() const;
  void set_faults(FaultScript script);
  void set_page_keys(unsigned keys);
  void shuffle_listing(bool shuffled);  ///< an unordered server
  /// Called, without the lock, after the n-th byte range of a key has been served.
  void after_get(std::function<void(const std::string& key)> hook);

  std::map<std::string, Object> objects() const;
  bool was_ever(const std::string& key, const std::string& content) const;
  std::uint64_t count(Operation operation) const;
  void reset_counts();

  /// A store on that bucket for one shard. The bucket must outlive it.
  std::unique_ptr<store::ObjectStore> make_store(async::Runtime& runtime);

 private:
  friend class BucketStore;

  Fault begin(Operation operation, std::string_view key);

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::map<std::string, std::set<std::string>> history_;
  FaultScript script_;
  std::function<void(const std::string&)> after_get_;
  unsigned page_keys_ = 1000;
  bool shuffled_ = false;
  bool exists_ = true;
  std::map<Operation, std::uint64_t> counts_;
};

std::string md5_hex(std::string_view content);

/// A digest over the digests of the parts: raw bytes.
std::string composite(crypto::Algorithm algorithm, std::string_view content,
                      const std::vector<std::uint64_t>& parts);

}  // namespace sluice::fake
