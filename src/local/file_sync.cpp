#include "local/file_sync.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <thread>
#include <unistd.h>

namespace sluice::local {
namespace {

constexpr unsigned kXfsMagic = 0x58465342;  // not in linux/magic.h of every release

/// Since Linux 5.8 syncfs reports write-back errors.
bool syncfs_reports_errors() noexcept {
  struct utsname system {};
  int major = 0;
  int minor = 0;
  if (uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2)
    return false;
  return major > 5 || (major == 5 && minor >= 8);
}

}  // namespace

bool can_sync_at_once(int fd) noexcept {
  struct statfs st {};
  if (fstatfs(fd, &st) != 0 || !syncfs_reports_errors()) return false;
  switch (static_cast<unsigned>(st.f_type)) {
    case EXT4_SUPER_MAGIC:
    case kXfsMagic:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
      return true;
    default:
      return false;
  }
}

int sync_opened(const FileDescriptor& fd) noexcept {
  if (!fd) {
    const int error = -fd.get();
    return error == ENOENT || error == ENOTDIR || error == ELOOP ? 0 : error;
  }
  return fsync(fd.get()) == 0 ? 0 : errno;
}

int run_syncs(const std::vector<std::function<int()>>& syncs) {
  std::atomic<std::size_t> next = 0;
  std::atomic<int> failure = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < syncs.size() && failure == 0; i = next++) {
      const int error = syncs[i]();
      int none = 0;
      if (error != 0) failure.compare_exchange_strong(none, error);
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(kSyncThreads, syncs.size()); ++i)
    threads.emplace_back(work);
  work();
  threads.clear();  // joins
  return failure;
}

}  // namespace sluice::local
