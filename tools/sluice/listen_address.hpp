#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::cli {

/// Where to listen: "127.0.0.1:9464", "[::1]:9464", "localhost:9464".
struct ListenAddress {
  std::string host;  ///< an IP address without brackets, or a name
  std::uint16_t port = 0;

  bool operator==(const ListenAddress&) const = default;
};

/// Port 0 stands for a free one. `usage` if it is no such thing.
Result<ListenAddress> parse_listen_address(std::string_view text);

bool is_ip_address(std::string_view host) noexcept;
bool is_loopback(std::string_view host) noexcept;  ///< 127.0.0.0/8, ::1, localhost

/// Whether a request may name this host (its Host header). Only what no stranger can point at us
/// by DNS: IP addresses, localhost, and the name that we were told to listen at.
bool is_host_allowed(std::string_view host_header, std::string_view own_name) noexcept;

}  // namespace sluice::cli
