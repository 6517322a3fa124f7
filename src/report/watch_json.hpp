#pragma once

#include "report/watch_view.hpp"

#include <string>

namespace sluice::report {

/// One JSON object, for `/status`: see docs/operations.md.
std::string watch_json(const WatchView& view);

}  // namespace sluice::report
