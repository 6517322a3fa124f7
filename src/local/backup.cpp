#include "local/backup.hpp"

#include "base/text.hpp"

#include <climits>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluice::local {
namespace {

/// As many versions of one file as this; then somebody should look.
constexpr int kMostVersions = 10'000;

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// The name for the `version`-th that wants it; still one that a directory can have.
std::string versioned(std::string_view name, int version) {
  if (version == 0) return std::string(name);
  const std::string suffix = ".~" + std::to_string(version) + '~';
  return std::string(name.substr(0, NAME_MAX - suffix.size())) + suffix;
}

}  // namespace

Backup::Backup(std::string dir, FileDescriptor root)
    : dir_(std::move(dir)),
      root_(std::move(root)),
      beneath_(Beneath::at(root_.get(), Resolver::kernel)) {}

Result<std::unique_ptr<Backup>> Backup::open(const std::string& dir,
                                             const Destination& destination) {
  const std::string shown = "the backup directory " + text::quoted(dir);
  if (mkdir(dir.c_str(), 0777) != 0 && errno != EEXIST)
    return local_error("cannot create " + shown, errno);
  FileDescriptor root(open_again(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return local_error("cannot open " + shown, errno);

  const auto in_mirror = lies_in(root.get(), destination.root());
  if (!in_mirror) return in_mirror.error();
  if (*in_mirror)
    return usage(shown + " lies in the mirror " + text::quoted(destination.dir()) +
                 "; choose one beside it");
  const auto around_mirror = lies_in(destination.root(), root.get());
  if (!around_mirror) return around_mirror.error();
  if (*around_mirror)
    return usage(shown + " holds the mirror " + text::quoted(destination.dir()) +
                 "; choose one beside it");
  struct stat here {
  }, there{};
  if (fstat(root.get(), &here) != 0 || fstat(destination.root(), &there) != 0)
    return local_error("cannot look at " + shown, errno);
  if (here.st_dev != there.st_dev)
    return usage(shown + " is on another file system than " + text::quoted(destination.dir()) +
                 "; it must be on the same");
  return std::unique_ptr<Backup>(new Backup(dir, std::move(root)));
}

int Backup::make_folder(std::string_view path) const {
  int made = beneath_.make_directories(path);
  std::string so_far;
  while (made == -ENOTDIR || made == -ELOOP) {
    // Something is in the way of one name or several: each in turn finds one that is free.
    const std::size_t slash = path.find('/');
    const std::string above = so_far.empty() ? std::string() : so_far + '/';
    FileDescriptor folder;
    for (int version = 0; !folder; ++version) {
      so_far = above + versioned(path.substr(0, slash), version);
      folder = FileDescriptor(beneath_.make_directories(so_far));
      const bool is_taken = folder.get() == -ENOTDIR || folder.get() == -ELOOP;
      if (!folder && (!is_taken || version == kMostVersions)) return folder.get();
    }
    if (slash == std::string_view::npos) return folder.release();
    path.remove_prefix(slash + 1);
  }
  return made;
}

Result<void> Backup::keep(int directory, std::string_view name, const RelativePath& path,
                          const LocalFile& expected) {
  const std::string what = "cannot keep " + text::quoted(path.text()) + " in " + text::quoted(dir_);
  const FileDescriptor folder(make_folder(path.parent()));
  if (!folder) return local_error(what, -folder.get());
  const CName from(name);
  for (int version = 0; version < kMostVersions; ++version) {
    const std::string to = versioned(name, version);
    struct stat kept {};
    if (linkat(directory, from.c_str(), folder.get(), to.c_str(), 0) == 0) {
      const int error = Beneath::stat_at(folder.get(), to, kept);
      if (error == 0 && to_local_file(kept) == expected) return {};
      unlinkat(folder.get(), to.c_str(), 0);
      if (error != 0) return local_error(what, -error);
      return Error(ErrorKind::changed,
                   text::quoted(path.text()) + " was modified locally since it was recorded");
    }
    if (errno == EPERM || errno == EOPNOTSUPP)
      return local_error(what + " (the file system has no hard links)", errno);
    if (errno != EEXIST) return local_error(what, errno);
    // A run that was killed may have kept it already.
    if (Beneath::stat_at(folder.get(), to, kept) == 0 && to_local_file(kept) == expected) return {};
  }
  return local_error(what + ": it has too many versions", EEXIST);
}

}  // namespace sluice::local
