#pragma once

#include "async/task.hpp"
#include "base/pipe.hpp"
#include "base/result.hpp"
#include "model/object.hpp"
#include "model/proof.hpp"
#include "model/range.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// The remote seam: all that the engine knows of S3. Implemented by s3::Client and by fakes.
namespace sluice::store {

struct ListRequest {
  std::string prefix;
  std::string start_after;   ///< exclusive; only on the first page
  std::string token;         ///< continuation token; empty on the first page
  std::string delimiter;     ///< usually empty
  unsigned max_keys = 1000;  ///< 1 to 1000
};

/// A checksum that the server keeps of an object.
struct Checksum {
  Digest digest;
  bool full_object = true;  ///< false: composite, over the checksums of the parts
  std::uint32_t parts = 0;  ///< how many, of a composite one that says so
};

/// One of the parts in which an object was uploaded.
struct UploadedPart {
  std::uint64_t bytes = 0;
  std::uint32_t count = 0;  ///< parts that the object has
};

/// What the head of a GET or HEAD answer says.
struct ObjectHead {
  Version version;  ///< size is the whole object's, also in a ranged answer
  std::vector<Checksum> checksums;
  bool opaque_etag = false;  ///< SSE-KMS or SSE-C: the ETag is no MD5
  /// Of a HEAD that asked for a part; none if the server does not tell parts apart. version.size is
  /// then 0 if the answer did not say it.
  std::optional<UploadedPart> part;
};

struct GetRequest {
  std::string key;
  std::optional<ByteRange> range;  ///< none: the whole object
  /// The version that is wanted. With an ETag it is pinned by If-Match, else by
  /// If-Unmodified-Since; an answer with another ETag or total size is `changed`.
  Version version;
  bool want_checksum = false;  ///< x-amz-checksum-mode: only honoured without a range
};

struct HeadRequest {
  std::string key;
  bool want_checksum = false;
  std::uint32_t part = 0;  ///< from 1: how large that part of the upload was; 0: the whole object
};

/// Receives the body of one GET. Called on the shard's thread; may block on the page cache.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Once per attempt, after the head has been checked against the request and before any byte.
  virtual Result<void> begin(const ObjectHead& head) = 0;
  /// The next bytes, in order. An error ends the request and becomes its result.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// Whether it would rather have them in a pipe, as far as the store can do that.
  virtual bool takes_pipe() const noexcept { return false; }
  /// The same as `write` of all that `pipe` holds.
  virtual Result<void> write_pipe(Pipe&) { return {}; }
};

/// One per shard: all calls come from the thread of the executor it was made for; several may be
/// under way at once. No call retries; `stale` is handled inside.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual async::Task<Result<ListPage>> list(ListRequest request) = 0;
  virtual async::Task<Result<ObjectHead>> head(HeadRequest request) = 0;
  /// Success means that exactly the bytes asked for went into `sink`. On failure the sink may have
  /// received a correct beginning of them.
  virtual async::Task<Result<ObjectHead>> get(GetRequest request, BodySink& sink) = 0;
  /// Whether the key is proved absent: GET of bytes=0-0 answered 404 NoSuchKey (true) or anything
  /// that shows the object (false); every other answer is an error.
  virtual async::Task<Result<bool>> is_gone(std::string key) = 0;
};

}  // namespace sluice::store
