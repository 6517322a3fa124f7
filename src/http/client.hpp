#pragma once

#include "async/rate_limiter.hpp"
#include "async/runtime.hpp"
#include "base/pipe.hpp"
#include "base/result.hpp"
#include "http/endpoint.hpp"
#include "http/message.hpp"
#include "http/proxy.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sluice::http {

/// Receives one answer, on the shard's thread. An error returned from either ends the exchange,
/// closes the connection and becomes the result of `exchange`.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  virtual Result<void> on_head(const ResponseHead& head) = 0;
  virtual Result<void> on_body(std::span<const std::byte> bytes) = 0;

  /// Whether it would rather have the body in a pipe, as far as that can be: asked before each
  /// read, first before the head.
  virtual bool takes_pipe() const noexcept { return false; }
  /// The next bytes of the body, instead of `on_body`: all that `pipe` holds, to be taken out of it
  /// now.
  virtual Result<void> on_pipe(Pipe&) { return {}; }
};

struct TlsOptions {
  std::string ca_bundle;  ///< PEM file that replaces the system's store; empty: system store
  bool verify = true;     ///< false only by --no-verify-ssl
  std::string client_certificate;  ///< PEM file, ours before those of its issuers; empty: none
  std::string client_key;          ///< PEM file, not encrypted; empty: in the one before
};

/// Figures: catalogue 1.5 and 4.
struct ClientOptions {
  TlsOptions tls;
  ProxyRules proxies;                             ///< decide once, when the client is made
  std::shared_ptr<async::RateLimiter> body_rate;  ///< bytes of bodies a second; null: no limit
  std::size_t max_connections = 64;               ///< open at once in this client, 1 to 4096
  std::size_t read_buffer_bytes = 256 * 1024;     ///< per connection, pooled
  std::size_t max_head_bytes = 64 * 1024;
  std::chrono::milliseconds connect_timeout{5'000};  ///< per address
  std::chrono::milliseconds tls_timeout{10'000};
  std::chrono::milliseconds first_byte_timeout{30'000};
  std::chrono::milliseconds stall_window{30'000};  ///< fewer than stall_bytes in it: cut
  std::size_t stall_bytes = 1024;
  std::chrono::milliseconds idle_timeout{20'000};  ///< an idle connection is closed after that
  std::chrono::milliseconds max_connection_age{300'000};
};

struct ClientStats {
  std::uint64_t connections_opened = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_received = 0;  ///< bodies only
  std::size_t open_now = 0;
};

/// The connections of one shard to one endpoint: keep-alive, newest first. All calls come from the
/// thread of `executor`; several exchanges may be under way at once and wait for a free connection.
class Client {
 public:
  /// `local` or `usage` error if a file of `tls` cannot be read or used, or a proxy is written
  /// wrongly.
  static Result<std::unique_ptr<Client>> make(async::Runtime& runtime, async::Executor executor,
                                              Endpoint endpoint, ClientOptions options);
  virtual ~Client() = default;

  /// Sends `request` (which must outlive the call) and feeds the answer to `handler`. A kept-alive
  /// connection that turns out to be closed before the first byte of the answer is replaced once,
  /// silently (request methods here are idempotent). Success: the whole answer was received,
  /// framed properly, whatever its status. Errors: `unreachable` (resolve, connect, proxy,
  /// TLS), `denied` (the proxy refuses), `transient` (cut, reset, timeout, stall), `invalid_answer`
  /// (breaks the protocol).
  virtual async::Task<Result<void>> exchange(const Request& request, ResponseHandler& handler) = 0;

  virtual ClientStats stats() const noexcept = 0;
  /// Closes idle connections; those in use close when their exchange ends.
  virtual void close_idle() noexcept = 0;
};

}  // namespace sluice::http
