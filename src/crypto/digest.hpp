#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX: its headers stay in the .cpp files

namespace sluice::crypto {

/// What S3 can prove content with.
enum class Algorithm : std::uint8_t {
  md5 = 1,
  crc32 = 2,
  crc32c = 3,
  crc64nvme = 4,
  sha1 = 5,
  sha256 = 6
};

/// Lower case, as in the header names `x-amz-checksum-…`.
std::string_view to_string(Algorithm algorithm) noexcept;
std::size_t digest_bytes(Algorithm algorithm) noexcept;

/// Whether digests of parts can be put together to that of the whole.
constexpr bool is_combinable(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::crc32 || algorithm == Algorithm::crc32c ||
         algorithm == Algorithm::crc64nvme;
}

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// One digest, fed piece by piece. One thread at a time.
class Hasher {
 public:
  /// std::runtime_error if OpenSSL refuses the algorithm (MD5 under a strict FIPS set-up).
  static Hasher make(Algorithm algorithm);

  Algorithm algorithm() const noexcept { return algorithm_; }

  void update(std::span<const std::byte> bytes);

  /// The digest as raw bytes, CRCs big-endian as S3 sends them. The hasher then is as new.
  std::string finish();

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };

  explicit Hasher(Algorithm algorithm) : algorithm_(algorithm) {}
  void begin();

  Algorithm algorithm_;
  std::uint64_t crc_ = 0;
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;  ///< null for the CRCs
};

/// `Hasher` for content that is at hand as a whole.
std::string digest(Algorithm algorithm, std::span<const std::byte> bytes);

/// The digest of `a` followed by `b`, from both digests (as Hasher gives them) and the length of
/// `b`. nullopt unless the algorithm is combinable and both have its length.
std::optional<std::string> combined(Algorithm algorithm, std::string_view digest_a,
                                    std::string_view digest_b, std::uint64_t length_b);

}  // namespace sluice::crypto
