#include "transfer/verify.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

namespace sluice::transfer {

namespace {

/// On the stack. Measured: from the page cache 64 KiB cost no more than 256 KiB, and the kernel
/// reads ahead by itself.
constexpr std::size_t kHashBufferBytes = 64 * 1024;

crypto::Algorithm algorithm_of(DigestKind kind) noexcept {
  switch (kind) {
    case DigestKind::md5:
      return crypto::Algorithm::md5;
    case DigestKind::crc32:
      return crypto::Algorithm::crc32;
    case DigestKind::crc32c:
      return crypto::Algorithm::crc32c;
    case DigestKind::sha1:
      return crypto::Algorithm::sha1;
    case DigestKind::sha256:
      return crypto::Algorithm::sha256;
    case DigestKind::none:
    case DigestKind::crc64nvme:
      break;
  }
  return crypto::Algorithm::crc64nvme;
}

std::string hex_of(const Digest& digest) {
  return text::hex(std::as_bytes(std::span(digest.bytes.data(), digest.bytes.size())));
}

}  // namespace

struct RunningDigest::Impl {
  crypto::Hasher hasher;
};

RunningDigest::RunningDigest(DigestKind kind)
    : kind_(kind), impl_(std::make_unique<Impl>(Impl{crypto::Hasher::make(algorithm_of(kind))})) {}
RunningDigest::RunningDigest(RunningDigest&&) noexcept = default;
RunningDigest& RunningDigest::operator=(RunningDigest&&) noexcept = default;
RunningDigest::~RunningDigest() = default;

void RunningDigest::update(std::span<const std::byte> bytes) {
  impl_->hasher.update(bytes);
}

Digest RunningDigest::finish() {
  return Digest{kind_, impl_->hasher.finish()};
}

bool is_md5_etag(std::string_view etag) noexcept {
  return etag.size() == 32 && std::all_of(etag.begin(), etag.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

Error unproven_error(std::string_view key) {
  Error error(ErrorKind::refused_key, "the server offers no checksum and no MD5 ETag for '" +
                                          text::escaped(key) +
                                          "', and --verify strict asks for one");
  error.code = kUnproven;
  return error;
}

Evidence strongest_evidence(const store::ObjectHead& head, VerifyMode mode) {
  Evidence evidence;
  if (mode == VerifyMode::length) return evidence;
  const auto checksum = std::find_if(
      head.checksums.begin(), head.checksums.end(), [](const store::Checksum& offered) {
        return offered.full_object && offered.digest.kind != DigestKind::none;
      });
  if (checksum != head.checksums.end()) {
    evidence.proof = Proof::checksum;
    evidence.expected = checksum->digest;
  } else if (!head.opaque_etag && is_md5_etag(head.version.etag)) {
    evidence.proof = Proof::md5;
    evidence.expected.kind = DigestKind::md5;
    evidence.expected.bytes = *text::from_hex(head.version.etag);
  } else {
    return evidence;
  }
  evidence.compute = evidence.expected.kind;
  return evidence;
}

bool is_combinable(DigestKind kind) noexcept {
  return kind != DigestKind::none && crypto::is_combinable(algorithm_of(kind));
}

std::optional<Digest> combined(const Digest& a, const Digest& b, std::uint64_t length_b) {
  if (a.kind != b.kind || !is_combinable(a.kind)) return std::nullopt;
  auto bytes = crypto::combined(algorithm_of(a.kind), a.bytes, b.bytes, length_b);
  if (!bytes) return std::nullopt;
  return Digest{a.kind, std::move(*bytes)};
}

namespace {

/// Hashes from `offset` to the end of the file or `most` bytes, whichever comes first; the length
/// that was there.
Result<std::uint64_t> hash_into(RunningDigest& digest, int fd, std::uint64_t offset,
                                std::uint64_t most) {
  std::array<std::byte, kHashBufferBytes> buffer;
  std::uint64_t done = 0;
  while (done < most) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), most - done));
    const ssize_t got = pread(fd, buffer.data(), wanted, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return local_error("cannot read a file to verify it", errno);
    if (got == 0) break;
    digest.update(std::span(buffer.data(), static_cast<std::size_t>(got)));
    done += static_cast<std::uint64_t>(got);
  }
  return done;
}

Error wrong_length(std::uint64_t found, std::uint64_t expected) {
  return Error(ErrorKind::corrupt, "a file has " + std::to_string(found) + " bytes where " +
                                       std::to_string(expected) + " were expected");
}

}  // namespace

Result<Digest> digest_of_file(int fd, std::uint64_t size, DigestKind kind) {
  RunningDigest digest(kind);
  // One byte more than there should be, to see that it is not there.
  const auto length = hash_into(digest, fd, 0, size + 1);
  if (!length) return length.error();
  if (*length != size) return wrong_length(*length, size);
  return digest.finish();
}

Result<void> hash_range(RunningDigest& digest, int fd, ByteRange range) {
  const auto length = hash_into(digest, fd, range.offset(), range.length());
  if (!length) return length.error();
  if (*length != range.length()) return wrong_length(*length, range.length());
  return {};
}

Result<Digest> digest_of_range(int fd, ByteRange range, DigestKind kind) {
  RunningDigest digest(kind);
  const auto hashed = hash_range(digest, fd, range);
  if (!hashed) return hashed.error();
  return digest.finish();
}

async::Task<Result<Digest>> digest_of_file_task(int fd, std::uint64_t size, DigestKind kind) {
  co_return digest_of_file(fd, size, kind);
}

async::Task<Result<Digest>> digest_of_range_task(int fd, ByteRange range, DigestKind kind) {
  co_return digest_of_range(fd, range, kind);
}

Result<void> check(const Evidence& evidence, const Digest& computed, std::string_view key) {
  if (evidence.proof == Proof::length || computed == evidence.expected) return {};
  return Error(ErrorKind::corrupt,
               "the content of '" + text::escaped(key) + "' is not what the bucket holds: " +
                   std::string(to_string(evidence.expected.kind)) + " is " + hex_of(computed) +
                   ", the server says " + hex_of(evidence.expected) + "; it was not installed");
}

}  // namespace sluice::transfer
