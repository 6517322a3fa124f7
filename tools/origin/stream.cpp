#include "origin/stream.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <linux/sockios.h>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>

namespace sluice::origin {
namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

// FIN. Unread bytes (a request body) would make the kernel send RST, which can overtake the answer.
void finish(tcp::socket& socket) {
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  char sink[4096];
  while (::recv(socket.native_handle(), sink, sizeof sink, MSG_DONTWAIT) > 0) {
  }
  socket.close(ignored);
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<bool> handshake() override { co_return true; }

  asio::awaitable<std::size_t> read_some(char* into, std::size_t bytes) override {
    error_code error;
    const std::size_t n = co_await socket_.async_read_some(
        asio::buffer(into, bytes), asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : n;
  }

  asio::awaitable<bool> write(const char* data, std::size_t bytes) override {
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(data, bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<void> close() override {
    finish(socket_);
    co_return;
  }

 private:
  tcp::socket& socket() override { return socket_; }
  tcp::socket socket_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(tcp::socket socket, asio::ssl::context& context, bool send_close_notify)
      : stream_(std::move(socket), context), send_close_notify_(send_close_notify) {}

  asio::awaitable<bool> handshake() override {
    error_code error;
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<std::size_t> read_some(char* into, std::size_t bytes) override {
    error_code error;
    const std::size_t n = co_await stream_.async_read_some(
        asio::buffer(into, bytes), asio::redirect_error(asio::use_awaitable, error));
    co_return error ? 0 : n;
  }

  asio::awaitable<bool> write(const char* data, std::size_t bytes) override {
    error_code error;
    co_await asio::async_write(stream_, asio::buffer(data, bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  // async_shutdown waits for the peer's close_notify, which many clients never send: with the
  // receiving side shut it only sends ours.
  asio::awaitable<void> close() override {
    error_code ignored;
    if (send_close_notify_) {
      stream_.next_layer().shutdown(tcp::socket::shutdown_receive, ignored);
      co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    }
    finish(stream_.next_layer());
  }

 private:
  tcp::socket& socket() override { return stream_.next_layer(); }
  asio::ssl::stream<tcp::socket> stream_;
  bool send_close_notify_;
};

}  // namespace

asio::awaitable<void> Stream::reset() {
  tcp::socket& target = socket();
  asio::steady_timer timer(target.get_executor());
  for (int waited_ms = 0; waited_ms < 1000; ++waited_ms) {
    int unsent = 0;
    if (::ioctl(target.native_handle(), SIOCOUTQ, &unsent) != 0 || unsent == 0) break;
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  }
  error_code ignored;
  target.set_option(asio::socket_base::linger(true, 0), ignored);
  target.close(ignored);
}

bool Stream::peer_left() {
  if (!socket().is_open()) return true;
  pollfd state{};
  state.fd = socket().native_handle();
  state.events = POLLRDHUP;
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::shared_ptr<asio::ssl::context> make_tls_context(const TlsOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const handle = context->native_handle();
  // TLS 1.0 and 1.1 need level 0; they are only spoken when a test asks for them.
  const bool old = options.max_version != 0 && options.max_version < TLS1_2_VERSION;
  if (old) SSL_CTX_set_security_level(handle, 0);
  // Asio's context forbids 1.0 and 1.1 by options of their own.
  if (old) SSL_CTX_clear_options(handle, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
  SSL_CTX_set_min_proto_version(handle, old ? TLS1_VERSION : options.min_version);
  SSL_CTX_set_max_proto_version(handle, options.max_version);
  try {
    if (!options.client_ca_pem.empty()) {
      context->add_certificate_authority(asio::buffer(options.client_ca_pem));
      context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
      // Without it no session can be resumed.
      SSL_CTX_set_session_id_context(handle, reinterpret_cast<const unsigned char*>("origin"), 6);
    }
    context->use_certificate_chain(asio::buffer(options.certificate_pem));
    context->use_private_key(asio::buffer(options.key_pem), asio::ssl::context::pem);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(std::string("certificate or key unusable: ") + error.what());
  }
  return context;
}

std::unique_ptr<Stream> make_stream(tcp::socket socket, asio::ssl::context* tls,
                                    bool send_close_notify) {
  if (tls == nullptr) return std::make_unique<PlainStream>(std::move(socket));
  return std::make_unique<TlsStream>(std::move(socket), *tls, send_close_notify);
}

}  // namespace sluice::origin
