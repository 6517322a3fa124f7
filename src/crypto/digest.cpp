#include "crypto/digest.hpp"

#include "base/text.hpp"
#include "crypto/crc.hpp"
#include "crypto/evp.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace sluice::crypto {
namespace {

const EVP_MD* fetch(const char* name) {
  // A FIPS default property would hide MD5, which is used here as S3's ETag, not for security.
  if (const EVP_MD* found = EVP_MD_fetch(nullptr, name, "-fips")) return found;
  throw std::runtime_error(std::string("OpenSSL offers no ") + name +
                           ": check the providers in openssl.cnf");
}

}  // namespace

namespace detail {

const evp_md_st* evp_digest(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::md5: {
      static const EVP_MD* const md5 = fetch("MD5");
      return md5;
    }
    case Algorithm::sha1: {
      static const EVP_MD* const sha1 = fetch("SHA1");
      return sha1;
    }
    case Algorithm::sha256: {
      static const EVP_MD* const sha256 = fetch("SHA256");
      return sha256;
    }
    case Algorithm::crc32:
    case Algorithm::crc32c:
    case Algorithm::crc64nvme:
      break;
  }
  throw std::logic_error("OpenSSL has no CRCs");
}

void check_evp(int ok, const char* what) {
  if (ok != 1) throw std::runtime_error(std::string("OpenSSL: ") + what + " failed");
}

}  // namespace detail

std::string_view to_string(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::md5:
      return "md5";
    case Algorithm::crc32:
      return "crc32";
    case Algorithm::crc32c:
      return "crc32c";
    case Algorithm::crc64nvme:
      return "crc64nvme";
    case Algorithm::sha1:
      return "sha1";
    case Algorithm::sha256:
      return "sha256";
  }
  return "unknown";
}

std::size_t digest_bytes(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::crc32:
    case Algorithm::crc32c:
      return 4;
    case Algorithm::crc64nvme:
      return 8;
    case Algorithm::md5:
      return 16;
    case Algorithm::sha1:
      return 20;
    case Algorithm::sha256:
      return 32;
  }
  return 0;
}

void Hasher::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Hasher Hasher::make(Algorithm algorithm) {
  Hasher hasher(algorithm);
  if (!is_combinable(algorithm)) {
    hasher.context_.reset(EVP_MD_CTX_new());
    if (!hasher.context_) throw std::bad_alloc();
  }
  hasher.begin();
  return hasher;
}

void Hasher::begin() {
  crc_ = 0;
  if (context_)
    detail::check_evp(EVP_DigestInit_ex2(context_.get(), detail::evp_digest(algorithm_), nullptr),
                      "EVP_DigestInit_ex2");
}

void Hasher::update(std::span<const std::byte> bytes) {
  switch (algorithm_) {
    case Algorithm::crc32:
      crc_ = crc32(static_cast<std::uint32_t>(crc_), bytes);
      return;
    case Algorithm::crc32c:
      crc_ = crc32c(static_cast<std::uint32_t>(crc_), bytes);
      return;
    case Algorithm::crc64nvme:
      crc_ = crc64nvme(crc_, bytes);
      return;
    case Algorithm::md5:
    case Algorithm::sha1:
    case Algorithm::sha256:
      detail::check_evp(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()),
                        "EVP_DigestUpdate");
      return;
  }
}

std::string Hasher::finish() {
  std::string bytes;
  if (is_combinable(algorithm_)) {
    bytes = text::big_endian(crc_, digest_bytes(algorithm_));
  } else {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    detail::check_evp(EVP_DigestFinal_ex(context_.get(), raw.data(), &size), "EVP_DigestFinal_ex");
    bytes.assign(reinterpret_cast<const char*>(raw.data()), size);
  }
  begin();
  return bytes;
}

std::string digest(Algorithm algorithm, std::span<const std::byte> bytes) {
  Hasher hasher = Hasher::make(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

std::optional<std::string> combined(Algorithm algorithm, std::string_view digest_a,
                                    std::string_view digest_b, std::uint64_t length_b) {
  const std::size_t size = digest_bytes(algorithm);
  if (!is_combinable(algorithm) || digest_a.size() != size || digest_b.size() != size)
    return std::nullopt;
  const std::uint64_t a = text::from_big_endian(digest_a);
  const std::uint64_t b = text::from_big_endian(digest_b);
  if (algorithm == Algorithm::crc64nvme)
    return text::big_endian(crc64nvme_combined(a, b, length_b), size);
  const auto a32 = static_cast<std::uint32_t>(a);
  const auto b32 = static_cast<std::uint32_t>(b);
  return text::big_endian(algorithm == Algorithm::crc32 ? crc32_combined(a32, b32, length_b)
                                                        : crc32c_combined(a32, b32, length_b),
                          size);
}

}  // namespace sluice::crypto
