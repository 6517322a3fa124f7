#include "local/staging.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "local/entries.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace sluice::local {
namespace {

constexpr const char* kStagingName = "staging";

/// From this size on, blocks are asked for at once: a full disk is noticed before the download, and
/// parts that arrive out of order do not scatter the file. Below it the call costs more than it
/// tells.
constexpr std::uint64_t kReserveFrom = std::uint64_t{1} << 20;

/// Kept back for the record and for others: a full disk must not keep us from noting what we did.
/// The record's log takes up to 64 MiB (journal_size_limit); small file systems lose 1 %.
constexpr std::uint64_t kMostKeptBack = std::uint64_t{64} << 20;
constexpr std::uint64_t kKeptBackShare = 100;

/// Small files are not looked at one by one: where statfs has to sum up what each processor counts
/// it costs as much as their rename.
constexpr std::uint64_t kCheckedEvery = std::uint64_t{1} << 20;
constexpr std::uint64_t kLeastTaken = 4096;

/// "<shard>/<number>", and nothing that could lead elsewhere: names come back from the record.
bool is_staged_name(const std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == name.size()) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](const char& c) { return (c >= '0' && c <= '9') || &c == &name[slash]; });
}

/// Empties the folders of shards but for the files of these names. 0 or an errno.
int empty_but(int staging, const std::set<std::string>& kept) {
  return each_entry(staging, ".", [&kept](int parent, const char* name) {
    const std::string folder(name);
    const auto first = kept.lower_bound(folder + "/");
    if (first == kept.end() || !first->starts_with(folder + "/")) return remove_entry(parent, name);
    return each_entry(parent, name, [&kept, &folder](int here, const char* file) {
      return kept.contains(folder + "/" + file) ? 0 : remove_entry(here, file);
    });
  });
}

/// Shards are directories and nothing else: a symlink put there before would lead our writes away.
int remove_all_but_directories(int fd) {
  return each_entry(fd, ".", [](int parent, const char* name) {
    struct stat st {};
    const bool goes = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode);
    return goes && unlinkat(parent, name, 0) != 0 ? errno : 0;
  });
}

/// tmpfs would clear each page now, only to have it overwritten.
bool is_reserving_cheap(int fd) noexcept {
  struct statfs st {};
  return fstatfs(fd, &st) != 0 || static_cast<unsigned>(st.f_type) != TMPFS_MAGIC;
}

/// 0 or an errno; a file system that cannot reserve is none.
int reserve(int fd, std::uint64_t size_bytes) {
  // KEEP_SIZE: a file of full length that holds only zeros would look finished.
  while (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes)) != 0) {
    if (errno == EINTR) continue;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errno : 0;
  }
  return 0;
}

}  // namespace

Error Staging::error(const char* what, int os_error) const {
  return local_error(std::string(what) + " in " + shown_, os_error);
}

Result<Staging> Staging::open(const Beneath& beneath, int folder, const std::string& dir) {
  Staging out;
  out.shown_ = "\"" + text::escaped(dir) + "/.sluice/staging\"";
  out.counts_ = std::make_unique<Counts>();
  out.counts_->unchecked = kCheckedEvery;
  if (mkdirat(folder, kStagingName, 0700) != 0 && errno != EEXIST)
    return local_error("cannot create " + out.shown_, errno);
  out.fd_ = FileDescriptor(beneath.open_at(folder, kStagingName, O_RDONLY | O_DIRECTORY));
  if (!out.fd_) return local_error("cannot open " + out.shown_, -out.fd_.get());
  out.reserves_ = is_reserving_cheap(out.fd());
  if (const int failed = remove_all_but_directories(out.fd()); failed != 0)
    return out.error("cannot clear what is left", failed);
  return out;
}

Result<void> Staging::clear(const std::set<std::string>& kept) {
  if (const int failed = empty_but(fd_.get(), kept); failed != 0)
    return error("cannot clear what is left", failed);
  return {};
}

