#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"
#include "mirror/group_sync.hpp"
#include "record/record.hpp"

#include <cstdint>
#include <string>

/// What a run that was killed has left behind, and what becomes of it.
namespace sluice::mirror {

struct Settled {
  std::uint64_t stored = 0;     ///< had been renamed: only the record was behind
  std::uint64_t published = 0;  ///< was complete and is in its place now
  std::uint64_t dropped = 0;    ///< will be fetched again
};

/// At start, before anything else is done to the mirror: each pending row is settled. The final
/// name has the pending file: stored. It is as the record knows it, and the staged file is still
/// what it was: published (`backup`, unless null, keeps what stood there). Else dropped. Then
/// staging is emptied but for partial downloads. Blocks.
Result<Settled> settle(record::Record& record, local::Destination& destination, GroupSync& sync,
                       const std::string& prefix, local::Backup* backup = nullptr);

/// Removes the partial downloads of these keys, those whose staged files have gone, and everything
/// in staging that the record does not know. The publishing role's.
Result<void> clear_leftovers(record::Record& record, local::Destination& destination,
                             const std::vector<std::string>& unwanted);

}  // namespace sluice::mirror
