// A bucket that changes from a seed, and for each key what a mirror of it may hold at the moment.
#pragma once

#include "origin/memory_bucket.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluice::crash {

/// Everything that one key ever was, oldest first, and which of that a mirror may still hold.
struct KeyHistory {
  std::vector<origin::Object> versions;
  bool present = false;  ///< in the bucket now
  /// Since the mirror was last known to be equal to the bucket, only these versions have been
  /// current: versions[floor], …
  std::size_t floor = 0;
  /// Whether the mirror may lack the file: it had none, or the key was removed since.
  bool may_be_absent = true;

  bool changed() const { return present ? may_be_absent || versions.size() > floor + 1 : false; }
};

using Histories = std::map<std::string, KeyHistory>;  ///< by key

/// The mirror is equal to the bucket, durably.
void mark_mirrored(Histories& keys);

class ChangingBucket {
 public:
  static constexpr std::size_t kKeys = 300;
  static constexpr std::uint64_t kLargestSmall = 2 << 20;  ///< of the objects of one part
  static constexpr std::uint64_t kPartBytes = 1 << 20;     ///< what syncs are told
  static constexpr const char* kMultiPartKey = "large/many parts";

  explicit ChangingBucket(std::uint64_t seed);

  std::shared_ptr<origin::MemoryBucket> bucket() const { return bucket_; }
  const Histories& keys() const { return keys_; }

  /// About one key in three: new bytes of the same or another size, only a newer time, removed, or
  /// put back. In every other change a key `a` is replaced by a key `a/inside`.
  void change();
  /// One key gets new bytes.
  void replace_one();
  /// The mirror is equal to the bucket, durably.
  void mark_mirrored();
  /// There is a new, empty mirror.
  void mark_empty_mirror();

  /// One of the keys that a pass now makes new or other files of, by a number; none if there is
  /// none.
  std::optional<std::string> draw_changed(std::uint64_t number) const;
  /// GETs that a pass over these changes makes at least.
  std::uint64_t expected_gets() const;

 private:
  std::uint64_t draw_size();
  void put(const std::string& key, std::uint64_t size, std::uint64_t content_seed);
  void remove(const std::string& key);

  std::mt19937_64 random_;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  Histories keys_;
  std::map<std::string, std::uint64_t> content_seeds_;  ///< of each key's newest version
  unsigned turns_ = 0;                                  ///< keys that were files and are folders
  std::int64_t last_modified_ms_ = 1'600'000'000'000;
};

}  // namespace sluice::crash
