#include "local/generation_tree.hpp"

#include "base/text.hpp"
#include "local/empty_folders.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluice::local {
namespace {

/// A name that is taken is cleared and linked again; nobody else works here.
constexpr int kMostTries = 3;

/// What keeps a path from being reached although nothing is wrong with the disk.
bool is_obstacle(int error) noexcept {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

}  // namespace

GenerationTree::GenerationTree(FileDescriptor root, std::string name, const Destination& from)
    : root_(std::move(root)),
      name_(std::move(name)),
      here_(Beneath::at(root_.get(), Resolver::kernel)),
      mirror_(Beneath::at(from.root(), Resolver::kernel)) {}

Error GenerationTree::failed(const char* what, std::string_view path, int error) const {
  return local_error(std::string(what) + " " + text::quoted(path) + " in the generation " + name_,
                     error);
}

Error GenerationTree::not_as_left(std::string_view path) const {
  Error error(ErrorKind::local, "something else than sluice put is at " + text::quoted(path) +
                                    " in the generation " + name_);
  error.code = kNotAsLeft;
  return error;
}

void GenerationTree::forget_parents() noexcept {
  from_ = {};
  to_ = {};
}

const FileDescriptor& GenerationTree::parent_in_mirror(std::string_view path) {
  if (!from_.fd || from_.path != path)
    from_ = Parent{std::string(path), FileDescriptor(mirror_.open_directory(path))};
  return from_.fd;
}

const FileDescriptor& GenerationTree::parent_here(std::string_view path) {
  if (!to_.fd || to_.path != path)
    to_ = Parent{std::string(path), FileDescriptor(here_.make_directories(path))};
  return to_.fd;
}

/// Removes what stands where a link is to be: a file, or folders that are empty.
Result<void> GenerationTree::clear_place(int directory, const RelativePath& path) {
  const CName name(path.name());
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return failed("cannot replace", path.text(), errno);
  const int error = remove_empty_folders(directory, name.c_str());
  if (error == ENOTEMPTY || error == EEXIST) return not_as_left(path.text());
  if (error != 0) return failed("cannot replace the folder", path.text(), error);
  return {};
}

Result<GenerationTree::Linked> GenerationTree::link(const RelativePath& path,
                                                    const LocalFile& expected) {
  const auto is_expected = [&expected](int directory, std::string_view name, int& error) {
    struct stat st {};
    error = -Beneath::stat_at(directory, name, st);
    return error == 0 && to_local_file(st) == expected;
  };
  int error = 0;
  // Only what was looked at can be told to be another file.
  const auto not_so = [this, &path, &error]() -> Result<Linked> {
    if (error == 0 || error == ENOENT) return Linked::not_so;
    return failed("cannot look at the file for", path.text(), error);
  };
  const FileDescriptor& from = parent_in_mirror(path.parent());
  if (!from && is_obstacle(-from.get())) return Linked::not_so;
  if (!from) return failed("cannot find the file for", path.text(), -from.get());
  if (!is_expected(from.get(), path.name(), error)) return not_so();
  const FileDescriptor& to = parent_here(path.parent());
  if (to.get() == -ENOTDIR || to.get() == -ELOOP) return not_as_left(path.parent());
  if (!to) return failed("cannot make the folder of", path.text(), -to.get());

  const CName name(path.name());
  for (int tries = 0; tries < kMostTries; ++tries) {
    if (linkat(from.get(), name.c_str(), to.get(), name.c_str(), 0) == 0) {
      // What was linked may be another file than was looked at.
      if (is_expected(to.get(), path.name(), error)) return Linked::made;
      unlinkat(to.get(), name.c_str(), 0);
      return not_so();
    }
    const int refused = errno;
    if (refused == ENOENT && !is_expected(from.get(), path.name(), error)) return not_so();
    if (refused != EEXIST) return failed("cannot link", path.text(), refused);
    if (is_expected(to.get(), path.name(), error)) return Linked::was_there;
    if (const auto cleared = clear_place(to.get(), path); !cleared) return cleared.error();
  }
  return not_as_left(path.text());
}

Result<bool> GenerationTree::unlink(const RelativePath& path, const Destination::MayGo& may_go) {
  bool was_there = false;
  std::string_view left = path.text();
  const FileDescriptor parent(here_.open_directory(path.parent()));
  if (!parent && !is_obstacle(-parent.get()))
    return failed("cannot remove", path.text(), -parent.get());
  if (parent) {
    was_there = unlinkat(parent.get(), CName(path.name()).c_str(), 0) == 0;
    // Where a folder is, there is no file any more.
    if (!was_there && errno != ENOENT && errno != EISDIR)
      return failed("cannot remove", path.text(), errno);
  }
  for (;;) {
    const std::size_t slash = left.rfind('/');
    if (slash == std::string_view::npos) return was_there;
    left = left.substr(0, slash);
    if (may_go && !may_go(std::string(left))) return was_there;
    const std::size_t above = left.rfind('/');
    const bool is_top = above == std::string_view::npos;
    const FileDescriptor folder(
        here_.open_directory(is_top ? std::string_view() : left.substr(0, above)));
    const CName name(is_top ? left : left.substr(above + 1));
    if (!folder && !is_obstacle(-folder.get()))
      return failed("cannot remove the folder", left, -folder.get());
    if (!folder || unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR) == 0) continue;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return was_there;
    if (errno != ENOENT) return failed("cannot remove the folder", left, errno);
  }
}

Result<void> GenerationTree::make_folder(const std::string& folder) {
  const FileDescriptor made(here_.make_directories(folder));
  if (made) return {};
  if (made.get() == -ENOTDIR || made.get() == -ELOOP) return not_as_left(folder);
  return failed("cannot make the folder", folder, -made.get());
}

}  // namespace sluice::local
