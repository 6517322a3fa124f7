#include "local/beneath.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::local {
namespace {

/// With RESOLVE_BENEATH the kernel answers EAGAIN when a rename or mount raced with it
/// (openat2(2)). After this many the walk decides, which cannot be starved.
constexpr int kMostRaces = 32;

long call_openat2(int base, const char* path, int flags) noexcept {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return syscall(SYS_openat2, base, path, &how, sizeof how);
}

int plain_openat(int base, const char* path, int flags) noexcept {
  const int fd = open_again(base, path, flags);
  return fd >= 0 ? fd : -errno;
}

/// A mount: the device where the kernel cannot say the mount's own number (before 5.8).
struct Mount {
  std::uint64_t id = 0;
  std::uint64_t device = 0;
  bool operator==(const Mount&) const = default;
};

int mount_of(int fd, Mount& out) noexcept {
  struct statx st {};
  if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &st) == 0) {
    out.device = static_cast<std::uint64_t>(st.stx_dev_major) << 32 | st.stx_dev_minor;
    out.id = (st.stx_mask & STATX_MNT_ID) != 0 ? st.stx_mnt_id : 0;
    return 0;
  }
  if (errno != ENOSYS && errno != EPERM) return -errno;
  struct stat plain {};
  if (fstat(fd, &plain) != 0) return -errno;
  out.device = plain.st_dev;
  return 0;
}

static_assert(sizeof(CName) == NAME_MAX + 2, "room for one byte too many, and for the end");

bool is_same(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::size_t first_slash(std::string_view path) noexcept {
  return path.find('/');
}

}  // namespace

int open_again(int base, const char* path, int flags, unsigned mode) noexcept {
  for (;;) {
    const int fd = openat(base, path, flags, mode);
    if (fd >= 0 || errno != EINTR) return fd;
  }
}

CName::CName(std::string_view name) noexcept {
  // One byte over NAME_MAX stays: the kernel answers ENAMETOOLONG. An empty name answers ENOENT.
  if (name.find('\0') != std::string_view::npos) name = {};
  const std::size_t length = name.copy(bytes_, sizeof bytes_ - 1);
  bytes_[length] = '\0';
}

Beneath Beneath::at(int root, Resolver wanted) noexcept {
  if (wanted == Resolver::walk) return Beneath(root, Resolver::walk);
  // Asked once: an old kernel says ENOSYS, a seccomp profile that does not know it EPERM.
  const long fd = call_openat2(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Beneath(root, Resolver::walk);
  close(static_cast<int>(fd));
  return Beneath(root, Resolver::kernel);
}

int Beneath::open_at(int base, std::string_view path, int flags) const noexcept {
  flags |= O_CLOEXEC | O_NOFOLLOW;
  if (resolver_ == Resolver::walk) return walk(base, path, flags);
  char name[PATH_MAX];
  if (path.size() >= sizeof name) return -ENAMETOOLONG;
  path.copy(name, path.size());
  name[path.size()] = '\0';
  for (int races = 0; races < kMostRaces;) {
    const long fd = call_openat2(base, path.empty() ? "." : name, flags);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == EAGAIN)
      ++races;
    else if (errno != EINTR)
      return -errno;
  }
  return walk(base, path, flags);
}

int Beneath::walk(int base, std::string_view path, int flags) const noexcept {
  Mount home;
  if (const int error = mount_of(base, home); error != 0) return error;
  if (path.empty()) return plain_openat(base, ".", flags);
  FileDescriptor current;
  for (;;) {
    const std::size_t slash = first_slash(path);
    const std::string_view segment = path.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    const CName name(segment);
    const int from = current ? current.get() : base;
    // O_PATH first: what is found is judged before it is opened.
    const int here = O_PATH | O_NOFOLLOW | O_CLOEXEC | (last ? flags & O_DIRECTORY : O_DIRECTORY);
    FileDescriptor found(plain_openat(from, name.c_str(), here));
    if (!found) return found.get();
    Mount mount;
    if (const int error = mount_of(found.get(), mount); error != 0) return error;
    if (mount != home) return -EXDEV;
    if (!last) {
      current = std::move(found);
      path.remove_prefix(slash + 1);
      continue;
    }
    if ((flags & O_PATH) != 0) return found.release();
    const int opened = plain_openat(from, name.c_str(), flags);
    if (opened < 0) return opened;
    FileDescriptor result(opened);
    if (const int error = mount_of(opened, mount); error != 0) return error;
    return mount == home ? result.release() : -EXDEV;
  }
}

