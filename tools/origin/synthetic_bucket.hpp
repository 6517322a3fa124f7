// N objects that exist nowhere: keys, sizes and bytes are functions of an index and a seed.
#pragma once

#include "origin/bucket.hpp"

namespace sluice::origin {

enum class KeySet {
  uniform_hex,  // 3f/3f09…e1.bin: spread evenly over the first byte's 16 values
  date_tree,    // logs/2024/02/29/13/0507-0000123456.json
  counter,      // item-000000123456
  cjk,          // 資料/ and four ideographs: keys of three-byte characters
};

struct SyntheticSpec {
  KeySet keys = KeySet::counter;
  std::uint64_t count = 1000;
  // Sizes lie between both, evenly by their logarithm; equal: one size for all.
  std::uint64_t size_min = 1024;
  std::uint64_t size_max = 1024;
  std::uint64_t seed = 1;
  // Costs a hash of the content for each key listed. false: an ETag that is no MD5.
  bool md5_etags = true;
};

// "KEYS:COUNT[:SIZE[-SIZE][:opaque]]", for example "uniform-hex:1000000:4096" or
// "date-tree:5000:1K-16M:opaque". Sizes take K, M, G (powers of 1024). Throws
// std::invalid_argument with a message for the user.
SyntheticSpec parse_synthetic_spec(std::string_view text);

class SyntheticBucket final : public Bucket {
 public:
  explicit SyntheticBucket(SyntheticSpec spec);

  // Keys rise with the index, byte by byte. index < count.
  std::string key_at(std::uint64_t index) const;
  std::uint64_t count() const { return spec_.count; }

  std::vector<ObjectInfo> list_from(std::string_view from, std::size_t limit) override;
  std::optional<Object> find(std::string_view key) override;

 private:
  std::uint64_t lower_bound(std::string_view key) const;
  ContentPtr content_of(std::string_view key) const;
  ObjectInfo info_of(std::string key, const Content& content) const;

  SyntheticSpec spec_;
};

}  // namespace sluice::origin
