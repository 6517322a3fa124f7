#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"
#include "model/local_file.hpp"

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace sluice::local {

enum class Resolver : bool { kernel, walk };

/// One name as system calls take it, without an allocation. What is too long or holds a NUL becomes
/// a name that no file has, so that it can never mean another file.
class CName {
 public:
  explicit CName(std::string_view name) noexcept;
  const char* c_str() const noexcept { return bytes_; }

 private:
  char bytes_[256 + 1];
};

/// openat that goes on after a signal; a descriptor, or -1 with errno.
int open_again(int base, const char* path, int flags, unsigned mode = 0) noexcept;

/// The first thing on a path that keeps it from being reached or made.
struct Obstacle {
  std::string path;  ///< relative; empty if nothing is in the way
  FileType type = FileType::absent;
  int error = 0;  ///< an errno: it could not be found out
};

/// Opens paths beneath one directory without following a symlink or crossing a mount point. Nothing
/// is cached: a resolution costs 3 us where staging and renaming a file costs 76 (ext4, same
/// machine), and a descriptor kept from before may have been moved out of the destination.
///
/// Functions answer like system calls: a descriptor or 0, or -errno. What they say of a path that
/// is not clean: -ENOTDIR or -ELOOP (a file or a symlink where a directory should be), -EXDEV (a
/// mount point).
class Beneath {
 public:
  Beneath() = default;
  /// `root` is borrowed. `wanted` may become `walk` if the kernel refuses openat2.
  static Beneath at(int root, Resolver wanted) noexcept;

  int root() const noexcept { return root_; }
  Resolver resolver() const noexcept { return resolver_; }

  /// Opens `path` (empty: the root itself) below the root, or below `base`.
  int open(std::string_view path, int flags) const noexcept { return open_at(root_, path, flags); }
  int open_at(int base, std::string_view path, int flags) const noexcept;
  /// The directory as an O_PATH descriptor: enough for every *at() call.
  int open_directory(std::string_view path) const noexcept;
  /// The same, making what is missing (0777 & ~umask).
  int make_directories(std::string_view path) const noexcept;

  /// lstat of `name` in `directory`.
  static int stat_at(int directory, std::string_view name, struct stat& out) noexcept;

  /// Why `path` cannot be reached as a directory.
  Obstacle obstacle(std::string_view path) const;

 private:
  Beneath(int root, Resolver resolver) noexcept : root_(root), resolver_(resolver) {}
  int walk(int base, std::string_view path, int flags) const noexcept;

  int root_ = -1;
  Resolver resolver_ = Resolver::kernel;
};

/// Whether the directory `inner` is the directory `outer` or lies somewhere in it; both are
/// descriptors.
Result<bool> lies_in(int inner, int outer);

/// "Matches the record" is asked of this: type, size, mtime and inode.
LocalFile to_local_file(const struct stat& st) noexcept;

/// UTIME_OMIT for the access time and `modified_ms`, as futimens and utimensat take them.
struct FileTimes {
  struct timespec values[2];
};
FileTimes file_times(std::int64_t modified_ms) noexcept;

}  // namespace sluice::local