/// A name that the record knows is never given to another file, also where its file has gone: the
/// row may outlive this run, and the next would take that file for its own.
void Staging::retire(const std::string& name) {
  const std::string_view number = std::string_view(name).substr(name.find('/') + 1);
  const std::uint64_t after = text::parse_uint(number).value_or(0) + 1;
  std::uint64_t next = counts_->next.load();
  while (next < after && !counts_->next.compare_exchange_weak(next, after)) {
  }
}

Result<StagedFile> Staging::reopen(const std::string& name) {
  if (!is_staged_name(name)) return error("there is no such file", EINVAL);
  retire(name);
  StagedFile out;
  out.fd_ = FileDescriptor(
      open_again(fd_.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!out.fd_) return error("cannot open a file", errno);
  struct stat st {};
  if (fstat(out.fd(), &st) != 0) return error("cannot look at a file", errno);
  if (!S_ISREG(st.st_mode)) return error("there is no such file", EINVAL);
  out.staging_fd_ = fd_.get();
  out.name_ = name;
  out.keep();
  return out;
}

int Staging::sync(const std::string& name) const {
  const FileDescriptor fd(open_again(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? 0 : errno;
  // Not fdatasync: the time of the file must survive as well.
  return fsync(fd.get()) == 0 ? 0 : errno;
}

/// Whether a file of that size fits and leaves free what is kept back. What others take meanwhile
/// is noticed when it is written.
Result<void> Staging::check_room(std::uint64_t size_bytes) const {
  const std::uint64_t taken = size_bytes + kLeastTaken;
  if (size_bytes == 0 || counts_->unchecked.fetch_add(taken) + taken < kCheckedEvery) return {};
  struct statfs st {};
  if (fstatfs(fd(), &st) != 0 || st.f_blocks == 0) return {};
  const auto block = static_cast<std::uint64_t>(st.f_bsize);
  const std::uint64_t free = st.f_bavail * block;
  const std::uint64_t kept = std::min(kMostKeptBack, st.f_blocks * block / kKeptBackShare);
  if (size_bytes <= free && kept <= free - size_bytes) {
    counts_->unchecked = 0;
    return {};
  }
  return error(("no room for " + units::format_size(size_bytes) + " (" + units::format_size(free) +
                " are free, of which " + units::format_size(kept) + " are kept back)")
                   .c_str(),
               ENOSPC);
}

Result<StagedFile> Staging::create(unsigned shard, std::uint64_t size_bytes) {
  if (const auto room = check_room(size_bytes); !room) return room.error();
  const std::string folder = std::to_string(shard);
  StagedFile out;
  for (int folders = 0;;) {
    std::string name = folder + "/" + std::to_string(counts_->next.fetch_add(1));
    FileDescriptor fd(open_again(fd_.get(), name.c_str(),
                                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (fd) {
      out.fd_ = std::move(fd);
      out.staging_fd_ = fd_.get();
      out.name_ = std::move(name);
      break;
    }
    if (errno == EEXIST || errno == EINTR) continue;  // left by a run that crashed
    // The folder is made when it is first used; it may go again only while it is empty.
    if (errno != ENOENT || ++folders > 8) return error("cannot create a file", errno);
    if (mkdirat(fd_.get(), folder.c_str(), 0700) != 0 && errno != EEXIST)
      return error("cannot create a folder", errno);
  }
  if (size_bytes >= kReserveFrom && reserves_) {
    if (const int failed = reserve(out.fd(), size_bytes); failed != 0)
      return error("cannot reserve space", failed);
  }
  return out;
}

Result<std::string> Staging::make_directory() {
  for (;;) {
    std::string name = std::to_string(counts_->next.fetch_add(1)) + ".dir";
    if (mkdirat(fd_.get(), name.c_str(), 0777) == 0) return name;
    if (errno != EEXIST) return error("cannot create a folder", errno);
  }
}

}  // namespace sluice::local
