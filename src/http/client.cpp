#include "http/client.hpp"

#include "http/client_factory.hpp"
#include "http/codec.hpp"
#include "http/pool.hpp"

#include <optional>
#include <utility>

namespace sluice::http {

namespace {

class PooledClient final : public Client {
 public:
  explicit PooledClient(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}
  PooledClient(const PooledClient&) = delete;
  PooledClient& operator=(const PooledClient&) = delete;
  ~PooledClient() override { pool_->shut_down(); }

  async::Task<Result<void>> exchange(const Request& request, ResponseHandler& handler) override {
    const std::shared_ptr<Pool> pool = pool_;
    Forwarding forwarding;
    std::optional<ForwardedAnswer> forwarded;
    ResponseHandler* receiver = &handler;
    if (const Via* via = pool->forwarder()) {
      forwarding = {via->origin, via->proxy.authorization};
      receiver = &forwarded.emplace(*via, handler);
    }
    const Result<std::string> wire = serialise(request, forwarding);
    if (!wire) co_return wire.error();
    std::optional<async::ByteLease> slot = pool->try_slot();
    if (!slot) {
      async::ByteLease waited_for = co_await pool->slot();
      slot.emplace(std::move(waited_for));
    }
    pool->count_request();

    std::unique_ptr<Connection> connection = pool->take_idle();
    if (connection) {
      Result<void> outcome = co_await connection->exchange(request.method, *wire, *receiver);
      const bool stale = !outcome && connection->was_stale();
      if (!stale) {
        pool->put_back(std::move(connection));
        co_return outcome;
      }
      connection.reset();
    }

    // Where one kept-alive connection was stale, others may be: the second try gets a new one.
    Result<std::unique_ptr<Connection>> opened = co_await pool->open();
    if (!opened) co_return std::move(opened).error();
    connection = std::move(*opened);
    Result<void> outcome = co_await connection->exchange(request.method, *wire, *receiver);
    pool->put_back(std::move(connection));
    co_return outcome;
  }

  ClientStats stats() const noexcept override { return pool_->stats(); }
  void close_idle() noexcept override { pool_->close_idle(); }

 private:
  const std::shared_ptr<Pool> pool_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_client(async::Runtime& runtime, async::Executor executor,
                                            Endpoint endpoint, ClientOptions options,
                                            LookUp look_up) {
  auto pool = Pool::make(runtime, std::move(executor), endpoint, options, std::move(look_up));
  if (!pool) return std::move(pool).error();
  return std::unique_ptr<Client>(std::make_unique<PooledClient>(std::move(*pool)));
}

Result<std::unique_ptr<Client>> Client::make(async::Runtime& runtime, async::Executor executor,
                                             Endpoint endpoint, ClientOptions options) {
  return make_client(runtime, std::move(executor), std::move(endpoint), std::move(options),
                     look_up_by_system);
}

}  // namespace sluice::http
