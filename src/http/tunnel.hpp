#pragma once

#include "base/result.hpp"
#include "http/client.hpp"
#include "http/codec.hpp"
#include "http/proxy.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// What is said to a proxy and by it, without a socket.
namespace sluice::http {

/// The way of one client's connections through a proxy.
struct Via {
  Via(Proxy chosen, const Endpoint& to);

  Proxy proxy;
  std::string name;    ///< "the proxy http://host:port"
  std::string target;  ///< "host:port" of the endpoint
  std::string origin;  ///< "http://host[:port]": stands before the target of a request in the open
};

/// CONNECT, as it goes on the wire. The only message of a tunnel that has the proxy's password.
std::string connect_request(const Via& via);

/// What a proxy's refusal means: `denied` (401, 403, 407), `unreachable` (5xx: it does not get
/// through either), else `invalid_answer`. The message names the proxy.
Error proxy_refusal(const Via& via, int status);

/// Reads a proxy's answer to CONNECT.
class TunnelAnswer final : private ResponseHandler {
 public:
  /// `via` must outlive it.
  TunnelAnswer(const Via& via, std::size_t max_head_bytes);
  TunnelAnswer(const TunnelAnswer&) = delete;
  TunnelAnswer& operator=(const TunnelAnswer&) = delete;

  /// Whether the tunnel is open now: every byte from here on is the server's. An error is final.
  Result<bool> feed(std::span<const std::byte> bytes);
  /// The proxy closed the connection.
  Error end_of_stream();

 private:
  Result<void> on_head(const ResponseHead& head) override;
  Result<void> on_body(std::span<const std::byte>) override { return {}; }

  const Via& via_;
  ResponseParser parser_;
  int status_ = 0;
};

/// Stands between a server's answers in the open and their handler, and sees to what the proxy
/// itself answers: that becomes the exchange's error.
class ForwardedAnswer final : public ResponseHandler {
 public:
  /// Both must outlive it.
  ForwardedAnswer(const Via& via, ResponseHandler& handler) : via_(via), handler_(handler) {}

  Result<void> on_head(const ResponseHead& head) override;
  Result<void> on_body(std::span<const std::byte> bytes) override {
    return handler_.on_body(bytes);
  }
  bool takes_pipe() const noexcept override { return handler_.takes_pipe(); }
  Result<void> on_pipe(Pipe& pipe) override { return handler_.on_pipe(pipe); }

 private:
  const Via& via_;
  ResponseHandler& handler_;
};

}  // namespace sluice::http
