// A connected socket, plain or TLS, behind one interface: only stream.cpp pays for Asio's TLS
// templates (37 s of compile time against 1.3 s where coroutines used them directly).
#pragma once

#include "origin/server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace sluice::origin {

// Used from its own thread only. A false or zero result means that the connection is over.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual boost::asio::awaitable<bool> handshake() = 0;
  virtual boost::asio::awaitable<std::size_t> read_some(char* into, std::size_t bytes) = 0;
  virtual boost::asio::awaitable<bool> write(const char* data, std::size_t bytes) = 0;
  // An orderly end: close_notify where wanted, then FIN.
  virtual boost::asio::awaitable<void> close() = 0;

  // Waits until the peer has acknowledged what was written (at most one second), then sends RST.
  boost::asio::awaitable<void> reset();
  // FIN or RST: whether the peer has closed its side, unread data or not.
  bool peer_left();

 protected:
  virtual boost::asio::ip::tcp::socket& socket() = 0;
};

// Throws std::runtime_error if the PEM texts cannot be used.
std::shared_ptr<boost::asio::ssl::context> make_tls_context(const TlsOptions& options);

// `tls` null: a plain stream.
std::unique_ptr<Stream> make_stream(boost::asio::ip::tcp::socket socket,
                                    boost::asio::ssl::context* tls, bool send_close_notify);

}  // namespace sluice::origin
