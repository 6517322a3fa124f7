// One client connection: requests in, answers out, until either side has had enough.
#pragma once

#include "origin/faults.hpp"
#include "origin/request_log.hpp"
#include "origin/service.hpp"
#include "origin/stream.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace sluice::origin {

// What all connections of a server share.
struct ServerState {
  explicit ServerState(ServerOptions o)
      : options(std::move(o)), service(options), log(options.keep_requests, options.on_request) {}

  const ServerOptions options;
  Service service;
  FaultTable faults;
  RequestLog log;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  std::int64_t elapsed_us() const {
    const auto passed = std::chrono::steady_clock::now() - started;
    return std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
  }
};

boost::asio::awaitable<void> serve_connection(std::shared_ptr<ServerState> state,
                                              std::unique_ptr<Stream> stream);

}  // namespace sluice::origin
