#pragma once

#include "base/result.hpp"
#include "local/beneath.hpp"
#include "local/destination.hpp"
#include "local/path.hpp"
#include "model/local_file.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::local {

/// The directory that keeps what would be deleted or replaced (--backup-dir), each file under its
/// path in the mirror. Nothing in it is ever overwritten: a name that is taken gets `.~1~`, `.~2~`
/// and so on behind it, also the name of a folder where a file has been kept. Files come by a hard
/// link, so that their name in the mirror is never empty; it must be on the same file system.
///
/// Threads: the publishing role only.
class Backup {
 public:
  /// Makes `dir` if it is absent. `usage` if it is the mirror `destination`, lies in it, or holds
  /// it; or if it is on another file system.
  static Result<std::unique_ptr<Backup>> open(const std::string& dir,
                                              const Destination& destination);

  /// Links the file `name` of the open `directory`, if it is still `expected` (`changed` error
  /// otherwise). What is kept already is not kept twice. See Destination::back_up.
  Result<void> keep(int directory, std::string_view name, const RelativePath& path,
                    const LocalFile& expected);

 private:
  Backup(std::string dir, FileDescriptor root);
  /// A descriptor, or -errno.
  int make_folder(std::string_view path) const;

  std::string dir_;
  FileDescriptor root_;
  Beneath beneath_;
};

}  // namespace sluice::local
