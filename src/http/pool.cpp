#include "http/pool.hpp"

#include "http/url.hpp"

#include <algorithm>
#include <utility>

namespace sluice::http {

using namespace std::chrono_literals;

namespace {

/// Addresses tried for one exchange: what is left is for its retries.
constexpr std::size_t kMaxAddressesTried = 8;
constexpr std::size_t kMinReadBufferBytes = 16 * 1024;  // one TLS record
constexpr std::size_t kMaxConnections = 4096;
constexpr auto kJustUsed = 20ms;

SteadyClock::duration tick_for(const ClientOptions& options) {
  // Once a second is fine for the real limits; a limit of a fraction of a second (tests) needs
  // more.
  const auto smallest =
      std::min({options.connect_timeout, options.tls_timeout, options.first_byte_timeout,
                options.stall_window, options.idle_timeout});
  return std::clamp<std::chrono::milliseconds>(smallest / 4, 5ms, 1000ms);
}

}  // namespace

Result<std::shared_ptr<Pool>> Pool::make(async::Runtime& runtime, async::Executor executor,
                                         const Endpoint& endpoint, const ClientOptions& options,
                                         LookUp look_up) {
  if (options.max_connections < 1 || options.max_connections > kMaxConnections)
    return Error(ErrorKind::usage, "connections per client must be 1 to 4096, not " +
                                       std::to_string(options.max_connections));
  ConnectionContext context{runtime, std::move(executor), options, {}, nullptr, {}, {}, nullptr,
                            {},      std::nullopt};
  Result<std::optional<Proxy>> proxy = choose_proxy(options.proxies, endpoint);
  if (!proxy) return std::move(proxy).error();
  const bool is_https = endpoint.scheme == Scheme::https;
  const Url url{endpoint, {}};
  context.peer = (is_https ? "https://" : "http://") + url.host_header();
  if (*proxy) {
    context.via.emplace(**std::move(proxy), endpoint);
    context.peer += " (through " + context.via->name + ")";
  }
  if (is_https) {
    auto tls = TlsContext::make(options.tls, endpoint.host);
    if (!tls) return std::move(tls).error();
    context.tls = std::move(*tls);
  }
  context.read_buffer.resize(std::max(options.read_buffer_bytes, kMinReadBufferBytes));
  // The proxy looks up the endpoint's name, which may mean nothing here.
  const Endpoint address = context.via ? context.via->proxy.address : endpoint;
  std::shared_ptr<Pool> pool(new Pool(std::move(context), address, std::move(look_up)));
  return pool;
}

Pool::Pool(ConnectionContext context, const Endpoint& address, LookUp look_up)
    : context_(std::move(context)),
      resolver_(context_.runtime, context_.executor, address.host, address.port,
                std::move(look_up)),
      slots_(context_.options.max_connections) {
  context_.watchdog =
      std::make_shared<Watchdog>(context_.runtime, context_.executor, tick_for(context_.options),
                                 [this](SteadyTime now) { sweep(now); });
}

Pool::~Pool() {
  shut_down();
}

void Pool::shut_down() noexcept {
  shut_down_ = true;
  context_.watchdog->stop();
  resolver_.close();
  idle_.clear();
}

bool Pool::is_expired(const Connection& connection, SteadyTime now) const noexcept {
  return now - connection.idle_since() >= context_.options.idle_timeout ||
         now - connection.opened_at() >= context_.options.max_connection_age;
}

void Pool::sweep(SteadyTime now) {
  std::erase_if(idle_,
                [this, now](const auto& connection) { return is_expired(*connection, now); });
}

std::unique_ptr<Connection> Pool::take_idle() {
  const SteadyTime now = context_.runtime.now();
  while (!idle_.empty()) {
    std::unique_ptr<Connection> newest = std::move(idle_.back());
    idle_.pop_back();
    if (is_expired(*newest, now)) continue;
    // Looking whether it was closed or spoke out of turn costs a system call for every exchange;
    // what was in use a moment ago has only just been read to its end.
    if (now - newest->idle_since() < kJustUsed || newest->is_quiet()) return newest;
  }
  return nullptr;
}

void Pool::put_back(std::unique_ptr<Connection> connection) {
  if (shut_down_ || !connection->is_reusable()) return;
  connection->rest(context_.runtime.now());
  idle_.push_back(std::move(connection));
}

Error Pool::cannot_resolve(Error error) const {
  if (context_.via) error.message = "cannot reach " + context_.via->name + ": " + error.message;
  return error;
}

async::Task<Result<std::unique_ptr<Connection>>> Pool::open() {
  Error failure;
  std::size_t tried = 0;
  do {
    const Result<Resolver::Address> address = co_await resolver_.next();
    if (!address) co_return cannot_resolve(address.error());
    auto connection = std::make_unique<Connection>(context_, *address);
    const Result<void> opened = co_await connection->open();
    if (opened) {
      resolver_.worked(*address);
      co_return connection;
    }
    failure = opened.error();
    resolver_.failed(*address);
    if (!connection->may_try_elsewhere()) break;
  } while (++tried < std::min(resolver_.size(), kMaxAddressesTried));
  if (tried > 1) failure.message += "; " + std::to_string(tried) + " addresses were tried";
  co_return failure;
}

}  // namespace sluice::http
