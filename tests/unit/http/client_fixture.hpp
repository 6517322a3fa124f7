#pragma once

#include "async/group.hpp"
#include "async/runtime.hpp"
#include "http/client_factory.hpp"
#include "recorder.hpp"
#include "scripted_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice::http {

/// A client on the control thread of a real runtime.
class ClientFixture : public ::testing::Test {
 protected:
  using Task = async::Task<void>;

  static Request get(std::string target = "/") {
    Request request;
    request.target = std::move(target);
    request.headers.emplace_back("Host", "localhost");
    return request;
  }

  std::unique_ptr<Client> client_for(std::uint16_t port, ClientOptions options = {}) {
    return client_for(Endpoint{Scheme::http, "127.0.0.1", port}, options, look_up_by_system);
  }

  std::unique_ptr<Client> client_for(Endpoint endpoint, ClientOptions options, LookUp look_up) {
    auto made = make_client(*runtime_, executor(), std::move(endpoint), std::move(options),
                            std::move(look_up));
    if (!made) throw ResultError(made.error());
    return std::move(*made);
  }

  async::Executor executor() { return runtime_->executor(async::Role::control); }

  /// One GET, its answer kept in `into` if given.
  static async::Task<Result<void>> fetch(Client& client, Recorder& into) {
    const Request request = get();
    co_return co_await client.exchange(request, into);
  }

  static async::Task<void> fetch_into(Client& client, Recorder& into, Result<void>& outcome) {
    const Request request = get();
    outcome = co_await client.exchange(request, into);
  }

  /// One GET by a client of its own.
  Result<void> fetch_once(std::uint16_t port, Recorder& into, ClientOptions options = {}) {
    Result<void> outcome;
    runtime_->run([&]() -> Task {
      const auto client = client_for(port, options);
      outcome = co_await fetch(*client, into);
    });
    return outcome;
  }

  std::unique_ptr<async::Runtime> runtime_ = async::make_threaded_runtime({});
};

}  // namespace sluice::http
