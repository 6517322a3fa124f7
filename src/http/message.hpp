#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP/1.1 as a client needs it for S3: requests without a body, answers with one.
namespace sluice::http {

enum class Method : std::uint8_t { get, head, put, post };

/// A request as it goes on the wire. `target` is sent byte for byte (never re-normalised: it is
/// what was signed). Host must be among the headers. Values with CR, LF or NUL are refused by the
/// codec.
struct Request {
  Method method = Method::get;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< usually empty; Content-Length is added when it is not
};

/// The head of an answer. Names keep their spelling; look-ups ignore case.
struct ResponseHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> content_length;  ///< as promised by the server

  /// The first value of that name, or nullopt.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
};

}  // namespace sluice::http
