// What the test and the library that is preloaded into the program (failing_calls.cpp) share: a
// file that both map. The test says which call fails; the library counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::failures {

/// System calls that fail for like reasons.
enum class Call : std::uint8_t {
  open,       ///< open, openat, openat2
  read,       ///< read, pread
  write,      ///< write, pwrite
  splice,     ///< splice into a file
  resize,     ///< ftruncate, fallocate
  sync,       ///< fsync, fdatasync, syncfs
  rename,     ///< rename, renameat, renameat2
  unlink,     ///< unlink, unlinkat, rmdir
  directory,  ///< mkdir, mkdirat
  link,       ///< linkat
  time,       ///< utimensat, futimens
  look,       ///< stat, lstat, fstat, fstatat, statx
};
inline constexpr std::size_t kCalls = 12;
/// Instead of a Call: any of them that changes something, and opening.
inline constexpr std::uint8_t kAnyChange = kCalls;
/// Instead of an errno: the process is killed before the call.
inline constexpr std::int32_t kKill = -1;

/// All-zero: nothing fails. Only calls on paths and descriptors below `dir` count.
struct Control {
  char dir[256];
  std::uint8_t call;   ///< a Call or kAnyChange
  bool from_then_on;   ///< else only once
  std::int32_t error;  ///< an errno or kKill
  std::uint32_t at;    ///< the number of the call, from 1; 0: none
  std::array<std::atomic<std::uint32_t>, kCalls + 1> counts;
  std::atomic<std::uint32_t> failed;  ///< calls that did
};

/// Names the file that is mapped.
inline constexpr const char* kControlVariable = "SLUICE_FAILING_CALLS";

}  // namespace sluice::failures
