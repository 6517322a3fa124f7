#pragma once

#include "async/runtime.hpp"
#include "base/pipe.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "http/codec.hpp"
#include "http/resolver.hpp"
#include "http/transport.hpp"
#include "http/tunnel.hpp"
#include "http/watchdog.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// What the connections of one client share; it outlives them.
struct ConnectionContext {
  async::Runtime& runtime;
  async::Executor executor;
  ClientOptions options;
  std::string peer;                 ///< "https://host:port" (and the proxy), for messages
  std::unique_ptr<TlsContext> tls;  ///< nullptr for http
  /// The only read buffer: what was read is handed to the handler before anything else runs on this
  /// thread. It stays in the cache, and an idle connection holds none.
  std::vector<std::byte> read_buffer;
  /// The only pipe, likewise: empty between two reads.
  Pipe pipe;
  std::shared_ptr<Watchdog> watchdog;
  ClientStats stats;
  std::optional<Via> via;  ///< the proxy that `Resolver` gives the addresses of, if any
};

/// One connection: a socket, its stream and the parser of its answers. Destroying it closes it.
class Connection final : public Watched {
 public:
  Connection(ConnectionContext& context, const Resolver::Address& address);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  /// Connects, to the proxy if there is one, and shakes hands over TLS, through a tunnel then.
  /// `unreachable` if that fails; or what the proxy's refusal means.
  async::Task<Result<void>> open();
  /// Whether another address might do better after `open` failed: not if TLS was refused.
  bool may_try_elsewhere() const noexcept { return may_try_elsewhere_; }

  /// Sends the request's bytes and feeds the answer to `handler`. After an error the connection is
  /// of no further use.
  async::Task<Result<void>> exchange(Method method, std::string_view wire,
                                     ResponseHandler& handler);

  /// After an exchange failed: whether that was because the server had closed a kept-alive
  /// connection, so that nothing of an answer came.
  bool was_stale() const noexcept { return was_stale_; }
  /// After a successful exchange: whether the connection may carry another.
  bool is_reusable() const noexcept { return reusable_; }
  /// Before another exchange: whether neither an end nor bytes that nobody asked for have arrived.
  bool is_quiet();

  void rest(SteadyTime now) noexcept { idle_since_ = now; }
  SteadyTime idle_since() const noexcept { return idle_since_; }
  SteadyTime opened_at() const noexcept { return opened_at_; }
  const Resolver::Address& address() const noexcept { return address_; }

  PhaseClock& phase_clock() noexcept override { return clock_; }
  void give_up() noexcept override;

 private:
  async::Task<Result<void>> connect();
  async::Task<Result<void>> open_tunnel();
  async::Task<Result<void>> shake_hands();
  /// Writes what goes without waiting; the error once the stream is broken.
  Result<void> write(std::span<const std::byte>& left);
  async::Task<Result<void>> write_all(std::span<const std::byte> left);
  async::Task<Result<void>> receive(ResponseHandler& handler);
  async::Task<void> wait(Io what);
  /// The two halves of `wait`, which spare its frame: to be awaited, and to be called after it.
  async::Task<void> ready(Io what);
  void judge_wait() const;
  bool takes_pipe(const ResponseHandler& handler) noexcept;
  Result<void> take(std::size_t bytes);  ///< those in the read buffer
  Result<void> take_pipe(ResponseHandler& handler, std::size_t bytes);
  IoResult fill_pipe();
  IoResult fill_buffer(const ResponseHandler& handler);
  bool limits_rate() const noexcept;
  std::size_t read_size(std::size_t whole) const noexcept;
  async::Task<void> keep_rate(std::uint64_t body_bytes);
  void note_progress();
  void choose_low_water();
  void set_low_water(int bytes) noexcept;
  std::string cannot_connect() const;
  Error connect_error(int error) const;
  Error timeout_error() const;
  Error broken();
  Error ended();

  ConnectionContext& context_;
  const Resolver::Address address_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Stream> stream_;
  ResponseParser parser_;
  PhaseClock clock_;
  SteadyTime opened_at_{};
  SteadyTime idle_since_{};
  std::uint64_t exchanges_ = 0;
  int low_water_ = 1;  ///< SO_RCVLOWAT as it is set
  boost::system::error_code wait_error_;
  Io blocked_on_ = Io::done;  ///< what the last write came to
  bool trickles_ = false;
  bool may_try_elsewhere_ = false;
  bool gave_up_ = false;
  bool was_stale_ = false;
  bool reusable_ = false;
};

}  // namespace sluice::http
