#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::cli {

/// The head of a request of HTTP/1: what the status server needs of it.
struct RequestHead {
  std::string method;
  std::string path;  ///< without the query
  std::string host;
};

/// Reads one head as its bytes come. It reads no body: the methods that are answered have none.
class RequestParser {
 public:
  static constexpr std::size_t kMostBytes = 8 * 1024;

  enum class State : std::uint8_t { incomplete, complete, malformed, too_large };
  /// Once it is not `incomplete` the state stays, and further bytes are ignored.
  State feed(std::string_view bytes);
  State state() const noexcept { return state_; }
  const RequestHead& head() const noexcept { return head_; }  ///< once complete

 private:
  State parse();
  bool parse_first_line(std::string_view line);

  std::string bytes_;
  State state_ = State::incomplete;
  bool needs_host_ = true;
  RequestHead head_;
};

}  // namespace sluice::cli
