#include "http/connection.hpp"

#include "async/waiter.hpp"
#include "base/units.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace sluice::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Reads in a row before others on this thread (the watchdog among them) get their turn.
constexpr unsigned kReadsInARow = 4;
constexpr const char* kProxyAdvice =
    "; check that the proxy runs, and its address in HTTPS_PROXY, HTTP_PROXY or --proxy";

/// Below that the system calls would cost more than the bytes.
constexpr std::size_t kLeastRead = 4096;
/// Bodies that go through the pipe: the first read is for the head and the little that comes with
/// it, and what is left at the end is not worth two calls.
constexpr std::size_t kHeadRead = 8 * 1024;
constexpr std::uint64_t kLeastPiped = 16 * 1024;

/// In the middle of a large body the kernel wakes us for so many bytes, not for each segment or TLS
/// record: half as much CPU in wake-ups where the network is slower than we are.
constexpr int kLowWaterBytes = 128 * 1024;
/// What of the body may be in TLS buffers of ours already, and so never come again.
constexpr int kBufferedBytes = 160 * 1024;

}  // namespace

Connection::Connection(ConnectionContext& context, const Resolver::Address& address)
    : context_(context),
      address_(address),
      socket_(context.executor),
      parser_(context.peer, context.options.max_head_bytes) {
  ++context_.stats.open_now;
  context_.watchdog->add(*this);
}

Connection::~Connection() {
  if (stream_ && reusable_) stream_->farewell();
  context_.watchdog->remove(*this);
  --context_.stats.open_now;
}

void Connection::give_up() noexcept {
  // What has arrived may lie below the low-water mark: a slow body is judged by its bytes, in a
  // second window.
  if (low_water_ > 1) {
    trickles_ = true;
    set_low_water(1);
    return;
  }
  gave_up_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

async::Task<void> Connection::ready(Io what) {
  const auto event = what == Io::want_write ? tcp::socket::wait_write : tcp::socket::wait_read;
  return socket_.async_wait(event, asio::redirect_error(asio::use_awaitable, wait_error_));
}

void Connection::judge_wait() const {
  if (wait_error_ == asio::error::operation_aborted && !gave_up_) async::throw_cancelled();
}

async::Task<void> Connection::wait(Io what) {
  co_await ready(what);
  judge_wait();
}

// --- opening ---

async::Task<Result<void>> Connection::open() {
  clock_.enter(PhaseClock::Phase::connecting, context_.runtime.now(),
               context_.options.connect_timeout);
  Result<void> connected = co_await connect();
  if (!connected) co_return connected;
  const int descriptor = socket_.native_handle();
  if (context_.tls && context_.via) {
    Result<void> led_on = co_await open_tunnel();
    if (!led_on) co_return led_on;
  }
  if (context_.tls) {
    clock_.enter(PhaseClock::Phase::handshaking, context_.runtime.now(),
                 context_.options.tls_timeout);
    stream_ = context_.tls->make_stream(descriptor);
    if (!stream_) co_return Error(ErrorKind::local, "cannot set up TLS: out of memory");
    Result<void> trusted = co_await shake_hands();
    if (!trusted) co_return trusted;
  } else {
    stream_ = make_plain_stream(descriptor);
  }
  clock_.enter(PhaseClock::Phase::idle, context_.runtime.now(), {});
  ++context_.stats.connections_opened;
  opened_at_ = context_.runtime.now();
  co_return Result<void>();
}

/// "cannot connect to https://host (192.0.2.1)", or to the proxy.
std::string Connection::cannot_connect() const {
  return "cannot connect to " + (context_.via ? context_.via->name : context_.peer) + " (" +
         address_.address().to_string() + ")";
}

Error Connection::connect_error(int error) const {
  Error made(ErrorKind::unreachable, cannot_connect() + ": " + std::strerror(error));
  if (context_.via) made.message += kProxyAdvice;
  made.os_error = error;
  return made;
}

async::Task<Result<void>> Connection::connect() {
  may_try_elsewhere_ = true;
  const int descriptor = open_socket(address_.protocol().family());
  if (descriptor < 0) co_return connect_error(errno);
  boost::system::error_code failure;
  socket_.assign(address_.protocol(), descriptor, failure);
  if (failure) co_return connect_error(failure.value());
  if (::connect(descriptor, address_.data(), static_cast<socklen_t>(address_.size())) != 0) {
    if (errno != EINPROGRESS) co_return connect_error(errno);
    co_await wait(Io::want_write);
    if (gave_up_) co_return timeout_error();
    int outcome = 0;
    socklen_t size = sizeof outcome;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &outcome, &size);
    if (outcome != 0) co_return connect_error(outcome);
    // Registered anew: having waited for writability once, Asio would wake for it at every wait.
    const int same = socket_.release(failure);
    if (!failure) socket_.assign(address_.protocol(), same, failure);
    if (failure) co_return connect_error(failure.value());
  }
  may_try_elsewhere_ = false;
  co_return Result<void>();
}

