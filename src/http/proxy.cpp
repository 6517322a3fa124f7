#include "http/proxy.hpp"

#include "base/text.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace sluice::http {

namespace {

Error bad_proxy(std::string_view where, std::string_view why) {
  return {ErrorKind::usage, std::string(where) + " " + std::string(why) +
                                "; write it as http://host:port or http://user:password@host:port, "
                                "with other characters than letters and digits of user and "
                                "password percent-encoded"};
}

/// An IP address as 16 bytes, an IPv4 one as IPv6 maps it.
using Address = std::array<unsigned char, 16>;
constexpr unsigned kMappedBits = 96;

std::optional<Address> parse_address(std::string_view text) {
  const std::string host(text);
  if (host.find('\0') != std::string::npos) return std::nullopt;
  Address address{};
  if (inet_pton(AF_INET6, host.c_str(), address.data()) == 1) return address;
  if (inet_pton(AF_INET, host.c_str(), address.data() + 12) != 1) return std::nullopt;
  address[10] = address[11] = 0xff;
  return address;
}

bool shares_bits(const Address& a, const Address& b, unsigned bits) noexcept {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xff00U >> (bits % 8) & 0xffU;
  return (a[whole] & mask) == (b[whole] & mask);
}

/// `text`: an address, a slash and a number of bits.
bool is_in_network(const Address& address, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view base = text.substr(0, slash);
  const auto network = parse_address(base);
  const auto bits = text::parse_uint(text.substr(slash + 1));
  if (!network || !bits) return false;
  const bool is_v6 = base.find(':') != std::string_view::npos;
  const std::uint64_t all = is_v6 ? *bits : *bits + kMappedBits;
  return *bits <= (is_v6 ? 128U : 32U) &&
         shares_bits(address, *network, static_cast<unsigned>(all));
}

/// Takes `:port` off an entry; false if it is for another port.
bool take_port(std::string_view& entry, std::uint16_t port) {
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string_view::npos) return true;
  // Without brackets the colons of an IPv6 address are its own.
  const bool bracketed = entry.starts_with('[') && entry[colon - 1] == ']';
  if (!bracketed && entry.find(':') != colon) return true;
  if (entry.starts_with('[') && !bracketed) return true;
  const auto number = text::parse_uint(entry.substr(colon + 1));
  entry = entry.substr(0, colon);
  return number && *number == port;
}

bool entry_fits(std::string_view entry, const Endpoint& endpoint) {
  if (entry == "*") return true;
  if (!take_port(entry, endpoint.port)) return false;
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (const auto address = parse_address(endpoint.host)) {
    const auto other = parse_address(entry);
    return (other && *other == *address) || is_in_network(*address, entry);
  }
  if (entry.starts_with('*')) entry.remove_prefix(1);
  while (entry.starts_with('.'))
    entry.remove_prefix(1);
  if (entry.ends_with('.')) entry.remove_suffix(1);
  std::string_view host = endpoint.host;
  if (entry.empty() || host.size() < entry.size()) return false;
  if (!text::iequals(host.substr(host.size() - entry.size()), entry)) return false;
  host.remove_suffix(entry.size());
  return host.empty() || host.ends_with('.');
}

bool is_exempt(std::string_view no_proxy, const Endpoint& endpoint) {
  constexpr std::string_view kBetween = ", \t";
  while (true) {
    const std::size_t begin = no_proxy.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return false;
    no_proxy.remove_prefix(begin);
    const std::size_t end = std::min(no_proxy.find_first_of(kBetween), no_proxy.size());
    if (entry_fits(no_proxy.substr(0, end), endpoint)) return true;
    no_proxy.remove_prefix(end);
  }
}

/// What no proxy can reach: it would look for it on its own machine, or its own network.
bool is_nearby(const std::string& host) {
  if (is_loopback(host)) return true;
  const auto address = parse_address(host);
  return address &&
         (is_in_network(*address, "169.254.0.0/16") || is_in_network(*address, "fe80::/10"));
}

