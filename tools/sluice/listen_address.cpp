#include "listen_address.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <optional>

namespace sluice::cli {
namespace {

Error unusable(std::string_view text) {
  return Error(ErrorKind::usage, "\"" + text::escaped(text) +
                                     "\" is no address to listen at; write for example "
                                     "127.0.0.1:9464, [::1]:9464 or localhost:9464");
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::string_view> port;
};

/// nullopt if brackets or colons are in no order.
std::optional<HostAndPort> split(std::string_view text) noexcept {
  HostAndPort out;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (text.empty()) return out;
    if (text.front() != ':') return std::nullopt;
    out.port = text.substr(1);
    return out;
  }
  const std::size_t colon = text.find(':');
  if (colon != text.rfind(':')) return std::nullopt;
  out.host = text.substr(0, colon);
  if (colon != text.npos) out.port = text.substr(colon + 1);
  return out;
}

bool is_v6(std::string_view host) noexcept {
  in6_addr address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (host.empty() || host.size() >= text.size()) return false;
  host.copy(text.data(), host.size());
  return ::inet_pton(AF_INET6, text.data(), &address) == 1;
}

bool is_v4(std::string_view host) noexcept {
  in_addr address{};
  std::array<char, INET_ADDRSTRLEN> text{};
  if (host.empty() || host.size() >= text.size()) return false;
  host.copy(text.data(), host.size());
  return ::inet_pton(AF_INET, text.data(), &address) == 1;
}

bool is_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_';
    if (!fits) return false;
  }
  return true;
}

}  // namespace

bool is_ip_address(std::string_view host) noexcept {
  return is_v4(host) || is_v6(host);
}

bool is_loopback(std::string_view host) noexcept {
  return (is_v4(host) && host.starts_with("127.")) || host == "::1" ||
         text::iequals(host, "localhost");
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts || !parts->port) return unusable(text);
  const bool has_brackets = text.starts_with('[');
  if (has_brackets ? !is_v6(parts->host) : !is_name(parts->host)) return unusable(text);
  const auto port = text::parse_uint(*parts->port);
  if (!port || *port > 65'535) return unusable(text);
  ListenAddress address;
  address.host = parts->host;
  address.port = static_cast<std::uint16_t>(*port);
  return address;
}

bool is_host_allowed(std::string_view host_header, std::string_view own_name) noexcept {
  const auto parts = split(host_header);
  if (!parts) return false;
  if (parts->port && (parts->port->size() > 5 || !text::parse_uint(*parts->port))) return false;
  if (host_header.starts_with('[')) return is_v6(parts->host);
  return is_v4(parts->host) || text::iequals(parts->host, "localhost") ||
         (!own_name.empty() && text::iequals(parts->host, own_name));
}

}  // namespace sluice::cli
