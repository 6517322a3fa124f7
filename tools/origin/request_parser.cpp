#include "origin/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace sluice::origin {
namespace {
namespace http = boost::beast::http;
constexpr std::size_t kMaxHeadBytes = 64 * 1024;
}  // namespace

RequestParser::State RequestParser::next(Request& into) {
  constexpr std::string_view end = "\r\n\r\n";
  const std::size_t found = buffer_.find(end);
  if (found == std::string::npos) {
    return buffer_.size() > kMaxHeadBytes ? State::bad : State::need_more;
  }
  const std::string head = buffer_.substr(0, found + end.size());

  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeadBytes);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(head), error);
  if (error || !parser.is_header_done()) return State::bad;

  const auto& message = parser.get();
  into = Request();
  into.method = std::string(message.method_string());
  into.target = std::string(message.target());
  for (const auto& field : message) {
    into.headers.push_back(Header{std::string(field.name_string()), std::string(field.value())});
  }
  const auto length = parser.content_length();
  into.keep_alive = message.keep_alive();
  const bool has_body = parser.chunked() || (length && *length > 0);
  // Whoever expects 100 Continue does not send it unasked.
  into.unread_body = has_body && (parser.chunked() || *length > kBodyBytesMax ||
                                  find_header(into.headers, "Expect") != nullptr);
  const std::size_t body_bytes = has_body && !into.unread_body ? *length : 0;
  if (buffer_.size() < head.size() + body_bytes) return State::need_more;
  into.body = buffer_.substr(head.size(), body_bytes);
  buffer_.erase(0, head.size() + body_bytes);
  return State::ready;
}

}  // namespace sluice::origin
