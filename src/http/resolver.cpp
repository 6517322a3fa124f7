#include "http/resolver.hpp"

#include "async/waiter.hpp"
#include "base/units.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>
#include <utility>

namespace sluice::http {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kFreshFor = 60s;        // the lifetime of S3's own DNS answers is shorter still
constexpr auto kAvoidFailedFor = 30s;  // an address that did not connect
constexpr auto kRepeatAfter = 1s;      // two look-ups for dead addresses or an unknown name
constexpr std::size_t kMaxAddresses = 64;

asio::ip::address from_sockaddr(const sockaddr* raw) {
  if (raw->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, raw, sizeof v4);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, raw, sizeof v6);
  asio::ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes, v6.sin6_scope_id);
}

}  // namespace

Result<Addresses> look_up_by_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (outcome != 0) return Error(ErrorKind::unreachable, ::gai_strerror(outcome));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  Addresses found;
  for (const addrinfo* item = list; item != nullptr && found.size() < kMaxAddresses;
       item = item->ai_next) {
    if (item->ai_family == AF_INET || item->ai_family == AF_INET6)
      found.push_back(from_sockaddr(item->ai_addr));
  }
  return found;
}

struct Resolver::Mailbox {
  Mailbox(Resolver* resolver, async::Executor where)
      : owner(resolver), executor(std::move(where)) {}

  std::mutex mutex;
  Resolver* owner;  ///< nullptr once it is gone; then the executor may be, too
  async::Executor executor;
};

Resolver::Resolver(async::Runtime& runtime, async::Executor executor, std::string host,
                   std::uint16_t port, LookUp look_up, SteadyClock::duration limit)
    : runtime_(runtime),
      executor_(executor),
      host_(std::move(host)),
      port_(port),
      look_up_(std::move(look_up)),
      limit_(limit),
      settled_(executor),
      mailbox_(std::make_shared<Mailbox>(this, std::move(executor))) {
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(host_, error);
  is_literal_ = !error;
  if (is_literal_) candidates_.push_back({Address(literal, port_), {}});
}

Resolver::~Resolver() {
  close();
}

void Resolver::close() noexcept {
  std::lock_guard lock(mailbox_->mutex);
  mailbox_->owner = nullptr;
}

bool Resolver::all_failed(SteadyTime now) const {
  return std::all_of(candidates_.begin(), candidates_.end(),
                     [now](const Candidate& candidate) { return candidate.avoid_until > now; });
}

bool Resolver::is_stale(SteadyTime now) const {
  if (is_literal_) return false;
  if (!ever_looked_up_) return true;
  const auto age = now - looked_up_at_;
  return age > kFreshFor || (age > kRepeatAfter && all_failed(now));
}

async::Task<Result<Resolver::Address>> Resolver::next() {
  if (is_stale(runtime_.now())) {
    Result<void> started = start_look_up();
    if (!started) co_return std::move(started).error();
    // Addresses that work are good enough until the answer is here.
    if (all_failed(runtime_.now())) co_await settle();
  }
  co_return choose(runtime_.now());
}

Result<void> Resolver::start_look_up() {
  if (looking_up_) return {};
  auto work = [mailbox = mailbox_, look_up = look_up_, host = host_] {
    Result<Addresses> found = look_up(host);
    std::lock_guard lock(mailbox->mutex);
    if (mailbox->owner == nullptr) return;
    asio::post(mailbox->executor, [mailbox, answer = std::move(found)]() mutable {
      Resolver* owner = nullptr;
      {
        std::lock_guard inner(mailbox->mutex);
        owner = mailbox->owner;
      }
      if (owner != nullptr) owner->deliver(std::move(answer));
    });
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& error) {
    return Error(ErrorKind::unreachable,
                 "cannot look up " + host_ + ": no thread for it (" + error.what() + ")");
  }
  looking_up_ = true;
  settled_.expires_at(runtime_.now() + limit_);
  return {};
}

async::Task<void> Resolver::settle() {
  // A look-up that hangs is not joined by another; who comes later gives it as long again.
  if (looking_up_ && settled_.expiry() <= runtime_.now())
    settled_.expires_at(runtime_.now() + limit_);
  while (looking_up_ && settled_.expiry() > runtime_.now()) {
    boost::system::error_code ended;
    co_await settled_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) async::throw_cancelled();
  }
  if (looking_up_)
    last_failure_ = Error(
        ErrorKind::unreachable,
        "cannot look up " + host_ + ": no answer within " +
            units::format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(limit_)) +
            "; check the DNS servers of this machine");
}

void Resolver::deliver(Result<Addresses> found) {
  looking_up_ = false;
  ever_looked_up_ = true;
  looked_up_at_ = runtime_.now();
  settled_.cancel();
  if (!found || found->empty()) {
    const std::string why = found ? "it has no address" : found.error().message;
    last_failure_ =
        Error(ErrorKind::unreachable, "cannot look up " + host_ + ": " + why + "; check the name");
    return;  // what was known before is still the best guess
  }
  std::vector<Candidate> fresh;
  for (const auto& address : *found) {
    Candidate candidate{Address(address, port_), {}};
    for (const Candidate& old : candidates_)
      if (old.address == candidate.address) candidate.avoid_until = old.avoid_until;
    fresh.push_back(candidate);
  }
  // Each client starts elsewhere, so that the shards spread over the addresses.
  if (candidates_.empty()) cursor_ = static_cast<std::size_t>(runtime_.random() % fresh.size());
  candidates_ = std::move(fresh);
}

Result<Resolver::Address> Resolver::choose(SteadyTime now) {
  if (candidates_.empty()) return last_failure_;
  const std::size_t count = candidates_.size();
  std::size_t chosen = cursor_ % count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = (cursor_ + i) % count;
    if (candidates_[index].avoid_until <= now) {
      chosen = index;
      break;
    }
    // Where all failed, the one that failed first is tried first.
    if (candidates_[index].avoid_until < candidates_[chosen].avoid_until) chosen = index;
  }
  cursor_ = (chosen + 1) % count;
  return candidates_[chosen].address;
}

void Resolver::failed(const Address& address) {
  avoid(address, runtime_.now() + kAvoidFailedFor);
}

void Resolver::worked(const Address& address) {
  avoid(address, {});
}

void Resolver::avoid(const Address& address, SteadyTime until) {
  for (Candidate& candidate : candidates_)
    if (candidate.address == address) candidate.avoid_until = until;
}

}  // namespace sluice::http
