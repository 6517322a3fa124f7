#pragma once

#include "aws/signer.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The canonical request of SigV4 as S3 wants it. Private to aws. Source: "Signature Calculations
/// for the Authorization Header", Amazon S3 API reference (sig-v4-header-based-auth).
namespace sluice::aws::detail {

/// One header as it is signed; views into what it was made from.
struct SignedHeader {
  std::string_view name;  ///< lower case
  std::string_view value;
};

/// Buffers kept from one signature to the next: a steady state allocates nothing here.
struct Canonical {
  std::string query;           ///< encoded, sorted by name, then by value
  std::string text;            ///< the canonical request
  std::string signed_headers;  ///< `host;range;x-amz-date`

  std::string lower_names;
  std::vector<SignedHeader> headers;
};

/// The path with every byte encoded once and nothing normalised: `..` and `//` are parts of keys.
std::string encoded_path(std::string_view path);

/// `a=1&b=`: names and values encoded (`/` too, a space as %20), sorted; empty without parameters.
void write_query(std::string& out,
                 const std::vector<std::pair<std::string, std::string>>& parameters);

/// Path and query as they are sent.
std::string target_of(std::string_view encoded_path, std::string_view query);

std::string_view name_of(http::Method method) noexcept;

/// Headers that proxies add or change, or that the signer writes itself: never taken for signing
/// from what the caller gave.
bool is_never_signed(std::string_view lower_name) noexcept;

/// Headers that the signer writes itself; given ones are replaced.
bool is_written_by_signer(std::string_view name) noexcept;

/// Fills `out` from the request's method, path and headers. `out.query` is there already.
void write_canonical(Canonical& out, const http::Request& request, std::string_view encoded_path,
                     std::string_view payload_hash);

}  // namespace sluice::aws::detail