std::optional<std::string> basic_authorization(std::string_view user_info) {
  const std::size_t colon = std::min(user_info.find(':'), user_info.size());
  const auto user = text::uri_decoded(user_info.substr(0, colon), text::Plus::literal);
  const std::string_view rest = colon < user_info.size() ? user_info.substr(colon + 1) : "";
  const auto password = text::uri_decoded(rest, text::Plus::literal);
  if (!user || !password) return std::nullopt;
  const std::string both = *user + ":" + *password;
  return "Basic " + text::base64(std::as_bytes(std::span(both)));
}

ProxyRules::Setting from_environment(const Variables& environment, const std::string& lower,
                                     const std::string& upper) {
  const auto trimmed = [](const std::string& value) { return std::string(text::trimmed(value)); };
  if (const auto value = environment(lower)) return {lower, trimmed(*value)};
  if (const auto value = environment(upper)) return {upper, trimmed(*value)};
  return {lower, {}};
}

}  // namespace

std::string authority_of(const Endpoint& endpoint) {
  const bool is_v6 = endpoint.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

bool is_loopback(const std::string& host) {
  if (text::iequals(host, "localhost") || host.ends_with(".localhost")) return true;
  const auto address = parse_address(host);
  return address && (is_in_network(*address, "127.0.0.0/8") || is_in_network(*address, "::1/128"));
}

std::string Proxy::name() const {
  return "the proxy http://" + authority_of(address);
}

ProxyRules proxy_rules(const Variables& environment) {
  ProxyRules rules;
  rules.http = from_environment(environment, "http_proxy", "HTTP_PROXY");
  if (rules.http.where == "HTTP_PROXY" && environment("REQUEST_METHOD")) rules.http.url.clear();
  rules.https = from_environment(environment, "https_proxy", "HTTPS_PROXY");
  rules.no_proxy = from_environment(environment, "no_proxy", "NO_PROXY").url;
  return rules;
}

Result<Proxy> parse_proxy(const ProxyRules::Setting& setting) {
  std::string_view rest = setting.url;
  if (const std::size_t colon = rest.find("://"); colon != std::string_view::npos) {
    const std::string_view scheme = rest.substr(0, colon);
    if (text::iequals(scheme, "https"))
      return bad_proxy(setting.where,
                       "is an https:// address, but the way to the proxy itself cannot be "
                       "encrypted (what goes through it to https:// endpoints is)");
    if (!text::iequals(scheme, "http"))
      return bad_proxy(setting.where,
                       "is no address of an HTTP proxy (others, such as SOCKS, are "
                       "not supported)");
    rest.remove_prefix(colon + 3);
  } else if (rest.starts_with("//")) {
    rest.remove_prefix(2);
  }
  // A password may hold an @ by mistake, a host never does.
  const std::string_view authority = rest.substr(0, rest.find('/'));
  Proxy proxy;
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    auto authorization = basic_authorization(authority.substr(0, at));
    if (!authorization) return bad_proxy(setting.where, "has a user or password with a lone %");
    proxy.authorization = *std::move(authorization);
    rest.remove_prefix(at + 1);
  }
  const Result<Url> url = parse_url("http://" + std::string(rest));
  if (!url || !url->base_path.empty())
    return bad_proxy(setting.where, "is no address of a proxy: it lacks a valid host or port");
  proxy.address = url->endpoint;
  return proxy;
}

Result<std::optional<Proxy>> choose_proxy(const ProxyRules& rules, const Endpoint& endpoint) {
  using Choice = std::optional<Proxy>;
  const bool is_given = !rules.given.url.empty();
  if (is_given && rules.given.url == "none") return Choice();
  if (is_exempt(rules.no_proxy, endpoint)) return Choice();
  if (!is_given && is_nearby(endpoint.host)) return Choice();
  const auto& by_scheme = endpoint.scheme == Scheme::https ? rules.https : rules.http;
  const ProxyRules::Setting& setting = is_given ? rules.given : by_scheme;
  if (setting.url.empty()) return Choice();
  Result<Proxy> proxy = parse_proxy(setting);
  if (!proxy) return std::move(proxy).error();
  return Choice(*std::move(proxy));
}

}  // namespace sluice::http
