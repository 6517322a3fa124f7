#pragma once

#include "local/destination.hpp"

#include <functional>
#include <vector>

/// Durability file by file, and whether it can be had for a whole file system at once.
namespace sluice::local {

/// Syncs that run side by side: the journal commits once for many (ext4: 20,000 small files one
/// after the other take 9.6 s).
inline constexpr std::size_t kSyncThreads = 16;

/// Whether syncfs on `fd` makes everything durable and reports errors.
bool can_sync_at_once(int fd) noexcept;

/// fsync; 0 or an errno. `fd` may hold a negated errno instead: a file that has gone is no failure.
int sync_opened(const FileDescriptor& fd) noexcept;

/// Runs all of them on up to kSyncThreads threads and waits. The first errno that one returns, or
/// 0.
int run_syncs(const std::vector<std::function<int()>>& syncs);

}  // namespace sluice::local
