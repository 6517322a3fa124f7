#pragma once

#include "base/result.hpp"
#include "http/chunked.hpp"
#include "http/client.hpp"
#include "http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// HTTP/1.1 without a socket.
namespace sluice::http {

/// The request as it goes on the wire. `usage` if something in it would change its meaning there: a
/// blank or control byte in the target, CR, LF or NUL in a header, no Host or two of them.
Result<std::string> serialise(const Request& request);

/// What a request in the open has in addition when it goes to a proxy.
struct Forwarding {
  std::string_view origin;         ///< "http://host[:port]", before the target (RFC 9112, 3.2.2)
  std::string_view authorization;  ///< Proxy-Authorization, if not empty
};
Result<std::string> serialise(const Request& request, const Forwarding& forwarding);

/// Parses the answers of one connection, one after the other. Push style: bytes in, calls to the
/// handler out, body bytes without a copy. The same bytes give the same verdict, and a good answer
/// the same head and body, however they are split.
///
/// Stricter than RFC 9112: an answer whose framing two readers could take differently is refused as
/// `invalid_answer`, and so is one whose cut could not be seen (a success that ends with the
/// connection).
class ResponseParser {
 public:
  /// `peer` names the server in messages; it must outlive the parser.
  ResponseParser(std::string_view peer, std::size_t max_head_bytes)
      : peer_(peer), max_head_bytes_(max_head_bytes) {}

  /// Begins a new answer, to a request of that method.
  void start(Method method, ResponseHandler& handler);

  /// How many of `bytes` belong to this answer: all unless it ends among them. An error is final:
  /// of the protocol, or what the handler returned.
  Result<std::size_t> feed(std::span<const std::byte> bytes);

  /// So many bytes of the body, of which `body_left` are to come, have gone another way than
  /// through `feed`.
  void pass(std::uint64_t bytes) noexcept;

  /// The server closed the connection: fine only for a body that ends that way.
  Result<void> end_of_stream();

  bool done() const noexcept { return state_ == State::done; }
  /// Whether any byte came since `start`.
  bool got_any() const noexcept { return got_any_; }
  /// Whether the head is complete: the body is being read.
  bool in_body() const noexcept { return state_ != State::head; }
  /// Once done: whether the connection may carry another request.
  bool keep_alive() const noexcept { return keep_alive_; }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  /// Bytes of the body that are sure to come; 0 where the server has not said how many.
  std::uint64_t body_left() const noexcept { return state_ == State::sized ? remaining_ : 0; }

 private:
  enum class State : std::uint8_t { head, sized, chunked, until_end, done };
  enum class Coding : bool { identity, chunked };

  Result<std::size_t> feed_head(std::span<const std::byte> bytes);
  Result<std::size_t> feed_body(std::span<const std::byte> bytes);
  const char* check_head_start(std::string_view bytes) const noexcept;
  /// Looks for the empty line; what is wrong, or nullptr. `taken`: bytes up to its end, or all.
  const char* scan_head(std::string_view bytes, std::size_t& taken, bool& complete) noexcept;
  Result<void> parse_head(std::string_view head);
  Result<void> begin_body(Coding coding);
  Result<void> deliver(std::span<const std::byte> content);
  Error refuse(std::string_view why) const;

  const std::string_view peer_;
  const std::size_t max_head_bytes_;

  ResponseHandler* handler_ = nullptr;
  Method method_ = Method::get;
  State state_ = State::done;
  bool got_any_ = false;
  bool keep_alive_ = false;
  unsigned interim_answers_ = 0;
  ResponseHead head_;         ///< kept between answers: its strings are reused
  std::string partial_head_;  ///< only if a head came in pieces
  std::size_t head_bytes_ = 0;
  std::size_t line_bytes_ = 0;  ///< of the head's line under way
  char previous_ = 0;
  std::uint64_t remaining_ = 0;
  std::uint64_t body_bytes_ = 0;
  ChunkDecoder chunks_;
};

}  // namespace sluice::http
