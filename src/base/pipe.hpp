#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>

namespace sluice {

/// A pipe through which the kernel moves bytes from one descriptor to another (splice), without a
/// copy in our memory. It knows what it holds: whoever fills it hands it to one who empties it,
/// before anything else runs on that thread. Linux only. For one thread.
class Pipe {
 public:
  /// As much as an unprivileged process may ask for (/proc/sys/fs/pipe-max-size); where it may not
  /// have it, the pipe is smaller. What it holds belongs to the socket: it takes no memory of its
  /// own.
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  Pipe() = default;
  Pipe(Pipe&& other) noexcept;
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe() { reset(); }

  /// Makes it, unless it is there; false with errno set if no descriptors are left.
  bool open() noexcept;
  /// Whatever it holds is lost, and will never be taken for something else.
  void reset() noexcept;
  std::size_t held() const noexcept { return held_; }

  /// These three as splice(2) and read(2): the bytes moved, 0 at the end, -1 with errno set. The
  /// first never waits.
  ssize_t fill_from(int descriptor, std::size_t most) noexcept;
  ssize_t empty_into(int file, std::uint64_t offset) noexcept;
  ssize_t read(std::span<std::byte> into) noexcept;

 private:
  ssize_t taken(ssize_t bytes) noexcept;

  int read_end_ = -1;
  int write_end_ = -1;
  std::size_t held_ = 0;
};

}  // namespace sluice
