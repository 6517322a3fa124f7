#pragma once

#include "aws/signer.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::aws::tests {

/// Seconds of `20130524T000000Z` or `2015-08-30T12:36:00Z`.
inline std::int64_t seconds_of(std::string_view text) {
  std::string iso(text);
  if (iso.size() == 16) {
    for (const std::size_t at : {4u, 7u})
      iso.insert(at, "-");
    for (const std::size_t at : {13u, 16u})
      iso.insert(at, ":");
  }
  const auto ms = dates::parse_iso_ms(iso);
  if (!ms) throw std::runtime_error("not a date: " + iso);
  return *ms / 1000;
}

inline std::string header(const http::Request& request, std::string_view name) {
  std::string found = "(absent)";
  for (const auto& [own, value] : request.headers) {
    if (!text::iequals(own, name)) continue;
    if (found != "(absent)") return "(twice)";
    found = value;
  }
  return found;
}

inline std::string signature(const http::Request& request) {
  const std::string authorization = header(request, "authorization");
  const std::size_t at = authorization.find("Signature=");
  return at == std::string::npos ? authorization : authorization.substr(at + 10);
}

/// The keys of Amazon's published examples.
inline Credentials example_credentials() {
  Credentials credentials;
  credentials.access_key = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  return credentials;
}

}  // namespace sluice::aws::tests
