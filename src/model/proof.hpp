#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// How the content of a file was checked. Values are stored in the record: never renumber.
enum class Proof : std::uint8_t {
  none = 0,       ///< adopted by size and time only
  length = 1,     ///< the server offered nothing better than a length
  md5 = 2,        ///< MD5 in a single-part ETag
  checksum = 3,   ///< full-object checksum (CRC or SHA)
  composite = 4,  ///< composite checksum or md5-N ETag
};
std::string_view to_string(Proof proof) noexcept;
/// The other way; nullopt if there is no such proof.
std::optional<Proof> proof_named(std::string_view name) noexcept;
inline constexpr std::size_t kProofCount = 5;

/// Values are stored in the record: never renumber.
enum class DigestKind : std::uint8_t {
  none = 0,
  md5 = 1,
  crc32 = 2,
  crc32c = 3,
  crc64nvme = 4,
  sha1 = 5,
  sha256 = 6
};
std::string_view to_string(DigestKind kind) noexcept;

/// A digest of a whole stored file: raw bytes, big-endian for CRCs as S3 sends them.
struct Digest {
  DigestKind kind = DigestKind::none;
  std::string bytes;
  bool operator==(const Digest&) const = default;
};

}  // namespace sluice
