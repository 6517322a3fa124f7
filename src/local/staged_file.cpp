#include "base/text.hpp"
#include "local/beneath.hpp"
#include "local/destination.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::local {

namespace {

constexpr std::size_t kCopyBytes = 64 * 1024;

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  // Never repeated on EINTR: on Linux the descriptor is gone then, and may be another file's.
  if (fd_ >= 0) close(fd_);
}

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  if (this != &other) {
    if (!kept_) discard();
    fd_ = std::move(other.fd_);
    staging_fd_ = other.staging_fd_;
    name_ = std::exchange(other.name_, {});
    kept_ = std::exchange(other.kept_, false);
  }
  return *this;
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      staging_fd_(other.staging_fd_),
      name_(std::exchange(other.name_, {})),
      kept_(std::exchange(other.kept_, false)) {}

StagedFile::~StagedFile() {
  if (!kept_) discard();
}

void StagedFile::discard() noexcept {
  if (!name_.empty()) unlinkat(staging_fd_, name_.c_str(), 0);
  name_.clear();
}

Result<void> StagedFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return write_error(errno);
    }
    // A regular file never takes nothing; a loop here would have no end.
    if (written == 0) return write_error(EIO);
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Error StagedFile::write_error(int os_error) const {
  return local_error("cannot write the staged file " + name_, os_error);
}

Result<void> StagedFile::write_at(std::uint64_t offset, Pipe& pipe) {
  while (pipe.held() > 0) {
    const ssize_t moved = pipe.empty_into(fd_.get(), offset);
    if (moved < 0) {
      if (errno == EINTR) continue;
      if (errno == EINVAL) return copy_at(offset, pipe);
      return write_error(errno);
    }
    if (moved == 0) return write_error(EIO);
    offset += static_cast<std::uint64_t>(moved);
  }
  return {};
}

/// For a file system that cannot take them from a pipe.
Result<void> StagedFile::copy_at(std::uint64_t offset, Pipe& pipe) {
  std::vector<std::byte> buffer(std::min(pipe.held(), kCopyBytes));
  while (pipe.held() > 0) {
    const ssize_t got = pipe.read(buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return write_error(got < 0 ? errno : EIO);
    const auto bytes = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
    if (auto written = write_at(offset, bytes); !written) return written;
    offset += bytes.size();
  }
  return {};
}

Result<LocalFile> StagedFile::finish(std::int64_t modified_ms) {
  const FileTimes times = file_times(modified_ms);
  struct stat st {};
  if (futimens(fd_.get(), times.values) != 0 || fstat(fd_.get(), &st) != 0)
    return local_error("cannot set the time of the staged file " + name_, errno);
  return to_local_file(st);
}

}  // namespace sluice::local
