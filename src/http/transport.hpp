#pragma once

#include "base/pipe.hpp"
#include "base/result.hpp"
#include "http/client.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::http {

/// What a step on a nonblocking stream came to.
enum class Io : std::uint8_t {
  done,        ///< `bytes` were moved
  end,         ///< the peer ended the stream properly
  want_read,   ///< try again when the descriptor is readable
  want_write,  ///< … writable
  failed,      ///< for good: `Stream::failure` says why
};

struct IoResult {
  Io io = Io::failed;
  std::size_t bytes = 0;
};

/// Bytes in and out of one connected descriptor, plain or TLS, never waiting. It does not own the
/// descriptor. Never raises SIGPIPE.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  virtual IoResult handshake() = 0;
  /// Fills as much of `into` as is there. Several TLS records make one result.
  virtual IoResult read(std::span<std::byte> into) = 0;
  virtual IoResult write(std::span<const std::byte> bytes) = 0;
  /// Whether `fill` is worth a call: the bytes are on the descriptor as they are.
  virtual bool fills_pipes() const noexcept { return false; }
  /// Moves up to `most` bytes that are there into `pipe`, which is open and empty. `done` with 0
  /// bytes: it does not work here after all.
  virtual IoResult fill(Pipe&, std::size_t) { return {}; }
  /// Says good-bye to the peer, as far as that is possible without waiting.
  virtual void farewell() noexcept = 0;
  /// "TLS 1.3, TLS_AES_128_GCM_SHA256, certificate until 2027-01-31", once the handshake is done;
  /// empty without TLS.
  virtual std::string security() const { return {}; }
  /// Why the last step failed, to follow "https://host:443: ".
  virtual std::string failure() const = 0;
};

std::unique_ptr<Stream> make_plain_stream(int descriptor);

/// The TLS settings of one client and the last session of its server, for resumption. TLS 1.2 or
/// newer; the peer's certificate and name are verified unless `options.verify` is false.
class TlsContext {
 public:
  /// `local` if a file that `options` names cannot be read, `usage` if it does not hold what it
  /// should.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options, std::string host);
  ~TlsContext();

  /// A stream for a connected descriptor; must not outlive the context. nullptr without memory.
  std::unique_ptr<Stream> make_stream(int descriptor);

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

/// A nonblocking TCP socket that is not inherited by child processes, without Nagle's delay;
/// -1 with errno set. `family`: AF_INET or AF_INET6.
int open_socket(int family) noexcept;

}  // namespace sluice::http
