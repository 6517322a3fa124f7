// Digests and the S3 forms made of them. Independent of src/crypto on purpose: a shared bug would
// make a wrong client and a wrong server agree. Thread-safe; throws std::runtime_error if a content
// shrinks while it is hashed.
#pragma once

#include "origin/content.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::origin {

enum class ChecksumAlgorithm { crc32, crc32c, crc64nvme, sha1, sha256 };
enum class ChecksumType { full_object, composite };

// "CRC64NVME", and "crc64nvme" as in x-amz-checksum-crc64nvme.
std::string_view listing_name(ChecksumAlgorithm algorithm);
std::string_view header_name(ChecksumAlgorithm algorithm);

// Raw digests.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// A single-part ETag: the quoted hex MD5.
std::string md5_etag(const Content& content);

// The ETag of a multipart upload: "hex-N", quoted. part_bytes > 0.
std::string multipart_etag(const Content& content, std::uint64_t part_bytes);

// Base64 of the digest's big-endian bytes, as in the x-amz-checksum-* headers.
std::string checksum_value(ChecksumAlgorithm algorithm, const Content& content);

// The checksum of the parts' checksums, "base64-N". part_bytes > 0.
std::string composite_checksum(ChecksumAlgorithm algorithm, const Content& content,
                               std::uint64_t part_bytes);

}  // namespace sluice::origin
