#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Text in and out: everything here is a pure function and never allocates more than its answer.
namespace sluice::text {

/// For terminals, logs and JSON-free output: C0, C1, DEL, ESC, bidirectional controls (U+202A–202E,
/// U+2066–2069), line separators and bytes that are not UTF-8 become `\xNN`; a backslash becomes
/// `\\`. Printable UTF-8 stays as it is. Two different inputs never give the same output.
std::string escaped(std::string_view bytes);

/// `escaped`, between double quotes.
std::string quoted(std::string_view bytes);

/// The body of a JSON string (without the quotes): as RFC 8259, with the same characters as
/// `escaped` turned into \u00NN; bytes that are not UTF-8 become U+FFFD. A key that is not UTF-8
/// is therefore given beside its hex form by whoever writes JSON.
std::string json_escaped(std::string_view bytes);

/// Whether `bytes` is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view bytes) noexcept;

/// The low `bytes` bytes of a number, at most 8, the highest first; and back.
std::string big_endian(std::uint64_t value, std::size_t bytes);
std::uint64_t from_big_endian(std::string_view bytes) noexcept;

std::string hex(std::span<const std::byte> bytes);
std::optional<std::string> from_hex(std::string_view hex);

std::string base64(std::span<const std::byte> bytes);
/// nullopt unless `text` is canonical base64 with padding.
std::optional<std::string> from_base64(std::string_view text);

/// AWS's UriEncode: every byte but A-Z a-z 0-9 - . _ ~ becomes %XX (upper case); `/` is kept when
/// `keep_slash`.
enum class Slash : bool { encode, keep };
std::string uri_encoded(std::string_view bytes, Slash slash);
void append_uri_encoded(std::string& out, std::string_view bytes, Slash slash);

/// Decodes %XX and, for listings, `+` as a space. nullopt on a `%` without two hex digits.
enum class Plus : bool { literal, space };
std::optional<std::string> uri_decoded(std::string_view text, Plus plus);

/// Whole string as a decimal unsigned number: no sign, no blanks; nullopt on overflow or junk.
std::optional<std::uint64_t> parse_uint(std::string_view text) noexcept;

bool iequals(std::string_view a, std::string_view b) noexcept;  ///< ASCII case folding only
std::string lower(std::string_view ascii);
std::string_view trimmed(std::string_view text) noexcept;  ///< blanks and tabs at both ends

/// The candidate nearest to `word` by edit distance, for "did you mean"; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sluice::text
