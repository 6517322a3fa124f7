#include "local/lock.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::local {
namespace {

Error held_elsewhere(int fd, const std::string& shown) {
  char digits[21];
  const ssize_t length = pread(fd, digits, sizeof digits - 1, 0);
  std::string_view pid(digits, length > 0 ? static_cast<std::size_t>(length) : 0);
  pid = pid.substr(0, pid.find('\n'));
  const bool known = text::parse_uint(pid).has_value();
  return Error(ErrorKind::locked, "\"" + text::escaped(shown) + "\" is in use by " +
                                      (known ? "process " + std::string(pid) : "another process") +
                                      "; wait for it to end, or stop it");
}

/// False if `lock` was removed or replaced while we waited: whoever opens it next would lock
/// another file than we hold.
bool is_still_in_place(int folder, int fd) {
  struct stat ours {
  }, there{};
  return fstat(fd, &ours) == 0 && fstatat(folder, kLockName, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace

Result<FileDescriptor> take_lock(int folder, const std::string& shown) {
  const std::string what = "cannot lock \"" + text::escaped(shown) + "/.sluice/lock\"";
  // Each round is lost only to somebody who removes the file in just this moment.
  for (int round = 0; round < 16; ++round) {
    FileDescriptor fd(
        openat(folder, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd) return local_error(what, errno);
    struct stat st {};
    if (fstat(fd.get(), &st) != 0) return local_error(what, errno);
    if (!S_ISREG(st.st_mode)) return local_error(what, EINVAL);
    while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return held_elsewhere(fd.get(), shown);
      if (errno != EINTR) return local_error(what, errno);
    }
    if (!is_still_in_place(folder, fd.get())) continue;
    // Only for people: a full disk must not keep us from working.
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd.get(), 0) == 0) {
      [[maybe_unused]] const ssize_t written = pwrite(fd.get(), pid.data(), pid.size(), 0);
    }
    return fd;
  }
  return local_error(what, EAGAIN);
}

FileDescriptor take_shared_lock(int folder) noexcept {
  FileDescriptor fd(openat(folder, kLockName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0 || !is_still_in_place(folder, fd.get())) return {};
  return fd;
}

}  // namespace sluice::local
