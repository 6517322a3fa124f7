#pragma once

#include <cstdint>

namespace sluice {

enum class FileType : std::uint8_t { absent, regular, directory, other };

/// What fstatat said of one path. "Matches the record" means type, size, mtime_ns and inode; never
/// ctime (a backup or a hard link changes it without changing content).
struct LocalFile {
  FileType type = FileType::absent;
  std::uint64_t size = 0;     ///< bytes
  std::int64_t mtime_ns = 0;  ///< nanoseconds since 1970, as fstat gives it
  std::uint64_t inode = 0;
  bool operator==(const LocalFile&) const = default;
};

}  // namespace sluice
