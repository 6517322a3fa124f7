#include "base/result.hpp"

#include <cerrno>
#include <cstring>

namespace sluice {

namespace {

/// What to do about it; empty where nothing can be said in general.
std::string_view advice(int os_error) noexcept {
  switch (os_error) {
    case ENOSPC:
      return "free some space there";
    case EDQUOT:
      return "free some space, or have the quota raised";
    case EMFILE:
      return "raise the limit (ulimit -n; LimitNOFILE= of a systemd unit)";
    case ENFILE:
      return "raise the system's limit (sysctl fs.file-max)";
    case EROFS:
      return "mount it read-write (after an error the kernel may have made it read-only: see "
             "dmesg)";
    case EIO:
      return "the disk or the connection to it may be failing: see dmesg";
    case EACCES:
    case EPERM:
      return "whoever runs sluice needs permission to read and write there";
    default:
      return {};
  }
}

}  // namespace

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::transient:
      return "transient";
    case ErrorKind::throttled:
      return "throttled";
    case ErrorKind::stale:
      return "stale";
    case ErrorKind::changed:
      return "changed";
    case ErrorKind::missing_key:
      return "missing-key";
    case ErrorKind::missing_bucket:
      return "missing-bucket";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::credentials:
      return "credentials";
    case ErrorKind::expired:
      return "expired";
    case ErrorKind::wrong_region:
      return "wrong-region";
    case ErrorKind::skewed:
      return "skewed";
    case ErrorKind::archived:
      return "archived";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::invalid_answer:
      return "invalid-answer";
    case ErrorKind::unreachable:
      return "unreachable";
    case ErrorKind::local:
      return "local";
    case ErrorKind::refused_key:
      return "refused-key";
    case ErrorKind::guard:
      return "guard";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::locked:
      return "locked";
    case ErrorKind::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string explained(int os_error) {
  char buffer[128];
  std::string out = strerror_r(os_error, buffer, sizeof buffer);
  if (const std::string_view what_to_do = advice(os_error); !what_to_do.empty()) {
    out += "; ";
    out += what_to_do;
  }
  return out;
}

Error local_error(std::string_view what, int os_error) {
  Error error(ErrorKind::local, std::string(what));
  error.message += ": ";
  error.message += explained(os_error);
  error.os_error = os_error;
  return error;
}

}  // namespace sluice
