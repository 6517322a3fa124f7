#include "model/proof.hpp"

namespace sluice {

std::string_view to_string(Proof proof) noexcept {
  switch (proof) {
    case Proof::none:
      return "none";
    case Proof::length:
      return "length";
    case Proof::md5:
      return "md5";
    case Proof::checksum:
      return "checksum";
    case Proof::composite:
      return "composite";
  }
  return "unknown";
}

std::optional<Proof> proof_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kProofCount; ++i)
    if (const auto proof = static_cast<Proof>(i); to_string(proof) == name) return proof;
  return std::nullopt;
}

std::string_view to_string(DigestKind kind) noexcept {
  switch (kind) {
    case DigestKind::none:
      return "none";
    case DigestKind::md5:
      return "md5";
    case DigestKind::crc32:
      return "crc32";
    case DigestKind::crc32c:
      return "crc32c";
    case DigestKind::crc64nvme:
      return "crc64nvme";
    case DigestKind::sha1:
      return "sha1";
    case DigestKind::sha256:
      return "sha256";
  }
  return "unknown";
}

}  // namespace sluice
