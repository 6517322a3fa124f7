#pragma once

#include "base/result.hpp"
#include "http/client.hpp"

#include <string>
#include <string_view>

namespace sluice::http {

/// `http(s)://host[:port][/base/path]` as given by --endpoint-url. User info, query and fragment
/// are usage errors; so is a host that is neither a DNS name nor an IP literal.
struct Url {
  Endpoint endpoint;
  std::string base_path;  ///< empty or `/a/b` without a trailing slash, percent-encoded as given

  /// The Host header: port omitted when it is the scheme's default, IPv6 in brackets.
  std::string host_header() const;
};

Result<Url> parse_url(std::string_view text);

/// Whether `text` may be one label of a host name: letters, digits, inner hyphens, 1 to 63 bytes.
bool is_dns_label(std::string_view text) noexcept;

}  // namespace sluice::http
