#include "status_server.hpp"

#include "base/text.hpp"
#include "local/destination.hpp"
#include "report/metrics_text.hpp"
#include "report/status_page.hpp"
#include "report/watch_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <list>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

using local::FileDescriptor;
using std::chrono::steady_clock;

constexpr std::size_t kMostConnections = 32;
constexpr std::chrono::seconds kPatience{5};
constexpr int kTickMs = 1000;

std::string_view phrase_of(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

/// One request and its answer.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd), deadline_(steady_clock::now() + kPatience) {}

  int fd() const noexcept { return fd_.get(); }
  short wanted() const noexcept { return phase_ == Phase::answering ? POLLOUT : POLLIN; }
  bool is_late(steady_clock::time_point now) const noexcept { return now >= deadline_; }

  /// False once it is over.
  template <class Answer>
  bool go_on(const Answer& answer) {
    if (phase_ != Phase::answering && !receive(answer)) return false;
    return phase_ != Phase::answering || send();
  }

 private:
  /// Bytes that come after the answer are read too: closing on them would destroy the answer.
  enum class Phase : std::uint8_t { asking, answering, leaving };

  template <class Answer>
  bool receive(const Answer& answer) {
    std::array<char, 4096> bytes{};
    const ssize_t count = ::recv(fd(), bytes.data(), bytes.size(), 0);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (phase_ == Phase::leaving) return true;
    const auto state = parser_.feed({bytes.data(), static_cast<std::size_t>(count)});
    if (state == RequestParser::State::incomplete) return true;
    answer_ = answer(parser_);
    phase_ = Phase::answering;
    return true;
  }

  bool send() {
    const std::string_view left = std::string_view(answer_).substr(sent_);
    const ssize_t count = ::send(fd(), left.data(), left.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(count);
    if (sent_ < answer_.size()) return true;
    phase_ = Phase::leaving;
    return ::shutdown(fd(), SHUT_WR) == 0;
  }

  FileDescriptor fd_;
  const steady_clock::time_point deadline_;
  Phase phase_ = Phase::asking;
  RequestParser parser_;
  std::string answer_;
  std::size_t sent_ = 0;
};

class Server final : public StatusServer {
 public:
  Server(FileDescriptor listener, FileDescriptor wake, ListenAddress address, Calls calls)
      : listener_(std::move(listener)),
        wake_(std::move(wake)),
        address_(std::move(address)),
        calls_(std::move(calls)),
        thread_([this] { run(); }) {}
  ~Server() override {
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }

  std::string url() const override {
    const bool is_v6 = address_.host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("http://[{}]:{}/", address_.host, address_.port)
                 : fmt::format("http://{}:{}/", address_.host, address_.port);
  }

 private:
  void run();
  void accept();

  const FileDescriptor listener_;
  const FileDescriptor wake_;
  const ListenAddress address_;
  const Calls calls_;
  std::list<Connection> connections_;
  std::thread thread_;  ///< last: it uses all of the above
};

void Server::accept() {
  const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) connections_.emplace_back(fd);
}

void Server::run() {
  const auto answer = [this](const RequestParser& request) {
    const bool is_head = request.head().method == "HEAD";
    return serialized(respond(request, address_.host, calls_.look), is_head);
  };
  auto next_tick = steady_clock::now();
  std::vector<pollfd> waiting;
  while (true) {
    if (const auto now = steady_clock::now(); now >= next_tick) {
      calls_.tick();
      next_tick = now + std::chrono::milliseconds(kTickMs);
    }
    waiting.clear();
    waiting.push_back({wake_.get(), POLLIN, 0});
    // Those that there is no room for wait in the queue of the kernel.
    const bool has_room = connections_.size() < kMostConnections;
    waiting.push_back({has_room ? listener_.get() : -1, POLLIN, 0});
    for (const Connection& connection : connections_)
      waiting.push_back({connection.fd(), connection.wanted(), 0});
    ::poll(waiting.data(), waiting.size(), kTickMs);
    if (waiting[0].revents != 0) return;

    const auto now = steady_clock::now();
    std::size_t index = 2;
    for (auto it = connections_.begin(); it != connections_.end(); ++index) {
      const bool is_ready = waiting[index].revents != 0;
      const bool is_over = it->is_late(now) || (is_ready && !it->go_on(answer));
      it = is_over ? connections_.erase(it) : std::next(it);
    }
    if (waiting[1].revents != 0) accept();
  }
}

