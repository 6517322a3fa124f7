#pragma once

#include "base/result.hpp"
#include "local/path.hpp"
#include "model/local_file.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::local {

/// An owned file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// A file in `.sluice/staging/`: not visible under any final name. Removed on destruction unless it
/// was published or is kept, and never outlives its Destination. Movable; writes at distinct
/// offsets may come from several threads at once.
class StagedFile {
 public:
  StagedFile() = default;
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  const std::string& name() const noexcept { return name_; }  ///< "<shard>/<number>"
  int fd() const noexcept { return fd_.get(); }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Sets the modification time (LastModified) and says what fstat gives then: this is what the
  /// record must hold, since a file system may round the time.
  Result<LocalFile> finish(std::int64_t modified_ms);
  void keep() noexcept { kept_ = true; }  ///< not removed on destruction: a later run may go on
  void discard() noexcept;                ///< removed now, kept or not
  /// Gives the descriptor back while the file waits to be published: a group of thousands would
  /// otherwise hold as many. No write_at, finish or fd() after this.
  void close_descriptor() noexcept { fd_ = FileDescriptor(); }

 private:
  friend class Destination;
  friend class Staging;
  FileDescriptor fd_;
  int staging_fd_ = -1;  ///< borrowed from the Destination
  std::string name_;
  bool kept_ = false;
};

/// What shall survive a power cut, where each file is synced on its own.
struct ToSync {
  std::vector<std::string> staged;     ///< staged files, by name
  std::vector<RelativePath> in_place;  ///< files under their final names: content and times
  std::vector<RelativePath> renamed;   ///< names that came or went: their directories
  bool empty() const noexcept { return staged.empty() && in_place.empty() && renamed.empty(); }
};

class Backup;

struct DestinationOptions {
  bool create = true;       ///< make DIR if it is absent (parents too)
  bool force_walk = false;  ///< as if the kernel had no openat2 (tests)
};

/// A folder that was not there a moment ago.
struct AbsentFolder {
  std::string path;          ///< empty: none (the destination itself is always there)
  bool behind_file = false;  ///< the path asked for last needs a folder where a regular file is
};

/// The directory that the mirror lives in. Opened once; every path is resolved beneath it without
/// following a symlink or crossing a mount point (openat2, or an O_NOFOLLOW walk where the kernel
/// lacks it). Errors: `local`; `refused_key` if something that is not ours or not a regular file is
/// in the way; `locked` if another process holds DIR.
///
/// `.sluice` reached under another name (a case-folding file system, a short name) is refused too.
/// Codes of `refused_key`: see publish; also "special-file" and "mount-point" for what stands where
/// a parent should be.
///
/// Threads: stat_file, open_file and create_staged from any thread; what changes the tree (publish,
/// make_directory, remove, flip_to_directory, sync) from the publishing role only.
class Destination {
 public:
  static Result<std::unique_ptr<Destination>> open(const std::string& dir,
                                                   DestinationOptions options = {});
  /// To look only (a dry run): makes, locks against others and changes nothing. A DIR that is
  /// absent is one in which every file is. Only stat_file and open_file may be called.
  static Result<std::unique_ptr<Destination>> look(const std::string& dir);
  ~Destination();

  /// After `look`: nobody else will change the mirror as long as this lives.
  bool is_undisturbed() const noexcept;

  const std::string& dir() const noexcept;
  int root() const noexcept;        ///< borrowed; -1 if DIR is absent
  std::string record_path() const;  ///< DIR/.sluice/record.db

  /// Empties `staging/` but for the files of these names: what crashed runs left behind.
  Result<void> clear_staging(const std::set<std::string>& kept = {});

  /// lstat semantics: a symlink is `other`; absent if any parent is absent or a regular file (which
  /// may be ours, and flip). A parent that is a symlink, a special file or a mount point makes it
  /// `other`: nothing could be stored there. `refused_key` with code "name-refused" if the file
  /// system cannot hold such a name.
  Result<LocalFile> stat_file(const RelativePath& path) const;
  /// The same for one who looks at many files at once, in the order of their keys: a folder that
  /// was not there is not looked for again.
  Result<LocalFile> stat_file(const RelativePath& path, AbsentFolder& absent) const;
  /// For hashing: read-only, O_NOFOLLOW, never blocks; `refused_key` unless a regular file.
  Result<FileDescriptor> open_file(const RelativePath& path) const;

  /// A new empty file for that many bytes. `shard` spreads the files over folders. `local` with
  /// ENOSPC if they do not fit beside what is kept back (64 MiB, at most 1 % of the file system).
  Result<StagedFile> create_staged(unsigned shard, std::uint64_t size_bytes);
  /// One that an earlier run left, for reading and writing; it is kept unless published. An error
  /// if there is no such regular file.
  Result<StagedFile> reopen_staged(const std::string& name);

  /// Nothing, unless the file system takes another name for this one, and what it leads to (or a
  /// folder on the way) has that other name: then `refused_key` with code "other-spelling". Costs
  /// nothing where names are told apart.
  Result<void> check_spelling(const RelativePath& path) const;

  /// Renames into place, making parents as needed (0777 & ~umask). Replaces a regular file or
  /// nothing. `refused_key` with code "occupied" if a directory or special file is at `path`, with
  /// code "parent-is-file" if a parent is a regular file (`blocking` then names it), or as
  /// check_spelling gives it.
  Result<void> publish(StagedFile& staged, const RelativePath& path,
                       std::string* blocking = nullptr);

  /// For a key `x/`. Succeeds if it is there already.
  Result<void> make_directory(const RelativePath& path, std::string* blocking = nullptr);

  /// `a` was mirrored, now `a/b` exists: swaps the file for an empty directory in one step
  /// (RENAME_EXCHANGE), then removes the file. Only if the file is still `expected`.
  Result<void> flip_to_directory(const RelativePath& path, const LocalFile& expected);

  /// Removes the file if it is still `expected` (`changed` error otherwise; success if absent).
  /// Then removes parents that have become empty, upwards from the file until `may_go` says no to
  /// one, never the destination itself. An error there comes when the file has gone; to call this
  /// again completes it.
  using MayGo = std::function<bool(const std::string& folder)>;
  Result<void> remove(const RelativePath& path, const LocalFile& expected,
                      const MayGo& may_go = {});

  /// Removes the folder at `path` if it holds nothing but empty folders; whether it did.
  bool remove_empty_folder(const RelativePath& path);

  /// Has `backup` keep the file as it is now, before it is removed or replaced; it stays in place.
  /// Only if it is still `expected` (`changed` error otherwise; success if absent).
  Result<void> back_up(const RelativePath& path, const LocalFile& expected, Backup& backup);
  /// The same for whatever file stands there now, if one does. Null: nothing is kept.
  Result<void> back_up(const RelativePath& path, Backup* backup);

  /// Sets the time of a file that is in place, if it is still `expected`; says what fstat gives
  /// then.
  Result<LocalFile> set_mtime(const RelativePath& path, const LocalFile& expected,
                              std::int64_t modified_ms);

  /// Makes all that was written and renamed before durable (syncfs).
  Result<void> sync();
  /// Whether syncfs does that here, and reports errors: ext4, XFS, btrfs, and tmpfs (where nothing
  /// is durable), on Linux 5.8 or newer.
  bool can_sync_at_once() const noexcept;
  /// The same for these files only, one by one. What has gone meanwhile needs no sync.
  Result<void> sync_each(const ToSync& what);

  std::uint64_t free_bytes() const noexcept;  ///< for unprivileged users, as statvfs gives it

 private:
  Destination();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::local
