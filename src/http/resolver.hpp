#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::http {

using Addresses = std::vector<boost::asio::ip::address>;

/// A blocking look-up of a name; called on a thread of its own, so it may hang. The error's message
/// has no subject.
using LookUp = std::function<Result<Addresses>(const std::string& host)>;

Result<Addresses> look_up_by_system(const std::string& host);

/// The addresses of one host, handed out in turn. An address that failed is passed over for a
/// while; the name is looked up anew every minute, and when all addresses failed. All members are
/// for the thread of `executor`; the destructor may also run once the runtime has stopped.
class Resolver {
 public:
  using Address = boost::asio::ip::tcp::endpoint;

  /// `limit`: how long one look-up may take; getaddrinfo itself may take minutes.
  Resolver(async::Runtime& runtime, async::Executor executor, std::string host, std::uint16_t port,
           LookUp look_up, SteadyClock::duration limit = std::chrono::seconds(10));
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  /// The address for the next connection. `unreachable` if the name has none.
  async::Task<Result<Address>> next();
  void failed(const Address& address);
  void worked(const Address& address);
  /// An answer that comes later is dropped: the executor may be gone by then.
  void close() noexcept;
  /// How many addresses are known: as often as it makes sense to try.
  std::size_t size() const noexcept { return candidates_.size(); }

 private:
  struct Candidate {
    Address address;
    SteadyTime avoid_until{};
  };
  /// What a look-up thread knows of us; it may outlive us.
  struct Mailbox;

  bool all_failed(SteadyTime now) const;  ///< also if none is known
  bool is_stale(SteadyTime now) const;
  Result<void> start_look_up();
  async::Task<void> settle();  ///< until the look-up has ended or taken too long
  void deliver(Result<Addresses> found);
  Result<Address> choose(SteadyTime now);
  void avoid(const Address& address, SteadyTime until);

  async::Runtime& runtime_;
  const async::Executor executor_;
  const std::string host_;
  const std::uint16_t port_;
  const LookUp look_up_;
  const SteadyClock::duration limit_;
  std::vector<Candidate> candidates_;
  std::size_t cursor_ = 0;
  bool is_literal_ = false;
  bool looking_up_ = false;
  SteadyTime looked_up_at_{};
  bool ever_looked_up_ = false;
  Error last_failure_;
  boost::asio::steady_timer settled_;  ///< cancelled when a look-up ends
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace sluice::http
