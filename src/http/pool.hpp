#pragma once

#include "async/budget.hpp"
#include "http/connection.hpp"
#include "http/resolver.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sluice::http {

/// The connections of one client: those at rest, and what all share. Exchanges hold a reference, so
/// that one which is abandoned with its runtime finds everything in place.
class Pool {
 public:
  static Result<std::shared_ptr<Pool>> make(async::Runtime& runtime, async::Executor executor,
                                            const Endpoint& endpoint, const ClientOptions& options,
                                            LookUp look_up);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// The right to one connection, first come first served. Whoever holds it uses at most one at a
  /// time, so that those in use and those at rest never exceed `max_connections`.
  async::Task<async::ByteLease> slot() { return slots_.acquire(1); }
  std::optional<async::ByteLease> try_slot() { return slots_.try_acquire(1); }

  /// The connection used last of those at rest, or nullptr.
  std::unique_ptr<Connection> take_idle();
  /// A new one; tries several addresses.
  async::Task<Result<std::unique_ptr<Connection>>> open();
  /// Keeps it for the next exchange if it may carry one, else closes it.
  void put_back(std::unique_ptr<Connection> connection);

  /// The proxy that requests in the open go to, or nullptr. Lives as long as the pool.
  const Via* forwarder() const noexcept {
    return context_.via && !context_.tls ? &*context_.via : nullptr;
  }

  void count_request() noexcept { ++context_.stats.requests; }
  const ClientStats& stats() const noexcept { return context_.stats; }
  void close_idle() noexcept { idle_.clear(); }
  /// The client is gone: nothing is kept from here on.
  void shut_down() noexcept;

 private:
  Pool(ConnectionContext context, const Endpoint& address, LookUp look_up);
  Error cannot_resolve(Error error) const;
  void sweep(SteadyTime now);
  bool is_expired(const Connection& connection, SteadyTime now) const noexcept;

  ConnectionContext context_;
  Resolver resolver_;
  async::ByteBudget slots_;
  bool shut_down_ = false;
  std::vector<std::unique_ptr<Connection>> idle_;  ///< used last at the back
};

}  // namespace sluice::http
