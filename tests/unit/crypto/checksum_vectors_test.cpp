// tests/data/checksums.json: whole objects by every algorithm, and the forms S3 gives to the
// checksums of multipart uploads.

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "vector_files.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace sluice::crypto {
namespace {

namespace dom = simdjson::dom;

constexpr std::array kAlgorithms = {Algorithm::md5,       Algorithm::crc32, Algorithm::crc32c,
                                    Algorithm::crc64nvme, Algorithm::sha1,  Algorithm::sha256};

std::string text_of(dom::element object, const std::string& field) {
  return std::string(std::string_view(object[field]));
}

/// The generators are described in the file's note.
std::string content(dom::element object) {
  const std::string generator = text_of(object, "generator");
  const auto length = static_cast<std::size_t>(std::uint64_t(object["length"]));
  std::string bytes;
  if (generator == "ascii") {
    bytes = text_of(object, "arg");
  } else if (generator == "zero") {
    bytes.assign(length, '\0');
  } else if (generator == "ff") {
    bytes.assign(length, '\xff');
  } else if (generator == "mod251") {
    for (std::size_t i = 0; i < length; ++i)
      bytes.push_back(static_cast<char>(i % 251));
  } else if (generator == "lcg") {
    std::uint64_t s = 12345;
    for (std::size_t i = 0; i < length; ++i) {
      s = (s * 1103515245 + 12345) & 0x7fffffff;
      bytes.push_back(static_cast<char>((s >> 16) & 255));
    }
  } else {
    throw std::runtime_error("unknown generator " + generator);
  }
  EXPECT_EQ(bytes.size(), length) << generator;
  return bytes;
}

std::string header(Algorithm algorithm) {
  return "x-amz-checksum-" + std::string(to_string(algorithm));
}

std::string base64(std::string_view bytes) {
  return text::base64(bytes_of(bytes));
}

class ChecksumVectors : public ::testing::Test {
 protected:
  ChecksumVectors()
      : text_(tests::read_file(tests::vectors() / "checksums.json")), root_(parser_.parse(text_)) {}

  simdjson::padded_string text_;
  dom::parser parser_;
  dom::element root_;
};

TEST_F(ChecksumVectors, WholeObjects) {
  std::size_t seen = 0;
  for (dom::element object : dom::array(root_["whole"])) {
    const std::string bytes = content(object);
    SCOPED_TRACE(text_of(object, "generator") + " " + std::to_string(bytes.size()));
    for (const Algorithm algorithm : kAlgorithms) {
      const std::string field =
          algorithm == Algorithm::md5 ? std::string("md5_b64") : header(algorithm);
      EXPECT_EQ(base64(digest(algorithm, bytes_of(bytes))), text_of(object, field)) << field;
    }
    EXPECT_EQ('"' + text::hex(bytes_of(digest(Algorithm::md5, bytes_of(bytes)))) + '"',
              text_of(object, "md5_etag"));
    ++seen;
  }
  EXPECT_EQ(seen, 22u);
}

TEST_F(ChecksumVectors, WholeObjectsInPiecesOfEverySize) {
  for (dom::element object : dom::array(root_["whole"])) {
    const std::string bytes = content(object);
    if (bytes.size() > 5'000) continue;
    for (const Algorithm algorithm : kAlgorithms) {
      const std::string whole = digest(algorithm, bytes_of(bytes));
      Hasher hasher = Hasher::make(algorithm);
      for (const std::size_t piece : {1u, 3u, 8u, 17u, 64u, 100u, 1000u}) {
        for (std::size_t at = 0; at < bytes.size(); at += piece)
          hasher.update(bytes_of(std::string_view(bytes).substr(at, piece)));
        EXPECT_EQ(hasher.finish(), whole) << to_string(algorithm) << " by " << piece;
      }
    }
  }
}

struct Parts {
  std::vector<std::string> bytes;
  std::vector<std::string> digests;
};

Parts cut(std::string_view bytes, std::size_t part_size, Algorithm algorithm) {
  Parts parts;
  for (std::size_t at = 0; at < bytes.size(); at += part_size) {
    parts.bytes.emplace_back(bytes.substr(at, part_size));
    parts.digests.push_back(digest(algorithm, bytes_of(parts.bytes.back())));
  }
  return parts;
}

std::string composite(const Parts& parts, Algorithm algorithm) {
  std::string all;
  for (const std::string& part : parts.digests)
    all += part;
  return digest(algorithm, bytes_of(all));
}

void check_parts(dom::element object, const Parts& parts, Algorithm algorithm) {
  std::vector<std::string> expected;
  for (dom::element part : dom::array(object["per_part " + header(algorithm)]))
    expected.emplace_back(std::string_view(part));
  std::vector<std::string> got;
  for (const std::string& part : parts.digests)
    got.push_back(base64(part));
  EXPECT_EQ(got, expected);

  std::string whole = parts.digests.front();
  for (std::size_t i = 1; i < parts.bytes.size(); ++i)
    whole = combined(algorithm, whole, parts.digests[i], parts.bytes[i].size()).value();
  EXPECT_EQ(base64(whole), text_of(object, "full_object " + header(algorithm)));
}

TEST_F(ChecksumVectors, Multipart) {
  std::size_t seen = 0;
  for (dom::element object : dom::array(root_["multipart"])) {
    const std::string bytes = content(object);
    const auto part_size = static_cast<std::size_t>(std::uint64_t(object["part_size"]));
    for (const Algorithm algorithm : kAlgorithms) {
      SCOPED_TRACE(std::string(to_string(algorithm)) + " of " + std::to_string(bytes.size()));
      const Parts parts = cut(bytes, part_size, algorithm);
      ASSERT_EQ(parts.bytes.size(), std::uint64_t(object["parts"]));
      const std::string suffix = "-" + std::to_string(parts.bytes.size());
      if (algorithm == Algorithm::md5) {
        EXPECT_EQ('"' + text::hex(bytes_of(composite(parts, algorithm))) + suffix + '"',
                  text_of(object, "multipart_etag"));
        continue;
      }
      if (is_combinable(algorithm)) check_parts(object, parts, algorithm);
      if (algorithm == Algorithm::crc64nvme) continue;  // never COMPOSITE
      EXPECT_EQ(base64(composite(parts, algorithm)) + suffix,
                text_of(object, "composite " + header(algorithm)));
      ++seen;
    }
  }
  EXPECT_EQ(seen, 3u * 4u);
}

}  // namespace
}  // namespace sluice::crypto
