#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"

namespace sluice::mirror {

/// One of the many on a data shard: takes a part, a lease on memory, and then (inside the store)
/// one on a connection, always in that order; moves its bytes; hands finished objects to the
/// publisher. Until the part queue is closed and empty, or the pass ends early.
async::Task<void> fetch_loop(Pass& pass, unsigned shard);

}  // namespace sluice::mirror
