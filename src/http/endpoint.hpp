#pragma once

#include <cstdint>
#include <string>

namespace sluice::http {

enum class Scheme : std::uint8_t { http, https };

/// Where to connect: one service endpoint.
struct Endpoint {
  Scheme scheme = Scheme::https;
  std::string host;  ///< DNS name or IP literal, IPv6 without brackets
  std::uint16_t port = 443;
};

/// "host:port", IPv6 in brackets.
std::string authority_of(const Endpoint& endpoint);

}  // namespace sluice::http
