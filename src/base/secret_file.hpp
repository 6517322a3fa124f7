#pragma once

#include <optional>
#include <string>

namespace sluice {

/// A sentence of warning if other users of this machine can read the file, which holds a secret.
/// None for what is missing or no regular file. Like ssh's, but no reason to stop: the file may be
/// another's to change.
std::optional<std::string> warning_if_readable_by_others(const std::string& path);

}  // namespace sluice
