#pragma once

#include "sluice/error.hpp"
#include "sluice/options.hpp"

#include <cstdint>
#include <optional>

namespace sluice::plan {

/// What a listing proved.
struct ListingProof {
  bool complete = false;  ///< every page was valid and the last one said so
  bool ordered = false;   ///< in byte order, so that a key that was passed over is absent
  std::uint64_t keys = 0;
};

/// The right to delete. It can only come from a complete listing in byte order that was not empty
/// (or whose emptiness was allowed).
class DeletionLicence {
 public:
  /// nullopt: nothing may be deleted. `why_not`, if given, then says why in one sentence.
  static std::optional<DeletionLicence> from(const ListingProof& proof, bool allow_empty_source,
                                             Error* why_not = nullptr);

 private:
  DeletionLicence() = default;
};

/// The guard of --max-delete: nullopt if `candidates` of `recorded` files may go, else the `guard`
/// error. Pure.
std::optional<Error> guard_deletion(const DeleteLimit& limit, std::uint64_t candidates,
                                    std::uint64_t recorded);

}  // namespace sluice::plan
