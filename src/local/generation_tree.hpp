#pragma once

#include "base/result.hpp"
#include "local/beneath.hpp"
#include "local/destination.hpp"
#include "local/path.hpp"
#include "model/local_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::local {

/// `code` of an error that says: the tree is not as we left it. Another one has to be made.
inline constexpr const char* kNotAsLeft = "not-as-left";

/// A tree of hard links to files of the mirror, while nobody is shown it. A file of the mirror is
/// never written in place, only replaced by a rename, so what has been linked stays as it is.
///
/// Errors: `local`. Threads: the publishing role only. Must not outlive the destination.
class GenerationTree {
 public:
  /// `root` is locked (flock) by whoever opened it, for as long as this lives; `name` is how it is
  /// called now, for messages and for whoever renames it.
  GenerationTree(FileDescriptor root, std::string name, const Destination& from);

  const std::string& name() const noexcept { return name_; }

  enum class Linked : std::uint8_t {
    made,
    was_there,
    not_so,  ///< the mirror's file is absent, or not `expected`: nothing was linked
  };
  /// Makes `path` here the mirror's file of that path, whatever version of it stood here before.
  /// The error is kNotAsLeft if a folder that is not empty, or a file, is in the way.
  Result<Linked> link(const RelativePath& path, const LocalFile& expected);

  /// Removes the file, and the folders above it that have become empty, upwards until `may_go` says
  /// no to one. Whether there was one.
  Result<bool> unlink(const RelativePath& path, const Destination::MayGo& may_go);

  /// `folder` is the text of a RelativePath.
  Result<void> make_folder(const std::string& folder);

  /// The parents looked up last are believed until this: to be called every some files, and when
  /// links follow removals.
  void forget_parents() noexcept;

 private:
  struct Parent {
    std::string path;
    FileDescriptor fd;
  };
  const FileDescriptor& parent_in_mirror(std::string_view path);
  const FileDescriptor& parent_here(std::string_view path);
  Error failed(const char* what, std::string_view path, int error) const;
  Error not_as_left(std::string_view path) const;
  Result<void> clear_place(int directory, const RelativePath& path);

  FileDescriptor root_;
  std::string name_;
  Beneath here_;
  Beneath mirror_;
  Parent from_;
  Parent to_;
};

}  // namespace sluice::local
