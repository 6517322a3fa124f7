#include "base/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace sluice {

Pipe::Pipe(Pipe&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)),
      write_end_(std::exchange(other.write_end_, -1)),
      held_(std::exchange(other.held_, 0)) {}

bool Pipe::open() noexcept {
  if (read_end_ >= 0) return true;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  read_end_ = ends[0];
  write_end_ = ends[1];
  ::fcntl(write_end_, F_SETPIPE_SZ, static_cast<int>(kBytes));
  return true;
}

void Pipe::reset() noexcept {
  if (read_end_ < 0) return;
  ::close(std::exchange(read_end_, -1));
  ::close(std::exchange(write_end_, -1));
  held_ = 0;
}

ssize_t Pipe::fill_from(int descriptor, std::size_t most) noexcept {
  const ssize_t moved =
      ::splice(descriptor, nullptr, write_end_, nullptr, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (moved > 0) held_ += static_cast<std::size_t>(moved);
  return moved;
}

ssize_t Pipe::empty_into(int file, std::uint64_t offset) noexcept {
  auto at = static_cast<loff_t>(offset);
  return taken(::splice(read_end_, nullptr, file, &at, held_, SPLICE_F_MOVE));
}

ssize_t Pipe::read(std::span<std::byte> into) noexcept {
  return taken(::read(read_end_, into.data(), into.size()));
}

ssize_t Pipe::taken(ssize_t bytes) noexcept {
  if (bytes > 0) held_ -= static_cast<std::size_t>(bytes);
  return bytes;
}

}  // namespace sluice
