#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"

#include "sluice/summary.hpp"

namespace sluice::mirror {

/// One pass from the first list request to the last record transaction. Runs on the control role;
/// `pass` is fresh, and may be interrupted from any thread.
async::Task<PassSummary> run_pass(Engine& engine, Pass& pass);

}  // namespace sluice::mirror
