#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"

namespace sluice::mirror {

/// On the verify role: hashes local files that may already be what the bucket holds. Those that
/// prove equal go to the publisher as rows, the others to the fetch loops. Closes the part queue.
async::Task<void> adopt_files(Pass& pass);

}  // namespace sluice::mirror
