#include "origin/server.hpp"

#include "origin/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <thread>

namespace sluice::origin {
namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// Long beside the time from a last write to the end of its record, short beside a test.
static constexpr std::chrono::milliseconds kSettle{100};

static constexpr int kBacklog = 1024;

// One io_context a thread; the first accepts and deals connections out in turn.
class Server::Impl {
 public:
  explicit Impl(ServerOptions options) : state(std::make_shared<ServerState>(std::move(options))) {}
  ~Impl() { stop(); }

  void start() {
    const ServerOptions& options = state->options;
    if (options.tls) tls_ = make_tls_context(*options.tls);
    for (unsigned i = 0; i < std::max(options.threads, 1u); ++i) {
      contexts_.push_back(std::make_unique<asio::io_context>(1));
    }
    listen();
    const std::lock_guard lock(mutex_);
    bound_ = acceptor_->local_endpoint();
    asio::co_spawn(*contexts_[0], accept_loop(), asio::detached);
    for (const auto& context : contexts_) {
      guards_.push_back(asio::make_work_guard(*context));
      threads_.emplace_back([io = context.get()] { io->run(); });
    }
  }

  void stop() {
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (const auto& context : contexts_)
      context->stop();
    for (std::thread& thread : threads)
      thread.join();
    if (threads.empty()) return;
    // The threads are gone: destroying the contexts destroys what coroutines are left, and closes
    // their sockets.
    guards_.clear();
    acceptor_.reset();
    contexts_.clear();
  }

  tcp::endpoint bound() const {
    const std::lock_guard lock(mutex_);
    return bound_;
  }

  const std::shared_ptr<ServerState> state;

 private:
  void listen() {
    const ServerOptions& options = state->options;
    try {
      const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
      acceptor_ = std::make_unique<tcp::acceptor>(*contexts_[0]);
      acceptor_->open(endpoint.protocol());
      acceptor_->set_option(tcp::acceptor::reuse_address(true));
      acceptor_->bind(endpoint);
      acceptor_->listen(kBacklog);
    } catch (const boost::system::system_error& error) {
      throw std::system_error(
          static_cast<std::error_code>(error.code()),
          fmt::format("cannot listen at {} port {}", options.address, options.port));
    }
  }

  asio::awaitable<void> accept_loop() {
    std::size_t next = 0;
    asio::steady_timer rest(*contexts_[0]);
    while (true) {
      asio::io_context& target = *contexts_[next++ % contexts_.size()];
      tcp::socket socket(target);
      error_code error;
      co_await acceptor_->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        // Out of descriptors, most likely: let some connection end.
        rest.expires_after(std::chrono::milliseconds(20));
        co_await rest.async_wait(asio::use_awaitable);
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      const bool notify = state->options.tls ? state->options.tls->send_close_notify : true;
      std::unique_ptr<Stream> stream = make_stream(std::move(socket), tls_.get(), notify);
      asio::co_spawn(target, serve_connection(state, std::move(stream)), asio::detached);
    }
  }

  mutable std::mutex mutex_;
  tcp::endpoint bound_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::vector<std::thread> threads_;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

void Server::start() {
  impl_->start();
}
void Server::stop() {
  impl_->stop();
}
std::uint16_t Server::port() const {
  return impl_->bound().port();
}

std::string Server::url() const {
  const tcp::endpoint bound = impl_->bound();
  const bool v6 = bound.address().is_v6();
  return fmt::format("{}://{}{}{}:{}", impl_->state->options.tls ? "https" : "http", v6 ? "[" : "",
                     bound.address().to_string(), v6 ? "]" : "", bound.port());
}

void Server::add_bucket(std::string name, std::shared_ptr<Bucket> bucket) {
  impl_->state->service.add_bucket(std::move(name), std::move(bucket));
}

void Server::set_faults(FaultScript script) {
  impl_->state->faults.set(std::move(script));
}

void Server::set_faults(std::vector<Rule> rules, std::uint64_t seed) {
  FaultScript script;
  script.seed = seed;
  script.rules = std::move(rules);
  set_faults(std::move(script));
}

void Server::clear_faults() {
  set_faults(FaultScript());
}

void Server::expire_credentials() {
  impl_->state->service.expire_credentials();
}

std::vector<RequestRecord> Server::requests() const {
  impl_->state->log.settle(kSettle);
  return impl_->state->log.records();
}

RequestCounts Server::counts() const {
  impl_->state->log.settle(kSettle);
  return impl_->state->log.counts();
}

void Server::clear_requests() {
  impl_->state->log.settle(kSettle);
  impl_->state->log.clear();
}

}  // namespace sluice::origin
