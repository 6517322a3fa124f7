// What a pass was served and what it told: the invariants are judged by it.
#pragma once

#include "sluice/observer.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::chaos {

/// What one chain of continuation tokens has shown, as it was served.
struct Listing {
  std::string after;  ///< where it began; empty: with the first key
  std::string token;  ///< of the next page
  std::set<std::string> keys;
  std::string first;
  std::string last;
  bool ordered = true;
  bool complete = false;
};

/// What one key cost in a pass.
struct Traffic {
  unsigned listed = 0;
  unsigned gets = 0;
  unsigned heads = 0;
  unsigned faults = 0;  ///< of any kind
  unsigned lost = 0;    ///< of these, that cost all bytes so far: flipped, changed
  bool flipped = false;
  std::uint64_t bytes = 0;    ///< handed to the engine
  std::uint64_t largest = 0;  ///< size of the largest version met
};

struct Facts {
  std::vector<Listing> listings;
  std::set<std::string> proved_gone;
  std::set<std::string> present;  ///< in the bucket at any moment of the pass
  std::map<std::string, Traffic> traffic;
  std::map<What, std::set<std::string>> told;  ///< to the observer
  unsigned list_requests = 0;
  unsigned list_failures = 0;
  unsigned faults = 0;
  bool list_lied = false;  ///< keys were left out, or came twice, or in another order
  bool bucket_changed = false;
  bool user_acted = false;
  bool local_fault = false;
  bool stopped = false;  ///< by a signal or a crash

  bool has_told(What what) const { return told.contains(what); }
  bool has_told(What what, const std::string& key) const {
    return has_told(what) && told.at(what).contains(key);
  }
  bool has_told_below(What what, const std::string& below) const {
    if (!has_told(what)) return false;
    const auto at = told.at(what).lower_bound(below);
    return at != told.at(what).end() && at->starts_with(below);
  }
  /// A complete listing in order without the key: what a deletion must rest on. It begins with the
  /// first key, and may go over into others where they begin.
  bool licence_to_delete(const std::string& key, bool allow_empty) const;
  /// That began with the first key.
  std::size_t whole_listings() const;
};

}  // namespace sluice::chaos
