#include "local/destination.hpp"

#include "base/text.hpp"
#include "local/backup.hpp"
#include "local/beneath.hpp"
#include "local/empty_folders.hpp"
#include "local/file_sync.hpp"
#include "local/lock.hpp"
#include "local/parent_cache.hpp"
#include "local/spelling.hpp"
#include "local/staging.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace sluice::local {
namespace {

/// Parents may be removed under our hands by other programs; somebody who does so in a loop must
/// not keep us in one.
constexpr int kMostRetries = 8;

Error refused(const char* code, std::string message) {
  Error error(ErrorKind::refused_key, std::move(message));
  error.code = code;
  return error;
}

Error occupied(std::string_view path) {
  return refused("occupied", text::quoted(path) +
                                 " is a directory, a symbolic link or a special file here and is "
                                 "left alone; move it away to mirror the object of that name");
}

/// A name that this file system cannot hold (eCryptfs ends at 143 bytes, others want UTF-8) is the
/// key's fault; everything else is the disk's.
Error failed(std::string_view what, std::string_view path, int error) {
  if (error == ENAMETOOLONG || error == EILSEQ)
    return refused("name-refused",
                   text::quoted(path) + " is no name that this file system can hold");
  return local_error(std::string(what) + " " + text::quoted(path), error);
}

Error changed(std::string_view path) {
  return Error(ErrorKind::changed,
               text::quoted(path) + " was modified locally since it was recorded");
}

Result<void> make_with_parents(const std::string& dir) {
  int first_error = 0;  // a parent's failure explains why the rest fails with ENOENT
  for (std::size_t end = dir.find('/', 1);; end = dir.find('/', end + 1)) {
    const bool made = mkdir(dir.substr(0, end).c_str(), 0777) == 0 || errno == EEXIST;
    if (!made && first_error == 0) first_error = errno;
    if (end != std::string::npos) continue;
    if (made) return {};
    return local_error("cannot create the directory " + text::quoted(dir), first_error);
  }
}

}  // namespace

struct Destination::Impl {
  std::string dir;
  FileDescriptor root;    // O_RDONLY: syncfs wants a descriptor that is open for real
  FileDescriptor folder;  // .sluice
  FileDescriptor lock;
  Beneath beneath;
  Staging staging;
  ParentCache stat_parents;     ///< of those who look, from any role
  mutable ParentCache parents;  ///< of the publishing role
  bool folds = false;           ///< the file system takes different names for one
  dev_t folder_device = 0;
  ino_t folder_inode = 0;

  Result<void> open_folder();
  bool is_own_folder(std::string_view path) const;
  Error refusal(std::string_view what, std::string_view path, std::string_view directory, int error,
                std::string* blocking) const;
  Result<FileDescriptor> parent(std::string_view what, const RelativePath& path) const;
  Result<ParentCache::Descriptor> make(std::string_view what, const RelativePath& path,
                                       std::string_view directory, std::string* blocking) const;
  int rename_into(int parent, int staging_fd, const std::string& staged,
                  std::string_view final_name) const;
  Result<LocalFile> judge_parents(std::string_view parent) const;
  int prune(std::string_view path, const MayGo& may_go) const;
};

/// `.sluice` under whatever name the file system knows it by. Only the first name of a path can
/// lead there. Asked again for each path: what a name means may change while we run.
bool Destination::Impl::is_own_folder(std::string_view path) const {
  struct stat st {};
  return Beneath::stat_at(root.get(), path.substr(0, path.find('/')), st) == 0 &&
         st.st_dev == folder_device && st.st_ino == folder_inode;
}

