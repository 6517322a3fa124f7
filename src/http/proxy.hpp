#pragma once

#include "base/result.hpp"
#include "http/endpoint.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

/// An HTTP proxy that is spoken to in plain HTTP.
struct Proxy {
  Endpoint address;
  std::string authorization;  ///< a Proxy-Authorization value, a secret; empty: none

  /// "the proxy http://host:port", for messages: never with the password.
  std::string name() const;
};

/// What was said about proxies, as it was written. URLs may hold passwords: they are never shown.
struct ProxyRules {
  struct Setting {
    std::string where;  ///< "https_proxy", "--proxy": for messages
    std::string url;    ///< empty: nothing was said
  };
  Setting given;         ///< for every endpoint, whatever its scheme; `none`: no proxy at all
  Setting http;          ///< for http:// endpoints
  Setting https;         ///< for https:// endpoints
  std::string no_proxy;  ///< endpoints that are reached directly
};

using Variables = std::function<std::optional<std::string>(std::string_view)>;

/// http_proxy, https_proxy and no_proxy, as Python (and so the AWS CLI) reads them: the lower-case
/// name wins, and switches the other off where it is empty; HTTP_PROXY counts for nothing in a CGI
/// program (REQUEST_METHOD is set), where a client chooses its value. ALL_PROXY is not read.
ProxyRules proxy_rules(const Variables& environment);

/// Which proxy to take for `endpoint`; nullopt: none. Pure. `usage` if the one that is meant is
/// written wrongly or of an unknown kind (socks5://, https://).
///
/// The first that fits decides:
///   - `given` is "none": none
///   - no_proxy names the endpoint (see below): none
///   - `given`: that one
///   - a loopback (localhost, 127.0.0.0/8, ::1) or link-local address: none
///   - http or https, by the endpoint's scheme: that one, if it is set
///
/// no_proxy is a list with commas or blanks between its entries: `*` (everything), `example.com`,
/// `.example.com` or `*.example.com` (the name and all below it), an address, a network
/// (`10.0.0.0/8`, for endpoints given as addresses), each but `*` with `:port` if only that port is
/// meant.
Result<std::optional<Proxy>> choose_proxy(const ProxyRules& rules, const Endpoint& endpoint);

/// Whether `host` means this machine: localhost, a name below it, 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& host);

/// `[http://][user:password@]host[:port][/]`, user and password percent-encoded; port 80 if none is
/// given. Errors name `where`, and quote nothing.
Result<Proxy> parse_proxy(const ProxyRules::Setting& setting);

}  // namespace sluice::http
