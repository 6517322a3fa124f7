// A bucket that changes in rounds, and what the journal of a mirror of it has to say of each.
//
// Of the keys none is in another one's way, and within a round each changes once: so what a watch
// that sees every round must tell is known to the last entry, but for the order within the round.
#pragma once

#include "origin/memory_bucket.hpp"
#include "random.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::chaos {

/// An entry of the journal.
struct Told {
  std::string key;
  std::string what;
  std::string old_etag;
  std::string etag;
  std::uint64_t size_bytes = 0;

  auto operator<=>(const Told&) const = default;
};

class Churn {
 public:
  /// Keys number `most_keys` at most. Parts are so large: some objects have several.
  Churn(origin::MemoryBucket& bucket, Random& random, std::size_t most_keys,
        std::uint64_t part_bytes);

  /// Up to so many keys come, change, are touched or go; in their order.
  std::vector<Told> round(std::size_t changes);
  /// Key to content.
  std::map<std::string, std::string> now() const;

 private:
  struct Version {
    std::string content;
    std::string etag;  ///< without quotes
    std::int64_t modified_ms = 0;
    bool has_md5 = true;  ///< else it has a checksum, and the ETag says nothing
  };

  std::string key_of(std::size_t number) const;
  Told change(const std::string& key);
  Told put(const std::string& key, Version version);
  Told remove(const std::string& key);
  Version draw_version(std::uint64_t size_bytes);
  Version overwriting(const Version& before);
  std::uint64_t draw_size();

  origin::MemoryBucket& bucket_;
  Random& random_;
  const std::size_t most_keys_;
  const std::uint64_t part_bytes_;
  std::map<std::string, Version> now_;
  std::map<std::string, std::vector<Version>> before_;
  std::int64_t clock_ms_ = 1'600'000'000'000;
  std::uint64_t opaque_etags_ = 0;
};

}  // namespace sluice::chaos
