// Text forms used on the wire: percent-encoding, XML, hex, base64, JSON strings, key globs.
// Everything here works on bytes; no function assumes valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::origin {

enum class Slash { keep, encode };

// Percent-encodes every byte except A-Z a-z 0-9 - . _ ~ (and / when kept), as SigV4 wants it.
std::string uri_encode(std::string_view bytes, Slash slash);

// Undoes %XX. `+` stays `+`. Nothing on a broken escape.
std::optional<std::string> uri_decode(std::string_view text);

// As uri_decode, and `+` is a space: how S3 reads query values.
std::optional<std::string> query_decode(std::string_view text);

// The encoding S3 uses in listings with encoding-type=url: space becomes `+`, `/` and `*` stay.
std::string listing_encode(std::string_view bytes);

// Escapes & < > " and writes control bytes as &#xN;, which XML 1.0 forbids and S3 sends.
std::string xml_escape(std::string_view bytes);

// The inside of a JSON string. Bytes that are not valid UTF-8 become U+FFFD.
std::string json_escape(std::string_view bytes);

std::string hex_lower(std::string_view bytes);
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

// `*` stands for any run of bytes (slashes too), `?` for one byte.
bool glob_match(std::string_view pattern, std::string_view text);

// ASCII only.
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);

// Spaces and tabs off both ends.
std::string_view trim(std::string_view text);

// The last `width` decimal digits of a number, zeros to its left.
void append_digits(std::string& out, std::uint64_t value, std::size_t width);

}  // namespace sluice::origin
