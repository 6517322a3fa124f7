#pragma once

#include "sluice/status.hpp"

#include <string>

namespace sluice::report {

/// What the record says, for a person: several lines, each with its end.
std::string status_text(const MirrorStatus& status);

/// The same as the one event of `status --json` (docs/events.md), without its end.
std::string status_json(const MirrorStatus& status);

}  // namespace sluice::report