int Beneath::open_directory(std::string_view path) const noexcept {
  return open(path, O_PATH | O_DIRECTORY);
}

int Beneath::make_directories(std::string_view path) const noexcept {
  int fd = open_directory(path);
  if (fd != -ENOENT) return fd;
  FileDescriptor current(open_directory({}));
  if (!current) return current.get();
  for (;;) {
    const std::size_t slash = first_slash(path);
    const std::string_view name = path.substr(0, slash);
    fd = open_at(current.get(), name, O_PATH | O_DIRECTORY);
    if (fd == -ENOENT) {
      // EEXIST: somebody else was faster, or a dangling symlink is there; opening it tells.
      if (mkdirat(current.get(), CName(name).c_str(), 0777) != 0 && errno != EEXIST) return -errno;
      fd = open_at(current.get(), name, O_PATH | O_DIRECTORY);
    }
    if (fd < 0 || slash == std::string_view::npos) return fd;
    current = FileDescriptor(fd);
    path.remove_prefix(slash + 1);
  }
}

int Beneath::stat_at(int directory, std::string_view name, struct stat& out) noexcept {
  // AT_NO_AUTOMOUNT: looking must not mount anything.
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  return fstatat(directory, CName(name).c_str(), &out, kFlags) == 0 ? 0 : -errno;
}

Obstacle Beneath::obstacle(std::string_view path) const {
  for (std::size_t end = 0; end != path.size();) {
    end = path.find('/', end == 0 ? 0 : end + 1);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view upto = path.substr(0, end);
    const FileDescriptor fd(open(upto, O_PATH));
    if (!fd) {
      // A symlink at its end is found as a descriptor below; what changes meanwhile is in the way.
      const int error = -fd.get();
      if (error == ENOENT) return Obstacle{std::string(upto), FileType::absent};
      const bool found = error == EXDEV || error == ELOOP || error == ENOTDIR;
      return Obstacle{std::string(upto), FileType::other, found ? 0 : error};
    }
    struct stat st {};
    if (fstat(fd.get(), &st) != 0) return Obstacle{std::string(upto), FileType::other, errno};
    const LocalFile file = to_local_file(st);
    if (file.type != FileType::directory) return Obstacle{std::string(upto), file.type};
  }
  return {};
}

Result<bool> lies_in(int inner, int outer) {
  struct stat wanted {};
  if (fstat(outer, &wanted) != 0) return local_error("cannot look at a directory", errno);
  FileDescriptor at(open_again(inner, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat st {};
  if (!at || fstat(at.get(), &st) != 0) return local_error("cannot look at a directory", errno);
  for (;;) {
    if (is_same(st, wanted)) return true;
    FileDescriptor above(open_again(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat next {};
    if (!above || fstat(above.get(), &next) != 0)
      return local_error("cannot look at a directory", errno);
    if (is_same(st, next)) return false;  // the root
    at = std::move(above);
    st = next;
  }
}

LocalFile to_local_file(const struct stat& st) noexcept {
  LocalFile out;
  if (S_ISREG(st.st_mode))
    out.type = FileType::regular;
  else if (S_ISDIR(st.st_mode))
    out.type = FileType::directory;
  else
    out.type = FileType::other;
  out.size = static_cast<std::uint64_t>(st.st_size);
  // A time beyond 1677 to 2262 does not fit into 64 bits of nanoseconds.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  std::int64_t seconds = st.st_mtim.tv_sec;
  if (seconds > kMost) seconds = kMost;
  if (seconds < -kMost) seconds = -kMost;
  out.mtime_ns = seconds * 1'000'000'000 + st.st_mtim.tv_nsec;
  out.inode = st.st_ino;
  return out;
}

FileTimes file_times(std::int64_t modified_ms) noexcept {
  std::int64_t seconds = modified_ms / 1000;
  std::int64_t ms = modified_ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  FileTimes out{};
  out.values[0].tv_nsec = UTIME_OMIT;
  out.values[1].tv_sec = seconds;
  out.values[1].tv_nsec = ms * 1'000'000;
  return out;
}

}  // namespace sluice::local
