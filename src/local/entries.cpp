#include "local/entries.hpp"

#include "local/beneath.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <unistd.h>

namespace sluice::local {
namespace {

/// Keys have at most 1024 bytes; deeper is nothing of ours.
constexpr int kDeepest = 512;

struct CloseDirectory {
  void operator()(DIR* dir) const noexcept { closedir(dir); }
};

int remove_at_depth(int parent, const char* name, const Stop& stop, int depth) {
  if (stop && stop()) return ECANCELED;
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth > kDeepest) return ELOOP;
  const int failed = each_entry(parent, name, [&stop, depth](int here, const char* entry_name) {
    return remove_at_depth(here, entry_name, stop, depth + 1);
  });
  if (failed != 0) return failed;
  return unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace

int each_entry(int parent, const char* name, const Visit& visit) {
  FileDescriptor fd(open_again(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno;
  const std::unique_ptr<DIR, CloseDirectory> dir(fdopendir(fd.get()));
  if (!dir) return errno;
  fd.release();  // closedir closes it
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) return errno;
    const std::string_view found(entry->d_name);
    if (found == "." || found == "..") continue;
    if (const int error = visit(dirfd(dir.get()), entry->d_name); error != 0) return error;
  }
}

int remove_entry(int parent, const char* name, const Stop& stop) {
  return remove_at_depth(parent, name, stop, 0);
}

}  // namespace sluice::local
