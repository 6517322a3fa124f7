// The truth about the bucket: every version of every key that it ever held, and how it changes.
#pragma once

#include "random.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::chaos {

/// What the server offers to prove the content by.
enum class Evidence : std::uint8_t {
  md5,       ///< the ETag is the MD5 of the content
  checksum,  ///< the ETag is opaque, there is a checksum of the whole
  none,      ///< the ETag is opaque, and that is all
  no_etag,   ///< not even an ETag
};

struct Version {
  std::string content;
  std::string etag;  ///< without quotes; empty with Evidence::no_etag
  std::int64_t modified_ms = 0;
  Evidence evidence = Evidence::md5;
  bool archived = false;

  bool is_provable() const { return evidence == Evidence::md5 || evidence == Evidence::checksum; }
};

struct History {
  std::vector<Version> versions;  ///< oldest first
  bool present = false;           ///< the newest one is in the bucket now

  const Version& now() const { return versions.back(); }
  /// The newest version with this content; -1 if none had it.
  int index_of(const std::string& content) const;
};

struct WorldOptions {
  std::string prefix;
  std::uint64_t part_bytes = 4096;  ///< sizes are drawn around multiples of this
  std::size_t most_keys = 24;
  bool any_bytes = true;        ///< keys with NUL and bytes that are no UTF-8, too
  bool archives = true;         ///< some objects cannot be read
  bool without_etags = true;    ///< some objects have none
  bool unprovable = true;       ///< of some nothing but the length is known
  std::int64_t time_grain = 1;  ///< modification times are multiples of so many ms
};

class World {
 public:
  /// Told of each change; null if the key goes.
  using Listener = std::function<void(const std::string& key, const Version* now)>;

  World(WorldOptions options, Random& random);

  void listen(Listener listener) { listener_ = std::move(listener); }
  const std::string& prefix() const { return options_.prefix; }
  const std::map<std::string, History>& keys() const { return keys_; }
  const History* find(const std::string& key) const;
  bool is_present(const std::string& key) const;
  std::set<std::string> present() const;

  /// Both tell what was done, for the trace.
  std::string populate();
  /// One of: a new key, new bytes (also of the same size, in the same second), only a newer time,
  /// removed, put back as it was, a file becomes a folder, a folder a file.
  std::string change();
  /// The same key gets other bytes, between two of its ranges say.
  std::string overwrite(const std::string& key);
  std::string remove(const std::string& key);
  std::string draw_key();

 private:
  void put(const std::string& key, Version version);
  Version draw_version(const std::string& key, std::uint64_t size);
  std::uint64_t draw_size();
  std::string draw_segment();

  const WorldOptions options_;
  Random& random_;
  Listener listener_;
  std::map<std::string, History> keys_;
  std::int64_t clock_ms_ = 1'600'000'000'000;
  std::uint64_t etags_ = 0;
};

/// Key without prefix → whether a mirror could have it under its own bytes. Written down a second
/// time, independently of src/local/path.cpp.
bool is_storable(const std::string& path);

/// For one line of a trace or message.
std::string shown(const std::string& bytes);

}  // namespace sluice::chaos
