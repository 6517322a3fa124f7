#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"

#include <string>

namespace sluice::local {

/// In DIR/.sluice.
inline constexpr const char* kLockName = "lock";

/// Takes `lock` in `folder` (DIR/.sluice) for this process: flock, held as long as the descriptor
/// lives, so that the kernel frees it however the process ends. The file holds our process id for
/// the message that others get. `locked` if another process has it; `shown` names DIR there.
Result<FileDescriptor> take_lock(int folder, const std::string& shown);

/// The same for somebody who changes nothing and must not be disturbed: shared with others of that
/// kind, and nothing is made or written. Empty if there is no lock file or somebody else holds it.
FileDescriptor take_shared_lock(int folder) noexcept;

}  // namespace sluice::local
