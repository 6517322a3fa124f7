#include "http/url.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace sluice::http {

namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035 section 2.3.4, without the root's dot
constexpr std::size_t kMaxLabelBytes = 63;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

Error bad_url(std::string_view url, std::string_view why) {
  return {ErrorKind::usage, "the endpoint URL \"" + text::escaped(url.substr(0, 200)) + "\" " +
                                std::string(why) + "; write it as https://host[:port][/path]"};
}

/// inet_pton ends at a NUL, which is no end here.
bool is_address(int family, const std::string& host) noexcept {
  in6_addr address{};  // the larger of the two
  return host.find('\0') == std::string::npos && inet_pton(family, host.c_str(), &address) == 1;
}

/// The resolver reads names such as `127.1` or `0x7f000001` as IPv4 addresses of its own notation.
bool looks_like_number(std::string_view label) noexcept {
  if (label.size() > 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
    return std::all_of(label.begin() + 2, label.end(), is_hex);
  return std::all_of(label.begin(), label.end(), is_digit);
}

/// A name that the resolver may be asked for. Underscores and outer hyphens are no host name by RFC
/// 1123, but container networks and old bucket names have them.
bool is_dns_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  std::string_view last;
  while (true) {
    const std::size_t dot = host.find('.');
    last = host.substr(0, dot);
    if (last.empty() || last.size() > kMaxLabelBytes) return false;
    for (const char c : last)
      if (!is_alnum(c) && c != '-' && c != '_') return false;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  return !looks_like_number(last);
}

/// RFC 3986 section 3.3: pchar and `/`.
bool is_path(std::string_view path) noexcept {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (is_alnum(c) || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos)
      continue;
    if (c != '%' || i + 2 >= path.size() || !is_hex(path[i + 1]) || !is_hex(path[i + 2]))
      return false;
    i += 2;
  }
  return true;
}

/// Splits `authority` into host and port text; false if it has no such form.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port,
                     bool& has_port) noexcept {
  std::size_t end = 0;
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    ++end;
  } else {
    end = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, end);
  }
  has_port = end < authority.size();
  if (has_port && authority[end] != ':') return false;
  if (has_port) port = authority.substr(end + 1);
  return true;
}

/// Empty if `authority` was put into `endpoint`, else what is wrong with it.
std::string_view parse_authority(std::string_view authority, Endpoint& endpoint) {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
  if (authority.find('@') != std::string_view::npos) return "must not hold a user name or password";
  if (!split_authority(authority, host, port, has_port)) return "has a malformed host";
  if (host.empty()) return "names no host";
  endpoint.host = text::lower(host);
  const bool good = authority.starts_with('[')
                        ? is_address(AF_INET6, endpoint.host)
                        : is_address(AF_INET, endpoint.host) || is_dns_name(endpoint.host);
  if (!good) return "names a host that is neither a DNS name nor an IP address";
  endpoint.port = endpoint.scheme == Scheme::https ? 443 : 80;
  if (!has_port) return {};
  const auto number = text::parse_uint(port);
  if (!number || *number == 0 || *number > 65'535 || port.size() > 5)
    return "has a port that is no number from 1 to 65535";
  endpoint.port = static_cast<std::uint16_t>(*number);
  return {};
}

}  // namespace

std::string Url::host_header() const {
  const bool literal = endpoint.host.find(':') != std::string::npos;
  std::string header = literal ? "[" + endpoint.host + "]" : endpoint.host;
  if (endpoint.port != (endpoint.scheme == Scheme::https ? 443 : 80))
    header += ":" + std::to_string(endpoint.port);
  return header;
}

Result<Url> parse_url(std::string_view url) {
  Url parsed;
  if (url.size() > kMaxUrlBytes) return bad_url(url, "is longer than 2048 bytes");
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return bad_url(url, "has no scheme");
  const std::string_view scheme = url.substr(0, colon);
  if (text::iequals(scheme, "http"))
    parsed.endpoint.scheme = Scheme::http;
  else if (!text::iequals(scheme, "https"))
    return bad_url(url, "has a scheme that is neither http nor https");
  const std::string_view rest = url.substr(colon + 3);
  if (rest.find_first_of("?#") != std::string_view::npos)
    return bad_url(url, "must not have a query or fragment");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view problem = parse_authority(rest.substr(0, slash), parsed.endpoint);
  if (!problem.empty()) return bad_url(url, problem);
  std::string_view path = rest.substr(slash);
  if (!is_path(path)) return bad_url(url, "has a path that is not percent-encoded");
  while (path.ends_with('/'))
    path.remove_suffix(1);
  parsed.base_path = path;
  return parsed;
}

bool is_dns_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

}  // namespace sluice::http
