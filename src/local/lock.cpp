#include "local/lock.hpp"

#include "base/text.hpp"
#include "local/beneath.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace sluice::local {
namespace {

/// The process id in the file.
std::optional<std::uint64_t> pid_in(int fd) {
  char digits[21];
  const ssize_t length = pread(fd, digits, sizeof digits - 1, 0);
  std::string_view pid(digits, length > 0 ? static_cast<std::size_t>(length) : 0);
  return text::parse_uint(pid.substr(0, pid.find('\n')));
}

Error held_elsewhere(int fd, const std::string& shown) {
  const auto pid = pid_in(fd);
  return Error(ErrorKind::locked,
               text::quoted(shown) + " is in use by " +
                   (pid ? "process " + std::to_string(*pid) : "another process") +
                   "; wait for it to end, or stop it");
}

/// Whether a line of /proc/locks, "1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF", is of this
/// file (proc_locks(5)). Some file systems (overlayfs, btrfs) have another device or inode there
/// than stat says: then it is enough that the process is the one that the file names.
bool is_lock_on(const std::string& line, const struct stat& file, std::uint64_t pid) {
  std::istringstream fields(line);
  std::string id;
  std::string type;
  std::string mode;
  std::string access;
  std::uint64_t holder = 0;
  unsigned major_id = 0;
  unsigned minor_id = 0;
  std::uint64_t inode = 0;
  char colon = ':';
  fields >> id >> type >> mode >> access >> holder >> std::hex >> major_id >> colon >> minor_id >>
      colon >> std::dec >> inode;
  if (!fields || type != "FLOCK" || access != "WRITE") return false;
  const bool is_file = inode == file.st_ino && makedev(major_id, minor_id) == file.st_dev;
  return is_file || (pid != 0 && holder == pid);
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
    FileDescriptor fd(open_again(folder, kLockName,
                                 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
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
  FileDescriptor fd(open_again(folder, kLockName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0 || !is_still_in_place(folder, fd.get())) return {};
  return fd;
}

std::optional<std::uint64_t> lock_holder(const std::string& folder) {
  const FileDescriptor fd(open_again(AT_FDCWD, (folder + '/' + kLockName).c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || fstat(fd.get(), &st) != 0) return std::nullopt;
  const std::uint64_t pid = pid_in(fd.get()).value_or(0);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);)
    if (is_lock_on(line, st, pid)) return pid;
  return std::nullopt;
}

}  // namespace sluice::local
