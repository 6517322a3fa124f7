#include "request_head.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace sluice::cli {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

/// RFC 9110: tchar.
bool is_token(std::string_view word) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != kMarks.npos;
  });
}

bool has_control(std::string_view line) noexcept {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

}  // namespace

RequestParser::State RequestParser::feed(std::string_view bytes) {
  if (state_ != State::incomplete) return state_;
  // The end may have begun in what came before.
  const std::size_t from = bytes_.size() < kEnd.size() ? 0 : bytes_.size() - kEnd.size() + 1;
  bytes_ += bytes.substr(0, kMostBytes + 1 - bytes_.size());
  const std::size_t end = bytes_.find(kEnd, from);
  if (end != bytes_.npos && end + kEnd.size() <= kMostBytes) {
    bytes_.resize(end + 2);
    return state_ = parse();
  }
  if (bytes_.size() > kMostBytes) state_ = State::too_large;
  return state_;
}

bool RequestParser::parse_first_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return false;
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  needs_host_ = version == "HTTP/1.1";
  head_.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  head_.path = target.substr(0, target.find('?'));
  return is_token(head_.method) && target.starts_with('/') && target.find(' ') == target.npos;
}

RequestParser::State RequestParser::parse() {
  std::string_view rest = bytes_;
  bool is_first = true;
  bool has_host = false;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (has_control(line)) return State::malformed;
    if (is_first) {
      if (!parse_first_line(line)) return State::malformed;
      is_first = false;
      continue;
    }
    // No folded lines: a name has no blanks.
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) return State::malformed;
    if (!text::iequals(line.substr(0, colon), "host")) continue;
    if (has_host) return State::malformed;
    has_host = true;
    head_.host = text::trimmed(line.substr(colon + 1));
  }
  return has_host || !needs_host_ ? State::complete : State::malformed;
}

}  // namespace sluice::cli
