#include "base/result.hpp"

#include <cstring>

namespace sluice {

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

Error local_error(std::string_view what, int os_error) {
  char buffer[128];
  Error error(ErrorKind::local, std::string(what));
  error.message += ": ";
  error.message += strerror_r(os_error, buffer, sizeof buffer);
  error.os_error = os_error;
  return error;
}

}  // namespace sluice
