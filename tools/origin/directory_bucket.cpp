#include "origin/directory_bucket.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluice::origin {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::int64_t modified_ns(const struct stat& st) {
  return std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
}

}  // namespace

class DirectoryBucket::FileContent final : public Content {
 public:
  FileContent(Fd fd, const struct stat& st)
      : fd_(std::move(fd)),
        stamp_{static_cast<std::uint64_t>(st.st_size), origin::modified_ns(st), st.st_ino} {}

  const Stamp& stamp() const { return stamp_; }
  std::uint64_t size() const override { return stamp_.size; }
  std::size_t read(std::uint64_t offset, char* into, std::size_t bytes) const override {
    if (offset >= stamp_.size) return 0;
    bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, stamp_.size - offset));
    std::size_t done = 0;
    while (done < bytes) {
      const ssize_t n =
          ::pread(fd_.get(), into + done, bytes - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  Fd fd_;
  Stamp stamp_;
};

DirectoryBucket::DirectoryBucket(const std::filesystem::path& root)
    : root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (root_ < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot serve " + root.string());
  }
  refresh();
}

DirectoryBucket::~DirectoryBucket() {
  ::close(root_);
}

void DirectoryBucket::refresh() {
  Index fresh;
  walk(root_, "", fresh);
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : fresh) {
    const auto known = index_.find(key);
    if (known != index_.end() && known->second.stamp == entry.stamp) {
      entry.etag = std::move(known->second.etag);
    }
  }
  index_ = std::move(fresh);
}

void DirectoryBucket::walk(int directory, const std::string& prefix, Index& into) const {
  // A second descriptor, since closedir closes the one it was given.
  Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (own.get() < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(own.get()), ::closedir);
  if (!entries) return;
  own.release();
  while (const dirent* const entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(st.st_mode)) {
      const Stamp stamp{static_cast<std::uint64_t>(st.st_size), origin::modified_ns(st), st.st_ino};
      into.emplace(prefix + name, Entry{stamp, {}});
    } else if (S_ISDIR(st.st_mode)) {
      const Fd child(
          ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child.get() >= 0) walk(child.get(), prefix + name + '/', into);
    }
  }
}

// Segment by segment without following links: a key can name nothing outside the tree.
std::shared_ptr<DirectoryBucket::FileContent> DirectoryBucket::open(std::string_view key) const {
  if (key.find('\0') != std::string_view::npos) return nullptr;
  Fd directory(::openat(root_, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (true) {
    const std::size_t slash = key.find('/');
    const std::string segment(key.substr(0, slash));
    if (segment.empty() || segment == "." || segment == "..") return nullptr;
    if (slash == std::string_view::npos) {
      Fd file(::openat(directory.get(), segment.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      struct stat st {};
      if (file.get() < 0 || ::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return nullptr;
      return std::make_shared<FileContent>(std::move(file), st);
    }
    directory = Fd(
        ::openat(directory.get(), segment.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (directory.get() < 0) return nullptr;
    key.remove_prefix(slash + 1);
  }
}

std::string DirectoryBucket::etag_of(const std::string& key, const FileContent& file) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = index_.find(key);
    const bool same = known != index_.end() && known->second.stamp == file.stamp();
    if (same && !known->second.etag.empty()) return known->second.etag;
  }
  std::string etag = md5_etag(file);
  const std::lock_guard lock(mutex_);
  index_.insert_or_assign(key, Entry{file.stamp(), etag});
  return etag;
}

ObjectInfo DirectoryBucket::info_of(const std::string& key, const FileContent& file) {
  ObjectInfo info;
  info.key = key;
  info.etag = etag_of(key, file);
  info.size = file.size();
  info.modified_ms = file.stamp().modified_ns / 1'000'000;
  return info;
}

std::vector<ObjectInfo> DirectoryBucket::indexed_from(std::string_view from, std::size_t limit) {
  std::vector<ObjectInfo> out;
  const std::lock_guard lock(mutex_);
  for (auto at = index_.lower_bound(from); at != index_.end() && out.size() < limit; ++at) {
    ObjectInfo info;
    info.key = at->first;
    info.size = at->second.stamp.size;
    info.modified_ms = at->second.stamp.modified_ns / 1'000'000;
    info.etag = at->second.etag;
    out.push_back(std::move(info));
  }
  return out;
}

// Works out a missing ETag. False if the file is gone, or shrank while it was hashed.
bool DirectoryBucket::complete(ObjectInfo& info) {
  if (!info.etag.empty()) return true;
  try {
    const auto file = open(info.key);
    if (file) info = info_of(info.key, *file);
    return file != nullptr;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::vector<ObjectInfo> DirectoryBucket::list_from(std::string_view from, std::size_t limit) {
  std::string next(from);
  while (true) {
    std::vector<ObjectInfo> out = indexed_from(next, limit);
    if (out.empty()) return out;
    next = out.back().key + '\0';
    // Outside the lock, at most once a version of a file.
    std::erase_if(out, [this](ObjectInfo& info) { return !complete(info); });
    if (!out.empty()) return out;
  }
}

std::optional<Object> DirectoryBucket::find(std::string_view key) {
  const auto file = open(key);
  if (!file) return std::nullopt;
  return Object{info_of(std::string(key), *file), file};
}

}  // namespace sluice::origin
