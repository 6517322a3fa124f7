#include "origin/digest.hpp"

#include "origin/encoding.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace sluice::origin {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

// Eight tables, so that eight bytes are folded at a time: plain tables do 0.4 GB/s, this 2 GB/s.
template <class Word, Word Polynomial>
struct CrcTables {
  std::array<std::array<Word, 256>, 8> t{};
  constexpr CrcTables() {
    for (unsigned i = 0; i < 256; ++i) {
      Word crc = i;
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc >> 1) ^ ((crc & 1) ? Polynomial : Word{0});
      t[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; ++i) {
      for (unsigned k = 1; k < 8; ++k)
        t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
    }
  }
};

// All three are reflected, with all bits set at the start and inverted at the end.
template <class Word, Word Polynomial>
class Crc {
 public:
  void update(const char* data, std::size_t bytes) {
    static constexpr CrcTables<Word, Polynomial> tables;
    const auto& t = tables.t;
    Word crc = crc_;
    const auto* p = reinterpret_cast<const unsigned char*>(data);
    for (; bytes >= 8; bytes -= 8, p += 8) {
      std::uint64_t word = crc;
      for (unsigned i = 0; i < 8; ++i)
        word ^= std::uint64_t{p[i]} << (8 * i);
      crc = 0;
      for (unsigned i = 0; i < 8; ++i)
        crc ^= t[7 - i][(word >> (8 * i)) & 255];
    }
    for (; bytes > 0; --bytes, ++p)
      crc = (crc >> 8) ^ t[0][(crc ^ *p) & 255];
    crc_ = crc;
  }
  std::string finish() const {
    const Word value = ~crc_;
    std::string out;
    for (std::size_t i = sizeof(Word); i-- > 0;)
      out += static_cast<char>(value >> (8 * i));
    return out;
  }

 private:
  Word crc_ = static_cast<Word>(~Word{0});
};

class Evp {
 public:
  explicit Evp(const EVP_MD* type) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), type, nullptr) != 1) {
      throw std::runtime_error("digest unavailable in this OpenSSL");
    }
  }
  void update(const char* data, std::size_t bytes) {
    EVP_DigestUpdate(context_.get(), data, bytes);
  }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), out.data(), &length);
    return {reinterpret_cast<const char*>(out.data()), length};
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// EVP_md5() and its like fetch anew at every use; these are fetched once and kept for ever.
const EVP_MD* fetched(const char* name) {
  return EVP_MD_fetch(nullptr, name, nullptr);
}
const EVP_MD* md5_type() {
  static const EVP_MD* const type = fetched("MD5");
  return type;
}
const EVP_MD* sha1_type() {
  static const EVP_MD* const type = fetched("SHA1");
  return type;
}
const EVP_MD* sha256_type() {
  static const EVP_MD* const type = fetched("SHA256");
  return type;
}

template <class Hasher>
std::string hash_range(Hasher hasher, const Content& content, std::uint64_t from,
                       std::uint64_t bytes) {
  std::vector<char> block(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kBlockBytes)));
  while (bytes > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, block.size()));
    const std::size_t got = content.read(from, block.data(), want);
    if (got == 0) throw std::runtime_error("content became shorter while it was hashed");
    hasher.update(block.data(), got);
    from += got;
    bytes -= got;
  }
  return hasher.finish();
}

using Crc32 = Crc<std::uint32_t, 0xEDB88320u>;
using Crc32c = Crc<std::uint32_t, 0x82F63B78u>;
using Crc64Nvme = Crc<std::uint64_t, 0x9A6C9329AC4BC9B5u>;

std::string raw_checksum(ChecksumAlgorithm algorithm, const Content& content, std::uint64_t from,
                         std::uint64_t bytes) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32:
      return hash_range(Crc32(), content, from, bytes);
    case ChecksumAlgorithm::crc32c:
      return hash_range(Crc32c(), content, from, bytes);
    case ChecksumAlgorithm::crc64nvme:
      return hash_range(Crc64Nvme(), content, from, bytes);
    case ChecksumAlgorithm::sha1:
      return hash_range(Evp(sha1_type()), content, from, bytes);
    case ChecksumAlgorithm::sha256:
      return hash_range(Evp(sha256_type()), content, from, bytes);
  }
  return {};
}

std::string raw_md5(const Content& content, std::uint64_t from, std::uint64_t bytes) {
  return hash_range(Evp(md5_type()), content, from, bytes);
}

// Calls `of_part(offset, bytes)` for each part and returns the digests in a row with their number.
template <class OfPart>
std::pair<std::string, std::uint64_t> of_parts(const Content& content, std::uint64_t part_bytes,
                                               OfPart of_part) {
  std::string digests;
  std::uint64_t count = 0;
  std::uint64_t at = 0;
  do {
    const std::uint64_t bytes = std::min(part_bytes, content.size() - at);
    digests += of_part(at, bytes);
    at += bytes;
    ++count;
  } while (at < content.size());
  return {digests, count};
}

}  // namespace

std::string_view listing_name(ChecksumAlgorithm algorithm) {
  constexpr std::string_view names[] = {"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};
  return names[static_cast<std::size_t>(algorithm)];
}

std::string_view header_name(ChecksumAlgorithm algorithm) {
  constexpr std::string_view names[] = {"x-amz-checksum-crc32", "x-amz-checksum-crc32c",
                                        "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1",
                                        "x-amz-checksum-sha256"};
  return names[static_cast<std::size_t>(algorithm)];
}

std::string sha256(std::string_view bytes) {
  Evp hasher(sha256_type());
  hasher.update(bytes.data(), bytes.size());
  return hasher.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  HMAC(sha256_type(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &length);
  return {reinterpret_cast<const char*>(out.data()), length};
}

std::string md5_etag(const Content& content) {
  return '"' + hex_lower(raw_md5(content, 0, content.size())) + '"';
}

std::string multipart_etag(const Content& content, std::uint64_t part_bytes) {
  const auto [digests, count] =
      of_parts(content, part_bytes, [&content](std::uint64_t from, std::uint64_t bytes) {
        return raw_md5(content, from, bytes);
      });
  const ContentPtr row = bytes_content(digests);
  return '"' + hex_lower(raw_md5(*row, 0, row->size())) + '-' + std::to_string(count) + '"';
}

std::string checksum_value(ChecksumAlgorithm algorithm, const Content& content) {
  return base64_encode(raw_checksum(algorithm, content, 0, content.size()));
}

std::string composite_checksum(ChecksumAlgorithm algorithm, const Content& content,
                               std::uint64_t part_bytes) {
  const auto [digests, count] =
      of_parts(content, part_bytes, [&](std::uint64_t from, std::uint64_t bytes) {
        return raw_checksum(algorithm, content, from, bytes);
      });
  return checksum_value(algorithm, *bytes_content(digests)) + '-' + std::to_string(count);
}

}  // namespace sluice::origin