struct Bound {
  FileDescriptor socket;
  std::uint16_t port = 0;
};

Result<Bound> bind_and_listen(const addrinfo& where, const std::string& what) {
  Bound bound;
  bound.socket = FileDescriptor(
      ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol));
  const int fd = bound.socket.get();
  const int on = 1;
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd, where.ai_addr, where.ai_addrlen) != 0 || ::listen(fd, 64) != 0)
    return local_error(what, errno);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return local_error(what, errno);
  bound.port = ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&own)->sin6_port
                                               : reinterpret_cast<sockaddr_in*>(&own)->sin_port);
  return bound;
}

Response health(const report::WatchView& view) {
  Response response;
  response.body = "ok\n";
  if (report::is_healthy(view)) return response;
  response.status = 503;
  response.body =
      fmt::format("the engine has not been heard of for {} s\n", view.silence.count() / 1000);
  return response;
}

Response readiness(const report::WatchView& view) {
  Response response;
  const std::string why_not = report::why_not_ready(view);
  response.status = why_not.empty() ? 200 : 503;
  response.body = (why_not.empty() ? "ready" : why_not) + '\n';
  return response;
}

Response refusal(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace

Response respond(const RequestParser& request, std::string_view own_name,
                 const std::function<report::WatchView()>& look) {
  using State = RequestParser::State;
  if (request.state() == State::too_large)
    return refusal(431, "the head of the request is larger than 8 KiB\n");
  const RequestHead& head = request.head();
  if (request.state() != State::complete) return refusal(400, "this is no request of HTTP/1.1\n");
  if (!head.host.empty() && !is_host_allowed(head.host, own_name))
    return refusal(403, "ask by IP address, as localhost, or by the name given to --listen\n");
  if (head.method != "GET" && head.method != "HEAD") return refusal(405, "only GET and HEAD\n");

  Response response;
  if (head.path == "/healthz") return health(look());
  if (head.path == "/readyz") return readiness(look());
  if (head.path == "/metrics") {
    response.type = report::kMetricsType;
    response.body = report::metrics_text(look());
  } else if (head.path == "/status") {
    response.type = "application/json";
    response.body = report::watch_json(look());
  } else if (head.path == "/live.js") {
    response.type = "text/javascript; charset=utf-8";
    response.body = report::kPageScript;
  } else if (head.path == "/") {
    response.type = "text/html; charset=utf-8";
    response.body = report::status_page(look());
  } else {
    return refusal(404, "here are /, /status, /metrics, /healthz and /readyz\n");
  }
  return response;
}

std::string serialized(const Response& response, bool is_head) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "Content-Security-Policy: {}\r\nX-Content-Type-Options: nosniff\r\n"
      "Referrer-Policy: no-referrer\r\nConnection: close\r\n{}\r\n",
      response.status, phrase_of(response.status), response.type, response.body.size(),
      report::kPagePolicy, response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (!is_head) out += response.body;
  return out;
}

Result<std::unique_ptr<StatusServer>> StatusServer::start(const ListenAddress& address,
                                                          Calls calls) {
  const std::string what =
      fmt::format("cannot listen at {}, port {}", text::escaped(address.host), address.port);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0)
    return Error(ErrorKind::local,
                 what + ": " + ::gai_strerror(failed) + "; give an address of this machine");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  auto bound = bind_and_listen(*found, what);
  if (!bound) return bound.error();
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wake.get() < 0) return local_error(what, errno);
  ListenAddress own = address;
  own.port = bound->port;
  return std::make_unique<Server>(std::move(bound->socket), std::move(wake), std::move(own),
                                  std::move(calls));
}

}  // namespace sluice::cli