/// Asks the proxy for a way to the server: what TLS then says goes there unread.
async::Task<Result<void>> Connection::open_tunnel() {
  clock_.enter(PhaseClock::Phase::tunnelling, context_.runtime.now(),
               context_.options.first_byte_timeout);
  stream_ = make_plain_stream(socket_.native_handle());
  const std::string wire = connect_request(*context_.via);
  const Result<void> sent = co_await write_all(std::as_bytes(std::span(wire.data(), wire.size())));
  if (!sent && gave_up_) co_return sent;
  TunnelAnswer answer(*context_.via, context_.options.max_head_bytes);
  while (true) {
    const auto into = std::span(context_.read_buffer).first(kHeadRead);
    const IoResult step = stream_->read(into);
    if (step.io == Io::want_read) {
      co_await wait(step.io);
      if (gave_up_) co_return timeout_error();
      continue;
    }
    if (step.io == Io::failed)
      co_return Error(ErrorKind::unreachable,
                      "cannot connect to " + context_.peer + ": " + stream_->failure());
    if (step.io == Io::end) co_return answer.end_of_stream();
    const Result<bool> open = answer.feed(into.first(step.bytes));
    if (!open) co_return open.error();
    if (*open) co_return Result<void>();
  }
}

async::Task<Result<void>> Connection::shake_hands() {
  while (true) {
    const IoResult step = stream_->handshake();
    if (step.io == Io::done) co_return Result<void>();
    if (step.io != Io::want_read && step.io != Io::want_write)
      co_return Error(ErrorKind::unreachable,
                      "cannot connect to " + context_.peer + ": " + stream_->failure());
    co_await wait(step.io);
    if (gave_up_) {
      may_try_elsewhere_ = true;
      co_return timeout_error();
    }
  }
}

// --- exchanging ---

async::Task<Result<void>> Connection::exchange(Method method, std::string_view wire,
                                               ResponseHandler& handler) {
  ++exchanges_;
  reusable_ = false;
  trickles_ = false;
  set_low_water(1);
  clock_.enter(PhaseClock::Phase::awaiting, context_.runtime.now(),
               context_.options.first_byte_timeout);
  parser_.start(method, handler);
  std::span<const std::byte> left = std::as_bytes(std::span(wire.data(), wire.size()));
  Result<void> outcome = write(left);
  if (outcome && !left.empty()) outcome = co_await write_all(left);
  if (outcome) outcome = co_await receive(handler);
  clock_.enter(PhaseClock::Phase::idle, context_.runtime.now(), {});
  co_return outcome;
}

Result<void> Connection::write(std::span<const std::byte>& left) {
  while (!left.empty()) {
    const IoResult step = stream_->write(left);
    blocked_on_ = step.io;
    if (step.io == Io::want_read || step.io == Io::want_write) return {};
    if (step.io != Io::done) return broken();
    left = left.subspan(step.bytes);
  }
  return {};
}

async::Task<Result<void>> Connection::write_all(std::span<const std::byte> left) {
  while (true) {
    Result<void> written = write(left);
    if (!written || left.empty()) co_return written;
    co_await wait(blocked_on_);
    if (gave_up_) co_return timeout_error();
  }
}

async::Task<Result<void>> Connection::receive(ResponseHandler& handler) {
  // The answer cannot be here yet: asking for it at once would be a system call in vain.
  co_await ready(Io::want_read);
  judge_wait();
  unsigned reads_in_a_row = 0;
  while (true) {
    if (gave_up_) co_return timeout_error();
    const bool piped = takes_pipe(handler);
    const IoResult step = piped ? fill_pipe() : fill_buffer(handler);
    if (step.io == Io::want_read || step.io == Io::want_write) {
      reads_in_a_row = 0;
      choose_low_water();
      co_await ready(step.io);
      judge_wait();
      continue;
    }
    if (step.io == Io::failed) co_return broken();
    const std::uint64_t before = parser_.body_bytes();
    Result<void> taken = step.io == Io::end ? parser_.end_of_stream()
                         : piped            ? take_pipe(handler, step.bytes)
                                            : take(step.bytes);
    if (!taken) {
      was_stale_ = step.io == Io::end && exchanges_ > 1 && !parser_.got_any();
      co_return taken;
    }
    if (limits_rate()) co_await keep_rate(parser_.body_bytes() - before);
    if (parser_.done()) co_return taken;
    if (++reads_in_a_row < kReadsInARow) continue;
    reads_in_a_row = 0;
    co_await asio::post(context_.executor, asio::use_awaitable);
  }
}

bool Connection::limits_rate() const noexcept {
  return context_.options.body_rate && context_.options.body_rate->is_limited();
}

/// The most to read at once of `whole`: less if the rate is limited, so that it flows evenly.
std::size_t Connection::read_size(std::size_t whole) const noexcept {
  if (!limits_rate()) return whole;
  // A twentieth of a second's worth: with 64 connections each waits some 3 s for its turn.
  const std::uint64_t share = context_.options.body_rate->per_second() / 20;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(share, whole));
  return std::max(bytes, std::min(kLeastRead, whole));
}

