#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"
#include "record/record.hpp"

#include "sluice/observer.hpp"
#include "sluice/options.hpp"

#include <memory>

namespace sluice::mirror {

/// The local side of a dry run: a mirror that is looked at and not changed in any way.
struct LocalSide {
  std::unique_ptr<local::Destination> destination;
  std::unique_ptr<record::Record> record;  ///< what a real run would begin with
};

/// Refuses what a real run would refuse, but for the lock: another process may be at work, and its
/// mirror is taken as it is now.
Result<LocalSide> look_at(const MirrorOptions& options, const record::Source& source,
                          Observer& observer);

}  // namespace sluice::mirror
