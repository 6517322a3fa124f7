// Preloaded into the program: system calls of its own and of its libraries (SQLite) fail when the
// test says so (failing_calls.hpp). What the C library calls inside of itself is not seen.

#include "failing_calls.hpp"

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Programs here are built for 64-bit offsets, and so are Debian's libraries: they call the
// functions with a 64 in their names. every_call_test expects that calls of each kind were counted.

namespace sluice::failures {
namespace {

Control* control = nullptr;
std::size_t dir_length = 0;

__attribute__((constructor)) void attach() {
  const char* path = std::getenv(kControlVariable);
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  void* mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || mapped == MAP_FAILED) std::abort();
  ::close(fd);
  auto* found = static_cast<Control*>(mapped);
  dir_length = std::strlen(found->dir);
  control = found;
}

/// The function of the C library that ours stands before.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool lies_in_dir(const char* path) {
  return std::strncmp(path, control->dir, dir_length) == 0 &&
         (path[dir_length] == '/' || path[dir_length] == '\0');
}

bool is_watched(int fd) {
  if (control == nullptr) return false;
  char link[64];
  char path[sizeof(Control::dir) + 4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const int before = errno;
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  errno = before;
  if (length < 0) return false;
  path[length] = '\0';
  return lies_in_dir(path);
}

bool is_watched(int fd, const char* path) {
  if (control == nullptr || path == nullptr) return false;
  return path[0] == '/' ? lies_in_dir(path) : fd != AT_FDCWD && is_watched(fd);
}

bool is_turn(std::uint8_t call) {
  const std::uint32_t number = ++control->counts[call];
  if (control->at == 0 || control->call != call) return false;
  return control->from_then_on ? number >= control->at : number == control->at;
}

/// Counts the call; whether it shall fail, with errno set.
bool fails(Call call) {
  bool turn = is_turn(static_cast<std::uint8_t>(call));
  if (call != Call::read && call != Call::look) turn |= is_turn(kAnyChange);
  if (!turn) return false;
  ++control->failed;
  if (control->error == kKill) {
    ::kill(::getpid(), SIGKILL);
    for (;;)
      ::pause();
  }
  errno = control->error;
  return true;
}

bool fails(Call call, int fd) {
  return is_watched(fd) && fails(call);
}

bool fails(Call call, int fd, const char* path) {
  return is_watched(fd, path) && fails(call);
}

}  // namespace
}  // namespace sluice::failures

using sluice::failures::Call;
using sluice::failures::fails;
using sluice::failures::next;

/// A function of the C library: `watched` are the arguments of fails().
#define STAND_BEFORE(result, name, parameters, arguments, watched) \
  extern "C" result name parameters {                              \
    static auto* const real = next<result parameters>(#name);      \
    return fails watched ? -1 : real arguments;                    \
  }

#define STAND_BEFORE_STAT(name)                                                         \
  STAND_BEFORE(int, name, (const char* path, struct stat64* out) noexcept, (path, out), \
               (Call::look, AT_FDCWD, path))

STAND_BEFORE(ssize_t, read, (int fd, void* to, size_t size), (fd, to, size), (Call::read, fd))
STAND_BEFORE(ssize_t, pread64, (int fd, void* to, size_t size, off64_t at), (fd, to, size, at),
             (Call::read, fd))

STAND_BEFORE(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size),
             (Call::write, fd))
STAND_BEFORE(ssize_t, pwrite64, (int fd, const void* from, size_t size, off64_t at),
             (fd, from, size, at), (Call::write, fd))

STAND_BEFORE(ssize_t, splice,
             (int from_fd, off64_t* from_at, int fd, off64_t* at, size_t size, unsigned flags),
             (from_fd, from_at, fd, at, size, flags), (Call::splice, fd))

STAND_BEFORE(int, ftruncate64, (int fd, off64_t size) noexcept, (fd, size), (Call::resize, fd))
STAND_BEFORE(int, fallocate64, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size),
             (Call::resize, fd))

STAND_BEFORE(int, fsync, (int fd), (fd), (Call::sync, fd))
STAND_BEFORE(int, fdatasync, (int fd), (fd), (Call::sync, fd))
STAND_BEFORE(int, syncfs, (int fd) noexcept, (fd), (Call::sync, fd))

STAND_BEFORE(int, rename, (const char* from, const char* path) noexcept, (from, path),
             (Call::rename, AT_FDCWD, path))
STAND_BEFORE(int, renameat, (int from_fd, const char* from, int fd, const char* path) noexcept,
             (from_fd, from, fd, path), (Call::rename, fd, path))
STAND_BEFORE(int, renameat2,
             (int from_fd, const char* from, int fd, const char* path, unsigned flags) noexcept,
             (from_fd, from, fd, path, flags), (Call::rename, fd, path))

STAND_BEFORE(int, unlink, (const char* path) noexcept, (path), (Call::unlink, AT_FDCWD, path))
STAND_BEFORE(int, rmdir, (const char* path) noexcept, (path), (Call::unlink, AT_FDCWD, path))
STAND_BEFORE(int, unlinkat, (int fd, const char* path, int flags) noexcept, (fd, path, flags),
             (Call::unlink, fd, path))

STAND_BEFORE(int, mkdir, (const char* path, mode_t mode) noexcept, (path, mode),
             (Call::directory, AT_FDCWD, path))
STAND_BEFORE(int, mkdirat, (int fd, const char* path, mode_t mode) noexcept, (fd, path, mode),
             (Call::directory, fd, path))

STAND_BEFORE(int, linkat,
             (int from_fd, const char* from, int fd, const char* path, int flags) noexcept,
             (from_fd, from, fd, path, flags), (Call::link, fd, path))

STAND_BEFORE(int, utimensat,
             (int fd, const char* path, const struct timespec* times, int flags) noexcept,
             (fd, path, times, flags), (Call::time, fd, path))
STAND_BEFORE(int, futimens, (int fd, const struct timespec* times) noexcept, (fd, times),
             (Call::time, fd))

STAND_BEFORE_STAT(stat64)
STAND_BEFORE_STAT(lstat64)
STAND_BEFORE(int, fstat64, (int fd, struct stat64* out) noexcept, (fd, out), (Call::look, fd))
STAND_BEFORE(int, fstatat64, (int fd, const char* path, struct stat64* out, int flags) noexcept,
             (fd, path, out, flags), (Call::look, fd, path))
STAND_BEFORE(int, statx,
             (int fd, const char* path, int flags, unsigned mask, struct statx* out) noexcept,
             (fd, path, flags, mask, out), (Call::look, fd, path))

// Those that take a variable number of arguments get all that there may be.
extern "C" int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  static auto* const real = next<int(const char*, int, ...)>("open64");
  return fails(Call::open, AT_FDCWD, path) ? -1 : real(path, flags, mode);
}

extern "C" int openat64(int fd, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  static auto* const real = next<int(int, const char*, int, ...)>("openat64");
  return fails(Call::open, fd, path) ? -1 : real(fd, path, flags, mode);
}

extern "C" long syscall(long number, ...) noexcept {
  long arguments[6];
  va_list rest;
  va_start(rest, number);
  for (long& argument : arguments)
    argument = va_arg(rest, long);
  va_end(rest);
  static auto* const real = next<long(long, ...)>("syscall");
  const bool opens = number == SYS_openat2;
  if (opens && fails(Call::open, static_cast<int>(arguments[0]),
                     reinterpret_cast<const char*>(arguments[1])))
    return -1;
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}