bool Connection::takes_pipe(const ResponseHandler& handler) noexcept {
  return parser_.body_left() >= kLeastPiped && stream_->fills_pipes() && handler.takes_pipe() &&
         context_.pipe.open();
}

IoResult Connection::fill_pipe() {
  const std::uint64_t most = std::min<std::uint64_t>(parser_.body_left(), Pipe::kBytes);
  return stream_->fill(context_.pipe, read_size(static_cast<std::size_t>(most)));
}

IoResult Connection::fill_buffer(const ResponseHandler& handler) {
  std::span<std::byte> into(context_.read_buffer);
  if (!parser_.in_body() && stream_->fills_pipes() && handler.takes_pipe())
    into = into.first(kHeadRead);
  return stream_->read(into.first(read_size(into.size())));
}

/// The wait is ours: the watchdog must not take it for the server's.
async::Task<void> Connection::keep_rate(std::uint64_t body_bytes) {
  if (body_bytes == 0) co_return;
  clock_.suspend(context_.runtime.now());
  co_await context_.options.body_rate->pass(context_.runtime, body_bytes);
  clock_.resume(context_.runtime.now());
}

Result<void> Connection::take(std::size_t bytes) {
  const std::uint64_t before = parser_.body_bytes();
  const auto received = std::span<const std::byte>(context_.read_buffer).first(bytes);
  const Result<std::size_t> used = parser_.feed(received);
  context_.stats.bytes_received += parser_.body_bytes() - before;
  if (!used) return used.error();
  // Bytes after the answer are an answer to nothing: whose would the next one be?
  if (parser_.done())
    reusable_ = parser_.keep_alive() && *used == bytes;
  else
    note_progress();
  return {};
}

Result<void> Connection::take_pipe(ResponseHandler& handler, std::size_t bytes) {
  Result<void> taken = bytes != 0 ? handler.on_pipe(context_.pipe) : Result<void>();
  if (context_.pipe.held() != 0) {
    // Whoever left it there, it must not reach another object.
    context_.pipe.reset();
    if (taken) taken = Error(ErrorKind::local, "bytes of " + context_.peer + " were left behind");
  }
  if (!taken) return taken;
  parser_.pass(bytes);
  context_.stats.bytes_received += bytes;
  // What follows the answer, if anything, is still in the socket.
  if (parser_.done())
    reusable_ = parser_.keep_alive() && is_quiet();
  else
    note_progress();
  return taken;
}

void Connection::choose_low_water() {
  const bool plenty = parser_.body_left() > kLowWaterBytes + kBufferedBytes;
  set_low_water(plenty && !trickles_ ? kLowWaterBytes : 1);
}

void Connection::set_low_water(int bytes) noexcept {
  if (bytes == low_water_) return;
  if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0)
    low_water_ = bytes;
}

void Connection::note_progress() {
  const ClientOptions& options = context_.options;
  if (parser_.in_body()) {
    if (clock_.phase() != PhaseClock::Phase::body)
      clock_.enter_body(context_.runtime.now(), options.stall_window, options.stall_bytes);
    clock_.set_body_bytes(parser_.body_bytes());
  } else if (clock_.phase() == PhaseClock::Phase::awaiting) {
    clock_.enter(PhaseClock::Phase::head, context_.runtime.now(), options.stall_window);
  }
}

Error Connection::broken() {
  was_stale_ = exchanges_ > 1 && !parser_.got_any();
  std::string text = context_.peer + ": " + stream_->failure();
  if (parser_.got_any())
    text += ", after " + std::to_string(parser_.body_bytes()) + " bytes of the answer's body";
  return {ErrorKind::transient, std::move(text)};
}

Error Connection::timeout_error() const {
  using Phase = PhaseClock::Phase;
  const std::string limit =
      units::format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(clock_.limit()));
  switch (clock_.phase()) {
    case Phase::connecting:
      return {ErrorKind::unreachable, cannot_connect() + ": no answer within " + limit +
                                          (context_.via ? kProxyAdvice : "")};
    case Phase::tunnelling:
      return {ErrorKind::unreachable, "cannot connect to " + context_.peer +
                                          ": the proxy opened no way there within " + limit};
    case Phase::handshaking:
      return {ErrorKind::unreachable, "cannot connect to " + context_.peer +
                                          ": the TLS handshake took longer than " + limit};
    case Phase::body:
      return {ErrorKind::transient,
              context_.peer + " stalled after " + std::to_string(parser_.body_bytes()) +
                  " bytes of its answer: fewer than " +
                  std::to_string(context_.options.stall_bytes) + " bytes in " + limit};
    case Phase::head:
      return {ErrorKind::transient,
              context_.peer + " did not finish the head of its answer within " + limit};
    case Phase::idle:
    case Phase::awaiting:
      break;
  }
  return {ErrorKind::transient, context_.peer + " did not answer within " + limit};
}

bool Connection::is_quiet() {
  std::array<std::byte, 1> unexpected{};
  return stream_->read(unexpected).io == Io::want_read;
}

}  // namespace sluice::http
