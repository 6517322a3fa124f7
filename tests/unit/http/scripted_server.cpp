#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::http {

namespace {

int listen_on_free_port(std::uint16_t& port, int queue = 128) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, raw, size) != 0 || ::listen(listener, queue) != 0 ||
      ::getsockname(listener, raw, &size) != 0)
    std::abort();
  port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

Peer::Peer(int descriptor, SSL_CTX* tls) : descriptor_(descriptor) {
  const timeval limit{10, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (tls != nullptr) start_tls(tls);
}

void Peer::start_tls(SSL_CTX* tls) {
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, descriptor_);
}

Peer::~Peer() {
  if (ssl_ != nullptr) {
    if (descriptor_ >= 0 && !failed_) SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
  if (descriptor_ >= 0) ::close(descriptor_);
}

long Peer::receive(char* into, std::size_t size) {
  if (descriptor_ < 0) return -1;
  if (ssl_ != nullptr) {
    if (!SSL_is_init_finished(ssl_) && SSL_accept(ssl_) != 1) {
      failed_ = true;
      return -1;
    }
    return SSL_read(ssl_, into, static_cast<int>(size));
  }
  return ::recv(descriptor_, into, size, 0);
}

std::string Peer::request() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    char chunk[4096];
    const long got = receive(chunk, sizeof chunk);
    if (got <= 0) return {};
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
  std::string head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  return head;
}

void Peer::send(std::string_view bytes) {
  while (!bytes.empty() && !failed_ && descriptor_ >= 0) {
    const long sent = ssl_ != nullptr
                          ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      failed_ = true;
    else
      bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Peer::closed_within(int seconds) {
  if (descriptor_ < 0) return true;
  pollfd waiting{descriptor_, POLLIN, 0};
  while (::poll(&waiting, 1, seconds * 1000) > 0) {
    char chunk[4096];
    if (::recv(descriptor_, chunk, sizeof chunk, 0) <= 0) return true;
  }
  return false;
}

void Peer::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  cut();
}

void Peer::cut() {
  const int descriptor = descriptor_.exchange(-1);
  if (descriptor >= 0) ::close(descriptor);
}

void Peer::interrupt() {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

ScriptedServer::ScriptedServer(Script script, SSL_CTX* tls)
    : script_(std::move(script)), tls_(tls), listener_(listen_on_free_port(port_)) {
  // OpenSSL writes with write(2): a client that has gone must not end the test.
  std::signal(SIGPIPE, SIG_IGN);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& peer : peers_)
      peer->interrupt();
  }
  for (auto& thread : threads_)
    thread.join();
}

void ScriptedServer::accept_all() {
  while (true) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const unsigned number = connections_++;
    threads_.emplace_back([this, descriptor, number] { serve(descriptor, number); });
  }
}

void ScriptedServer::serve(int descriptor, unsigned number) {
  const auto peer = std::make_shared<Peer>(descriptor, tls_);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    peers_.push_back(peer);
  }
  script_(*peer, number);
  std::lock_guard lock(mutex_);
  std::erase(peers_, peer);
}

std::uint16_t closed_port() {
  std::uint16_t port = 0;
  ::close(listen_on_free_port(port));
  return port;
}

DeafListener::DeafListener() : sockets_{listen_on_free_port(port_, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  // A queue of 0 takes one; what comes after it is not answered.
  for (int i = 0; i < 8; ++i) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    sockets_.push_back(client);
  }
}

DeafListener::~DeafListener() {
  for (const int socket : sockets_)
    ::close(socket);
}

std::string answer(std::string_view body, std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace sluice::http