Result<void> Destination::Impl::open_folder() {
  const std::string shown = text::quoted(dir + "/" + std::string(kReservedName));
  const CName name(kReservedName);
  if (mkdirat(root.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return local_error("cannot create " + shown, errno);
  folder = FileDescriptor(beneath.open(kReservedName, O_RDONLY | O_DIRECTORY));
  if (!folder) {
    const int error = -folder.get();
    if (error == ELOOP || error == ENOTDIR || error == EXDEV) {
      Error refused(ErrorKind::local, shown +
                                          " must be a plain directory, not a symbolic link, file "
                                          "or mount point; move it away");
      refused.os_error = error;
      return refused;
    }
    return local_error("cannot open " + shown, error);
  }
  struct stat st {};
  if (fstat(folder.get(), &st) != 0) return local_error("cannot look at " + shown, errno);
  folder_device = st.st_dev;
  folder_inode = st.st_ino;
  // Staged files become public only by their rename.
  if ((st.st_mode & 07777) != 0700 && fchmod(folder.get(), 0700) != 0)
    return local_error("cannot make " + shown + " private", errno);
  return {};
}

/// The error for a path whose parent `directory` could not be reached. A regular file there is
/// named in `blocking`: the caller may own it.
Error Destination::Impl::refusal(std::string_view what, std::string_view path,
                                 std::string_view directory, int error,
                                 std::string* blocking) const {
  if (error == ENOTDIR || error == ELOOP || error == EXDEV) {
    const Obstacle obstacle = beneath.obstacle(directory);
    if (obstacle.error != 0) return failed(what, path, obstacle.error);
    if (obstacle.type == FileType::regular) {
      if (blocking != nullptr) *blocking = obstacle.path;
      return refused("parent-is-file", text::quoted(path) + " needs a directory where the file " +
                                           text::quoted(obstacle.path) + " is");
    }
    const std::string_view where = obstacle.path.empty() ? directory : obstacle.path;
    if (error == EXDEV)
      return refused("mount-point", text::quoted(path) + " lies beyond the mount point " +
                                        text::quoted(where) +
                                        "; mirror into that file system on its own");
    return refused("special-file", text::quoted(path) + " needs a directory where " +
                                       text::quoted(where) +
                                       " is a symbolic link or a special file");
  }
  return failed(what, path, error);
}

Result<FileDescriptor> Destination::Impl::parent(std::string_view what,
                                                 const RelativePath& path) const {
  if (is_own_folder(path.text()))
    return refused("reserved", text::quoted(path.text()) + " is the folder of sluice itself");
  FileDescriptor fd(beneath.open_directory(path.parent()));
  if (!fd) return refusal(what, path.text(), path.parent(), -fd.get(), nullptr);
  return fd;
}

Result<ParentCache::Descriptor> Destination::Impl::make(std::string_view what,
                                                        const RelativePath& path,
                                                        std::string_view directory,
                                                        std::string* blocking) const {
  const auto resolve = [this](std::string_view wanted) {
    return is_own_folder(wanted) ? -EBUSY : beneath.make_directories(wanted);
  };
  int error = 0;
  for (int tries = 0; tries < kMostRetries; ++tries) {
    auto fd = parents.open(directory, resolve);
    if (*fd) return fd;
    parents.forget();
    error = -fd->get();
    if (error != ENOENT) break;
  }
  if (error == EBUSY)
    return refused("reserved", text::quoted(path.text()) + " is the folder of sluice itself");
  return refusal(what, path.text(), directory, error, blocking);
}

/// Renames over a regular file or nothing. 0 or an errno; EISDIR if anything else is there.
int Destination::Impl::rename_into(int parent, int staging_fd, const std::string& staged,
                                   std::string_view final_name) const {
  const CName name(final_name);
  // Where nothing is, nothing is replaced: not even what comes between looking and renaming.
  if (renameat2(staging_fd, staged.c_str(), parent, name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  // EINVAL, ENOSYS: a file system or kernel without the flag.
  if (errno != EEXIST && errno != EINVAL && errno != ENOSYS) return errno;
  struct stat st {};
  const int found = Beneath::stat_at(parent, final_name, st);
  if (found == 0 && !S_ISREG(st.st_mode)) return EISDIR;
  if (found != 0 && found != -ENOENT) return -found;
  return renameat(staging_fd, staged.c_str(), parent, name.c_str()) == 0 ? 0 : errno;
}

/// What stat_file says when the parent cannot be opened. A regular file in the way is absence (it
/// may be ours, and flip); a link or a mount point is something in the way, so that nobody
/// downloads what could never be stored.
Result<LocalFile> Destination::Impl::judge_parents(std::string_view parent) const {
  LocalFile out;
  const Obstacle obstacle = beneath.obstacle(parent);
  if (obstacle.error != 0) return failed("cannot look at", obstacle.path, obstacle.error);
  if (obstacle.type == FileType::other) out.type = FileType::other;
  return out;
}

/// Removes the parents of `path` that have become empty. 0 or an errno; what is in use stays, and
/// so does what is not there as we made it: that is no failure.
int Destination::Impl::prune(std::string_view path, const MayGo& may_go) const {
  constexpr std::array kLeftAlone = {ENOTEMPTY, EEXIST, EBUSY, ENOTDIR, ELOOP, EXDEV};
  const auto judged = [&kLeftAlone](int error) {
    return std::find(kLeftAlone.begin(), kLeftAlone.end(), error) != kLeftAlone.end() ? 0 : error;
  };
  for (;;) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return 0;
    path = path.substr(0, slash);
    if (may_go && !may_go(std::string(path))) return 0;
    const std::size_t above = path.rfind('/');
    const bool top = above == std::string_view::npos;
    const FileDescriptor fd(
        beneath.open_directory(top ? std::string_view() : path.substr(0, above)));
    if (!fd && fd.get() != -ENOENT) return judged(-fd.get());
    const CName name(top ? path : path.substr(above + 1));
    if (fd && unlinkat(fd.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return judged(errno);
  }
}

Destination::Destination() : impl_(std::make_unique<Impl>()) {}
Destination::~Destination() = default;

Result<std::unique_ptr<Destination>> Destination::open(const std::string& dir,
                                                       DestinationOptions options) {
  if (dir.empty() || dir.find('\0') != std::string::npos)
    return Error(ErrorKind::usage, "the destination directory has no valid name");
  if (options.create) {
    if (const auto made = make_with_parents(dir); !made) return made.error();
  }
  std::unique_ptr<Destination> out(new Destination());
  Impl& impl = *out->impl_;
  impl.dir = dir;
  impl.root = FileDescriptor(open_again(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!impl.root) return local_error("cannot open the directory " + text::quoted(dir), errno);
  impl.beneath =
      Beneath::at(impl.root.get(), options.force_walk ? Resolver::walk : Resolver::kernel);
  if (const auto opened = impl.open_folder(); !opened) return opened.error();
  auto lock = take_lock(impl.folder.get(), dir);
  if (!lock) return lock.error();
  impl.lock = std::move(*lock);
  impl.folds = folds_names(impl.folder.get(), kLockName);
  auto staging = Staging::open(impl.beneath, impl.folder.get(), dir);
  if (!staging) return staging.error();
  impl.staging = std::move(*staging);
  return out;
}

Result<std::unique_ptr<Destination>> Destination::look(const std::string& dir) {
  if (dir.empty() || dir.find('\0') != std::string::npos)
    return Error(ErrorKind::usage, "the destination directory has no valid name");
  std::unique_ptr<Destination> out(new Destination());
  Impl& impl = *out->impl_;
  impl.dir = dir;
  impl.root = FileDescriptor(open_again(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!impl.root) {
    if (errno == ENOENT) return out;
    return local_error("cannot open the directory " + text::quoted(dir), errno);
  }
  impl.beneath = Beneath::at(impl.root.get(), Resolver::kernel);
  impl.folder = FileDescriptor(impl.beneath.open(kReservedName, O_RDONLY | O_DIRECTORY));
  struct stat st {};
  if (!impl.folder || fstat(impl.folder.get(), &st) != 0) return out;
  impl.folder_device = st.st_dev;
  impl.folder_inode = st.st_ino;
  impl.lock = take_shared_lock(impl.folder.get());
  impl.folds = folds_names(impl.folder.get(), kLockName);
  return out;
}

bool Destination::is_undisturbed() const noexcept {
  return static_cast<bool>(impl_->lock);
}

const std::string& Destination::dir() const noexcept {
  return impl_->dir;
}

int Destination::root() const noexcept {
  return impl_->root.get();
}

std::string Destination::record_path() const {
  return impl_->dir + "/" + std::string(kReservedName) + "/record.db";
}

Result<void> Destination::clear_staging(const std::set<std::string>& kept) {
  return impl_->staging.clear(kept);
}

Result<StagedFile> Destination::create_staged(unsigned shard, std::uint64_t size_bytes) {
  return impl_->staging.create(shard, size_bytes);
}

Result<StagedFile> Destination::reopen_staged(const std::string& name) {
  return impl_->staging.reopen(name);
}

Result<LocalFile> Destination::stat_file(const RelativePath& path) const {
  AbsentFolder none;
  return stat_file(path, none);
}

Result<LocalFile> Destination::stat_file(const RelativePath& path, AbsentFolder& absent) const {
  absent.behind_file = false;
  if (!impl_->root) return LocalFile{};
  if (!absent.path.empty() && absent.path == path.parent()) return LocalFile{};
  const auto resolve = [this, &path, &absent](std::string_view parent) {
    FileDescriptor fd(impl_->beneath.open_directory(parent));
    if (fd.get() == -ENOENT) absent.path = parent;
    // Judged together with the parent: both are resolved at the same moment.
    if (fd.get() != -ENOENT && impl_->is_own_folder(path.text())) return -EXDEV;
    return fd ? fd.release() : fd.get();
  };
  struct stat st {};
  const int error = impl_->stat_parents.stat(path.parent(), path.name(), st, resolve);
  if (error == -EXDEV && impl_->is_own_folder(path.text())) {
    LocalFile ours;
    ours.type = FileType::other;
    return ours;
  }
  if (error == 0) return to_local_file(st);
  if (error == -ENOENT) return LocalFile{};
  if (error == -ENOTDIR || error == -ELOOP || error == -EXDEV) {
    const auto judged = impl_->judge_parents(path.parent());
    absent.behind_file = judged && judged->type == FileType::absent;
    return judged;
  }
  return failed("cannot look at", path.text(), -error);
}

Result<FileDescriptor> Destination::open_file(const RelativePath& path) const {
  const auto parent = impl_->parent("cannot open", path);
  if (!parent) return parent.error();
  struct stat st {};
  if (const int error = Beneath::stat_at(parent->get(), path.name(), st); error != 0)
    return failed("cannot open", path.text(), -error);
  // Opening a FIFO would hang, opening a device may do something: looked at first, never opened.
  if (!S_ISREG(st.st_mode)) return occupied(path.text());
  FileDescriptor fd(
      impl_->beneath.open_at(parent->get(), path.name(), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    if (fd.get() == -ELOOP || fd.get() == -EXDEV) return occupied(path.text());
    return failed("cannot open", path.text(), -fd.get());
  }
  if (fstat(fd.get(), &st) != 0)
    return local_error("cannot look at " + text::quoted(path.text()), errno);
  if (!S_ISREG(st.st_mode)) return occupied(path.text());
  return fd;
}

Result<void> Destination::check_spelling(const RelativePath& path) const {
  if (!impl_->folds) return {};
  const std::string_view text = path.text();
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    const std::string_view above = text.substr(0, begin == 0 ? 0 : begin - 1);
    const FileDescriptor parent(impl_->beneath.open_directory(above));
    if (!parent) return {};  // nothing is there, or what is in the way will be said
    std::string spelling;
    if (const int error = spelling_of(parent.get(), name, spelling); error != 0)
      return failed("cannot look at", text, -error);
    if (spelling.empty()) return {};
    if (spelling != name)
      return refused("other-spelling",
                     text::quoted(text) + " would be stored as " +
                         text::quoted(std::string(text.substr(0, begin)) + spelling) +
                         ": this file system takes the two names for one; mirror into one that "
                         "tells them apart");
    begin = end + 1;
  }
  return {};
}

Result<void> Destination::publish(StagedFile& staged, const RelativePath& path,
                                  std::string* blocking) {
  constexpr std::string_view kWhat = "cannot put in place";
  if (const auto spelled = check_spelling(path); !spelled) return spelled;
  int error = ENOENT;
  for (int tries = 0; tries < kMostRetries; ++tries) {
    const auto parent = impl_->make(kWhat, path, path.parent(), blocking);
    if (!parent) return parent.error();
    error = impl_->rename_into((*parent)->get(), staged.staging_fd_, staged.name_, path.name());
    if (error == 0) {
      staged.name_.clear();
      return {};
    }
    impl_->parents.forget();
    if (error == EISDIR || error == EBUSY) return occupied(path.text());
    if (error == EXDEV) return impl_->refusal(kWhat, path.text(), path.parent(), error, blocking);
    if (error != ENOENT && error != EEXIST) break;  // else: the parent went, or the name came
  }
  return failed(kWhat, path.text(), error);
}

Result<void> Destination::make_directory(const RelativePath& path, std::string* blocking) {
  if (const auto spelled = check_spelling(path); !spelled) return spelled;
  const auto made = impl_->make("cannot create the directory", path, path.text(), blocking);
  if (!made) return made.error();
  return {};
}

Result<void> Destination::flip_to_directory(const RelativePath& path, const LocalFile& expected) {
  constexpr std::string_view kWhat = "cannot turn into a directory";
  const auto parent = impl_->parent(kWhat, path);
  if (!parent) return parent.error();
  struct stat st {};
  if (const int error = Beneath::stat_at(parent->get(), path.name(), st); error != 0)
    return failed(kWhat, path.text(), -error);
  if (expected.type != FileType::regular || to_local_file(st) != expected)
    return changed(path.text());

  const auto made = impl_->staging.make_directory();
  if (!made) return made.error();
  const int staging = impl_->staging.fd();
  const CName name(path.name());
  if (renameat2(staging, made->c_str(), parent->get(), name.c_str(), RENAME_EXCHANGE) != 0) {
    const int error = errno;
    unlinkat(staging, made->c_str(), AT_REMOVEDIR);
    if (error != EINVAL && error != ENOSYS) return failed(kWhat, path.text(), error);
    // No exchange on this file system: for a moment the name holds neither.
    if (unlinkat(parent->get(), name.c_str(), 0) != 0 ||
        mkdirat(parent->get(), name.c_str(), 0777) != 0)
      return failed(kWhat, path.text(), errno);
    return {};
  }
  // What came out may be another file than was looked at: then everything goes back.
  const int found = Beneath::stat_at(staging, *made, st);
  if (found != 0 || to_local_file(st) != expected) {
    if (renameat2(staging, made->c_str(), parent->get(), name.c_str(), RENAME_EXCHANGE) == 0)
      unlinkat(staging, made->c_str(), AT_REMOVEDIR);
    return found != 0 ? failed(kWhat, path.text(), -found) : changed(path.text());
  }
  if (unlinkat(staging, made->c_str(), 0) != 0) return failed(kWhat, path.text(), errno);
  return {};
}

Result<void> Destination::remove(const RelativePath& path, const LocalFile& expected,
                                 const MayGo& may_go) {
  constexpr std::string_view kWhat = "cannot remove";
  if (impl_->is_own_folder(path.text()))
    return refused("reserved", text::quoted(path.text()) + " is the folder of sluice itself");
  const FileDescriptor parent(impl_->beneath.open_directory(path.parent()));
  if (!parent && parent.get() != -ENOENT && parent.get() != -ENOTDIR && parent.get() != -ELOOP)
    return impl_->refusal(kWhat, path.text(), path.parent(), -parent.get(), nullptr);
  if (parent) {
    struct stat st {};
    const int found = Beneath::stat_at(parent.get(), path.name(), st);
    if (found != 0 && found != -ENOENT) return failed(kWhat, path.text(), -found);
    if (found == 0) {
      if (expected.type != FileType::regular || to_local_file(st) != expected)
        return changed(path.text());
      if (unlinkat(parent.get(), CName(path.name()).c_str(), 0) != 0 && errno != ENOENT)
        return failed(kWhat, path.text(), errno);
    }
  }
  if (const int error = impl_->prune(path.text(), may_go); error != 0)
    return failed("cannot remove the empty folder of", path.text(), error);
  return {};
}

bool Destination::remove_empty_folder(const RelativePath& path) {
  if (impl_->is_own_folder(path.text())) return false;
  const FileDescriptor parent(impl_->beneath.open(path.parent(), O_RDONLY | O_DIRECTORY));
  return parent && remove_empty_folders(parent.get(), std::string(path.name())) == 0;
}

Result<void> Destination::back_up(const RelativePath& path, const LocalFile& expected,
                                  Backup& backup) {
  constexpr std::string_view kWhat = "cannot back up";
  const FileDescriptor parent(impl_->beneath.open_directory(path.parent()));
  if (parent.get() == -ENOENT || parent.get() == -ENOTDIR) return {};
  if (!parent) return impl_->refusal(kWhat, path.text(), path.parent(), -parent.get(), nullptr);
  struct stat st {};
  const int found = Beneath::stat_at(parent.get(), path.name(), st);
  if (found == -ENOENT) return {};
  if (found != 0) return failed(kWhat, path.text(), -found);
  if (expected.type != FileType::regular || to_local_file(st) != expected)
    return changed(path.text());
  return backup.keep(parent.get(), path.name(), path, expected);
}

Result<void> Destination::back_up(const RelativePath& path, Backup* backup) {
  if (backup == nullptr) return {};
  const auto now = stat_file(path);
  if (!now) return now.error();
  return now->type == FileType::regular ? back_up(path, *now, *backup) : Result<void>();
}

Result<LocalFile> Destination::set_mtime(const RelativePath& path, const LocalFile& expected,
                                         std::int64_t modified_ms) {
  constexpr std::string_view kWhat = "cannot set the time of";
  const auto parent = impl_->parent(kWhat, path);
  if (!parent) return parent.error();
  struct stat st {};
  if (const int error = Beneath::stat_at(parent->get(), path.name(), st); error != 0)
    return failed(kWhat, path.text(), -error);
  if (expected.type != FileType::regular || to_local_file(st) != expected)
    return changed(path.text());
  const FileTimes times = file_times(modified_ms);
  const CName name(path.name());
  if (utimensat(parent->get(), name.c_str(), times.values, AT_SYMLINK_NOFOLLOW) != 0)
    return failed(kWhat, path.text(), errno);
  if (const int error = Beneath::stat_at(parent->get(), path.name(), st); error != 0)
    return failed(kWhat, path.text(), -error);
  const LocalFile now = to_local_file(st);
  if (now.inode != expected.inode || now.size != expected.size) return changed(path.text());
  return now;
}

Result<void> Destination::sync() {
  // Since Linux 5.8 syncfs also reports write-back errors since this descriptor was opened.
  if (syncfs(impl_->root.get()) != 0)
    return local_error("cannot make the files in " + text::quoted(impl_->dir) + " durable", errno);
  return {};
}

bool Destination::can_sync_at_once() const noexcept {
  return local::can_sync_at_once(impl_->root.get());
}

Result<void> Destination::sync_each(const ToSync& what) {
  // Every directory on the way to a name, the destination itself ("") included: parents may be new.
  std::set<std::string> directories;
  if (!what.renamed.empty()) directories.insert(std::string());
  for (const RelativePath& path : what.renamed) {
    std::string_view parent = path.parent();
    while (!parent.empty() && directories.emplace(parent).second)
      parent =
          parent.substr(0, parent.rfind('/') == std::string_view::npos ? 0 : parent.rfind('/'));
  }
  std::vector<std::function<int()>> syncs;
  for (const std::string& name : what.staged)
    syncs.emplace_back([this, &name] { return impl_->staging.sync(name); });
  for (const RelativePath& path : what.in_place)
    syncs.emplace_back([this, &path] {
      const FileDescriptor parent(impl_->beneath.open_directory(path.parent()));
      if (!parent) return sync_opened(parent);
      return sync_opened(FileDescriptor(
          impl_->beneath.open_at(parent.get(), path.name(), O_RDONLY | O_NONBLOCK | O_NOCTTY)));
    });
  for (const std::string& directory : directories)
    syncs.emplace_back([this, &directory] {
      if (directory.empty()) return fsync(impl_->root.get()) == 0 ? 0 : errno;
      return sync_opened(FileDescriptor(impl_->beneath.open(directory, O_RDONLY | O_DIRECTORY)));
    });
  if (const int failed = run_syncs(syncs); failed != 0)
    return local_error("cannot make the files in " + text::quoted(impl_->dir) + " durable", failed);
  return {};
}

std::uint64_t Destination::free_bytes() const noexcept {
  struct statvfs st {};
  if (fstatvfs(impl_->root.get(), &st) != 0) return 0;
  return std::uint64_t{st.f_bavail} * st.f_frsize;
}

}  // namespace sluice::local
