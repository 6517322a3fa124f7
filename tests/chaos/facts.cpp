#include "facts.hpp"

#include <algorithm>

namespace sluice::chaos {

namespace {

/// Whether one can come from this listing to the end of the bucket without meeting `key`.
bool ends_without(const std::vector<Listing>& all, const Listing& listing, const std::string& key,
                  std::set<const Listing*>& tried) {
  if (!listing.ordered || !tried.insert(&listing).second) return false;
  for (const std::string& shown : listing.keys) {
    if (shown == key) return false;
    for (const Listing& other : all)
      if (!other.after.empty() && other.first == shown && ends_without(all, other, key, tried))
        return true;
  }
  return listing.complete;
}

}  // namespace

bool Facts::licence_to_delete(const std::string& key, bool allow_empty) const {
  std::set<const Listing*> tried;
  return std::any_of(listings.begin(), listings.end(), [&](const Listing& listing) {
    return listing.after.empty() && (allow_empty || !listing.keys.empty()) &&
           ends_without(listings, listing, key, tried);
  });
}

std::size_t Facts::whole_listings() const {
  return static_cast<std::size_t>(
      std::count_if(listings.begin(), listings.end(),
                    [](const Listing& listing) { return listing.after.empty(); }));
}

}  // namespace sluice::chaos
