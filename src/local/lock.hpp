#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"

#include <cstdint>
#include <optional>
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

/// The process that has the lock in `folder` (DIR/.sluice), as the file says, 0 if it says nothing;
/// nullopt if nobody has it. By /proc/locks: to try the lock itself would disturb who takes it just
/// now. Processes of other PID namespaces are not seen there.
std::optional<std::uint64_t> lock_holder(const std::string& folder);

}  // namespace sluice::local
