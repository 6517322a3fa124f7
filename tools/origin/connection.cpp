#include "origin/connection.hpp"

#include "origin/errors.hpp"
#include "origin/request_parser.hpp"
#include "origin/sender.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <utility>
#include <vector>

namespace sluice::origin {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = 16 * 1024;

RequestRecord make_record(const ServerState& state, const Request& request, const Route& route,
                          const Verification& verification, std::uint64_t connection) {
  RequestRecord record;
  record.connection = connection;
  record.method = request.method;
  record.target = request.target;
  record.bucket = route.bucket;
  record.key = route.key;
  record.operation = route.operation;
  if (const std::string* const range = find_header(request.headers, "Range")) record.range = *range;
  record.authorization = find_header(request.headers, "Authorization") != nullptr;
  record.access_key = verification.access_key;
  record.auth = verification.failure;
  record.auth_detail = verification.detail;
  record.headers = without_secrets(request.headers);
  record.start_us = state.elapsed_us();
  return record;
}

// A request from its head to the last byte of its answer. Also ends its log record when the
// coroutine is destroyed in between, as it is when the server stops.
class Turn {
 public:
  Turn(ServerState& state, const Request& request, std::uint64_t connection)
      : state_(state),
        request_(request),
        route_(state.service.route(request)),
        verification_(state.service.verify(request, route_)),
        record_(make_record(state, request, route_, verification_, connection)),
        exchange_{request_, route_, state.service.find_bucket(route_.bucket), {}} {
    record_.id = state_.log.begin(record_);
    exchange_.request_id = fmt::format("{:016X}", record_.id);
    exchange_.now_ms = state_.service.now_ms();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    record_.end_us = state_.elapsed_us();
    state_.log.end(std::move(record_));
  }

  // Works the answer out, faults included. Never throws: a failing bucket is a 500.
  void decide() {
    hits_ = state_.faults.hits(request_, route_);
    for (const FaultTable::Hit& hit : hits_)
      record_.faults.push_back(hit.action.name);
    run(&Action::before);
    if (route_.operation == Operation::list) {
      exchange_.delivery.before_headers = state_.options.list_delay;
    }
    try {
      exchange_.answer =
          state_.service.answer(request_, route_, verification_, exchange_.request_id);
    } catch (const std::exception& error) {
      exchange_.answer = Answer();
      exchange_.answer.response =
          to_response(make_error("InternalError", error.what()), exchange_.request_id);
    }
    Response& response = exchange_.answer.response;
    // What follows a body that was not read would be taken for the next request.
    response.close = !request_.keep_alive || request_.unread_body;
    add_common_headers(response, exchange_.request_id, exchange_.now_ms);
    run(&Action::on_answer);
    seal(exchange_.answer, request_);
    // The answer is fixed, its content held. Changing the bucket now and not when the last byte is
    // out spares tests a race with the client's next request.
    run(&Action::after);
  }

  const Response& response() const { return exchange_.answer.response; }
  const Delivery& delivery() const { return exchange_.delivery; }

  void sent(const SendResult& result) {
    record_.status = result.status;
    record_.body_bytes_sent = result.body_bytes;
    record_.client_left = result.client_left;
  }

 private:
  void run(std::function<void(Exchange&)> Action::*step) {
    for (const FaultTable::Hit& hit : hits_) {
      exchange_.random = hit.random;
      if (const auto& function = hit.action.*step) function(exchange_);
    }
  }

  ServerState& state_;
  const Request& request_;
  Route route_;
  Verification verification_;
  RequestRecord record_;
  Exchange exchange_;
  std::vector<FaultTable::Hit> hits_;
};

asio::awaitable<bool> read_request(Stream& stream, RequestParser& parser, Request& into) {
  std::array<char, kReadBytes> bytes;
  while (true) {
    const RequestParser::State found = parser.next(into);
    if (found != RequestParser::State::need_more) co_return found == RequestParser::State::ready;
    const std::size_t n = co_await stream.read_some(bytes.data(), bytes.size());
    if (n == 0) co_return false;
    parser.feed(std::string_view(bytes.data(), n));
  }
}

}  // namespace

asio::awaitable<void> serve_connection(std::shared_ptr<ServerState> state,
                                       std::unique_ptr<Stream> stream) {
  const std::uint64_t connection = state->log.new_connection();
  const bool connected = co_await stream->handshake();
  if (!connected) co_return;
  RequestParser parser;
  std::vector<char> buffer;
  const std::uint64_t most = state->options.max_requests_per_connection;
  for (std::uint64_t served = 0; most == 0 || served < most; ++served) {
    Request request;
    const bool got = co_await read_request(*stream, parser, request);
    if (!got) break;
    Turn turn(*state, request, connection);
    turn.decide();
    Sender sender(*stream, turn.response(), turn.delivery(), buffer);
    const SendResult result = co_await sender.run();
    turn.sent(result);
    // The sender has closed the connection itself where the answer had to end so.
    if (!result.reusable) co_return;
  }
  co_await stream->close();
}

}  // namespace sluice::origin
