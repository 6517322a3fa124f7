#include "local/empty_folders.hpp"

#include "local/destination.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::local {
namespace {

/// Keys have at most 1024 bytes; who made more is no mirror.
constexpr int kDeepest = 512;

enum class Deed : std::uint8_t { look, remove };

/// Without following anything, each folder from the one above it.
int walk(int parent, const char* name, Deed deed, int depth) {
  if (depth > kDeepest) return ENOTEMPTY;
  FileDescriptor fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno == ENOTDIR || errno == ELOOP ? ENOTEMPTY : errno;
  struct stat here {};
  struct stat above {};
  if (fstat(fd.get(), &here) != 0 || fstat(parent, &above) != 0) return errno;
  if (here.st_dev != above.st_dev) return ENOTEMPTY;

  struct Close {
    void operator()(DIR* dir) const noexcept { closedir(dir); }
  };
  const std::unique_ptr<DIR, Close> dir(fdopendir(fd.get()));
  if (!dir) return errno;
  fd.release();  // closedir closes it
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr && errno != 0) return errno;
    if (entry == nullptr) break;
    const std::string_view found(entry->d_name);
    if (found == "." || found == "..") continue;
    if (const int failed = walk(dirfd(dir.get()), entry->d_name, deed, depth + 1); failed != 0)
      return failed;
  }
  if (deed == Deed::look) return 0;
  return unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace

int remove_empty_folders(int parent, const std::string& name) {
  const int found = walk(parent, name.c_str(), Deed::look, 0);
  return found != 0 ? found : walk(parent, name.c_str(), Deed::remove, 0);
}

}  // namespace sluice::local
