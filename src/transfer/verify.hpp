#pragma once

#include "async/task.hpp"
#include "base/result.hpp"
#include "model/proof.hpp"
#include "store/object_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Proof of content: what the server offers, what we compute, and whether they agree.
namespace sluice::transfer {

enum class VerifyMode : std::uint8_t { automatic, strict, length };

/// Whether `etag` can be the MD5 of a single-part object: 32 hex digits.
bool is_md5_etag(std::string_view etag) noexcept;

/// What content is to be checked against: the strongest that is offered.
struct Evidence {
  Proof proof = Proof::length;
  Digest expected;                             ///< empty kind with Proof::length
  DigestKind compute = DigestKind::crc64nvme;  ///< what to hash the content with
};

/// The order of design section 8: full-object checksum, MD5 in the ETag, else length (then a CRC is
/// computed for the record). Pure.
Evidence strongest_evidence(const store::ObjectHead& head, VerifyMode mode);

/// --verify strict, and the server has nothing that would prove this object's content.
Error unproven_error(std::string_view key);
inline constexpr std::string_view kUnproven = "unproven";  ///< its code

/// What each of several parts is hashed with: combinable, the fastest, and what S3 itself prefers.
inline constexpr DigestKind kPartDigest = DigestKind::crc64nvme;
inline constexpr std::size_t kPartDigestBytes = 8;

/// A hash that is being computed over a stream.
class RunningDigest {
 public:
  explicit RunningDigest(DigestKind kind);
  RunningDigest(RunningDigest&&) noexcept;
  RunningDigest& operator=(RunningDigest&&) noexcept;
  ~RunningDigest();

  DigestKind kind() const noexcept { return kind_; }
  void update(std::span<const std::byte> bytes);
  Digest finish();

 private:
  DigestKind kind_;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Goes on with `digest` over that part of a file, by offset. Blocks, unless it is in the page
/// cache. `corrupt` if the file ends before it.
Result<void> hash_range(RunningDigest& digest, int fd, ByteRange range);

/// Whether digests of parts can be put together to that of the whole: the CRCs.
bool is_combinable(DigestKind kind) noexcept;

/// The digest of `a` followed by `b`; nullopt unless both are of one combinable kind.
std::optional<Digest> combined(const Digest& a, const Digest& b, std::uint64_t length_b);

/// Hashes a whole file through its descriptor by offset. Blocks: call it on the verify role.
/// `corrupt` if the file is not `size` bytes long.
Result<Digest> digest_of_file(int fd, std::uint64_t size, DigestKind kind);

/// The digest of a part of a file; likewise blocking. `corrupt` if the file ends before it.
Result<Digest> digest_of_range(int fd, ByteRange range, DigestKind kind);

/// The same as tasks, for async::call_on.
async::Task<Result<Digest>> digest_of_file_task(int fd, std::uint64_t size, DigestKind kind);
async::Task<Result<Digest>> digest_of_range_task(int fd, ByteRange range, DigestKind kind);

/// `corrupt`, with both digests in the message, unless the content is as the evidence says.
Result<void> check(const Evidence& evidence, const Digest& computed, std::string_view key);

}  // namespace sluice::transfer
