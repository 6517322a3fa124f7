#pragma once

#include "mirror/pass.hpp"

namespace sluice::mirror {

/// Starts a loop that fetches parts, on this data shard. Each that gets one starts the next, as
/// long as more transfers may run: so one waits for work, and nobody counts how much there is.
void spawn_fetch_loop(Pass& pass, unsigned shard);

}  // namespace sluice::mirror
