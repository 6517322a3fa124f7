#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// What went wrong, named by what the caller will do about it. One table (src/s3/errors.cpp) maps
/// HTTP status and S3 code to a kind; one function (src/transfer/retry.cpp) maps a kind to an
/// action.
enum class ErrorKind : std::uint8_t {
  transient,  ///< network, timeout, 5xx: the same request may succeed; retried with backoff
  throttled,  ///< 429, 503 SlowDown: retried, slower
  stale,    ///< a kept-alive connection had been closed by the server: retried at once, not counted
  changed,  ///< the object is no longer the version asked for (412, other ETag or length)
  missing_key,     ///< 404 NoSuchKey: the key vanished
  missing_bucket,  ///< 404 NoSuchBucket
  denied,          ///< 403: this identity may not do this
  credentials,     ///< no credentials, or the service does not accept them
  expired,         ///< credentials expired: refreshed once, then as `credentials`
  wrong_region,    ///< signed for another region; `region` names the right one where it is known
  skewed,          ///< the clock differs too much from the server's: re-signed once
  archived,        ///< the object is in an archive tier and not restored
  unsupported,     ///< 405, 501: the server lacks this optional feature
  corrupt,         ///< content does not match its proof
  invalid_answer,  ///< the answer breaks the protocol, or the listing is no valid listing
  unreachable,     ///< no address, connection refused, TLS refused: retried, then exit status 5
  local,           ///< local file system error; `os_error` is the errno
  refused_key,     ///< the key cannot be stored under its own bytes, or its path is occupied
  guard,           ///< a deletion guard said no
  usage,           ///< the request itself is wrong: bad flag, name or combination
  locked,          ///< another process holds the destination
  cancelled,       ///< stopped on request
};

/// Stable lower-case name of a kind, as used in logs and JSON events.
std::string_view to_string(ErrorKind kind) noexcept;

/// A failure as a value. `message` is one sentence for a person: it names the thing (bucket, key,
/// file, endpoint), what happened, and where it can, what to do. It never holds a secret.
struct Error {
  Error() = default;
  Error(ErrorKind k, std::string text) : kind(k), message(std::move(text)) {}

  ErrorKind kind = ErrorKind::transient;
  std::string message;
  std::string code;     ///< S3 error code (`SlowDown`), empty if none
  std::string region;   ///< only with `wrong_region`: where the bucket is, if said
  int http_status = 0;  ///< 0 if there was no HTTP answer
  int os_error = 0;     ///< errno, 0 if none
  std::chrono::milliseconds retry_after{0};  ///< what the server asked for; 0 if nothing
};

}  // namespace sluice
