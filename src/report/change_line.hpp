#pragma once

#include "sluice/changes.hpp"

#include <string>

namespace sluice::report {

/// "1764309600000042 changed  photos/a.jpg", without its end.
std::string change_line(const Change& change);

/// The same as an event (docs/events.md), without its end.
std::string change_json(const Change& change);

}  // namespace sluice::report
