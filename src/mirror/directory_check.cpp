#include "mirror/directory_check.hpp"

#include "base/result.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "local/path.hpp"

#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace sluice::mirror {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "directory";

// Not in every linux/magic.h.
constexpr long kXfs = 0x58465342;
constexpr long kZfs = 0x2fc12fc1;
constexpr long kFuse = 0x65735546;
constexpr long kCifs = 0xff534d42L;
constexpr long kSmb2 = 0xfe534d42L;
constexpr long kExfat = 0x2011bab0;

std::string_view type_name(long magic) noexcept {
  switch (magic) {
    case EXT4_SUPER_MAGIC:
      return "ext4";
    case kXfs:
      return "XFS";
    case BTRFS_SUPER_MAGIC:
      return "Btrfs";
    case TMPFS_MAGIC:
      return "tmpfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlayfs";
    case NFS_SUPER_MAGIC:
      return "NFS";
    case MSDOS_SUPER_MAGIC:
      return "FAT";
    case kZfs:
      return "ZFS";
    case kFuse:
      return "FUSE";
    case kCifs:
    case kSmb2:
      return "SMB";
    case kExfat:
      return "exFAT";
    default:
      return "a file system of another kind";
  }
}

Check failed(Error error) {
  Check out{kName, CheckState::failed, "", error.message, std::move(error)};
  out.detail = "cannot be used";
  return out;
}

/// A file that is made, looked for under another spelling, and removed.
struct Probe {
  bool folds_names = false;
};

Result<Probe> try_to_write(const std::string& dir) {
  std::string name = dir + "/.sluice-doctor-XXXXXX";
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) return local_error("cannot make a file in \"" + text::escaped(dir) + '"', errno);
  std::string other = name;
  for (std::size_t i = other.rfind('/'); i < other.size(); ++i)
    other[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(other[i])));
  struct stat mine {};
  struct stat found {};
  Probe probe;
  probe.folds_names = ::fstat(file, &mine) == 0 && ::stat(other.c_str(), &found) == 0 &&
                      mine.st_ino == found.st_ino;
  ::close(file);
  ::unlink(name.c_str());
  return probe;
}

/// Whether another process works on the mirror: the lock is tried and given back.
bool is_locked(const std::string& dir) {
  const std::string path = dir + '/' + std::string(local::kReservedName) + "/lock";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const bool locked = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return locked;
}

/// The nearest folder that is there.
std::string existing_part(const std::string& dir) {
  std::error_code ignored;
  fs::path path = fs::absolute(dir, ignored);
  while (path.has_relative_path() && !fs::exists(fs::symlink_status(path, ignored)))
    path = path.parent_path();
  return path.string();
}

}  // namespace

Check check_directory(const std::string& dir) {
  struct stat st {};
  const bool exists = ::stat(dir.c_str(), &st) == 0;
  if (!exists && errno != ENOENT)
    return failed(local_error("cannot look at \"" + text::escaped(dir) + '"', errno));
  const std::string there = exists ? dir : existing_part(dir);
  if (::stat(there.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
    return failed(Error(ErrorKind::local, '"' + text::escaped(there) +
                                              "\" is no directory; choose another place, or move "
                                              "away what is there"));
  if (!exists && ::access(there.c_str(), W_OK | X_OK) != 0)
    return failed(local_error("cannot make the directory \"" + text::escaped(dir) + '"', errno));

  Check out{kName, CheckState::passed, "", "", std::nullopt};
  struct statfs kind {};
  struct statvfs room {};
  if (::statfs(there.c_str(), &kind) == 0) out.detail = type_name(static_cast<long>(kind.f_type));
  if (::statvfs(there.c_str(), &room) == 0)
    out.detail += ", " + units::format_size(std::uint64_t{room.f_bavail} * room.f_frsize) + " free";
  if (!exists) {
    out.detail += "; will be made in " + text::escaped(there);
    return out;
  }
  const auto probe = try_to_write(dir);
  if (!probe) return failed(probe.error());
  if (is_locked(dir)) {
    out.state = CheckState::noted;
    out.detail += "; another process is at work on it";
    out.advice = "only one sluice at a time can write to a directory: wait for it, or stop it";
  } else if (probe->folds_names) {
    out.state = CheckState::noted;
    out.detail += "; takes upper and lower case for the same";
    out.advice =
        "of keys that differ in case only one can be stored; the others are refused, never mixed";
  }
  return out;
}

}  // namespace sluice::mirror
