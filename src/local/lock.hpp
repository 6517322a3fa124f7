#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"

#include <string>

namespace sluice::local {

/// Takes `lock` in `folder` (DIR/.sluice) for this process: flock, held as long as the descriptor
/// lives, so that the kernel frees it however the process ends. The file holds our process id for
/// the message that others get. `locked` if another process has it; `shown` names DIR there.
Result<FileDescriptor> take_lock(int folder, const std::string& shown);

}  // namespace sluice::local
