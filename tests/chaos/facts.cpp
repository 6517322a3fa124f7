#include "facts.hpp"

#include <algorithm>

namespace sluice::chaos {

bool Facts::licence_to_delete(const std::string& key, bool allow_empty) const {
  return std::any_of(listings.begin(), listings.end(), [&](const Listing& listing) {
    return listing.complete && listing.ordered && !listing.keys.contains(key) &&
           (allow_empty || !listing.keys.empty());
  });
}

}  // namespace sluice::chaos
