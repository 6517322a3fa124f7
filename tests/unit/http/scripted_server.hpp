#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::http {

/// One accepted connection, seen from the server: blocking, and nothing waits longer than 10 s.
class Peer {
 public:
  Peer(int descriptor, SSL_CTX* tls);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  /// A request's head; empty once the client has closed.
  std::string request();
  void send(std::string_view bytes);
  void start_tls(SSL_CTX* tls);  ///< from here on: as a proxy, whose tunnel leads to a TLS server
  /// Waits until the client closes: false if it has not after `seconds`.
  bool closed_within(int seconds);
  void reset();      ///< closes with RST
  void cut();        ///< closes the TCP connection, without a TLS close_notify
  void interrupt();  ///< from another thread: unblocks whatever goes on
  bool failed() const noexcept { return failed_; }  ///< a send did not go through
  SSL* tls() const noexcept { return ssl_; }

 private:
  long receive(char* into, std::size_t size);

  std::atomic<int> descriptor_;
  SSL* ssl_ = nullptr;
  std::string buffer_;
  bool failed_ = false;
};

/// Listens on a free port of 127.0.0.1 and runs `script` for each connection, on a thread of its
/// own; when the script returns the connection is closed properly.
class ScriptedServer {
 public:
  /// `number` counts connections from 0.
  using Script = std::function<void(Peer& peer, unsigned number)>;

  explicit ScriptedServer(Script script, SSL_CTX* tls = nullptr);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  std::uint16_t port() const noexcept { return port_; }
  unsigned connections() const noexcept { return connections_; }

 private:
  void accept_all();
  void serve(int descriptor, unsigned number);

  const Script script_;
  SSL_CTX* const tls_;
  std::uint16_t port_ = 0;  // set by what makes the listener
  int listener_ = -1;
  std::atomic<unsigned> connections_ = 0;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A port of 127.0.0.1 on which nobody listens.
std::uint16_t closed_port();

/// A port of 127.0.0.1 whose queue of connections is full: another one is neither accepted nor
/// refused.
class DeafListener {
 public:
  DeafListener();
  DeafListener(const DeafListener&) = delete;
  DeafListener& operator=(const DeafListener&) = delete;
  ~DeafListener();

  std::uint16_t port() const noexcept { return port_; }

 private:
  std::uint16_t port_ = 0;
  std::vector<int> sockets_;
};

/// An answer with that body.
std::string answer(std::string_view body, std::string_view status = "200 OK");

}  // namespace sluice::http
