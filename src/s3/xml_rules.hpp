#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

/// What is settled on the raw bytes of an XML answer before pugixml sees them, because pugixml
/// reads such documents differently from what they say, without an error (catalogue 1.6).
namespace sluice::s3::xml {

/// Makes `document` fit for in-place parsing as UTF-8: a byte order mark is removed, ISO-8859-1 (if
/// so declared) is converted, and a terminating NUL is appended, since pugixml overwrites the last
/// byte. Returns why the document is refused (a NUL, UTF-16 or UTF-32, another encoding, a
/// character reference that pugixml drops or leaves as text), or an empty view.
///
/// Surrogate references and bytes that are not UTF-8 pass: they end up as a key that is no UTF-8,
/// which is that key's problem, not the page's.
std::string_view prepare(std::vector<char>& document);

/// The name without a namespace prefix.
constexpr std::string_view local_name(std::string_view name) noexcept {
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool is_blank(std::string_view text) noexcept;  ///< only XML white space

}  // namespace sluice::s3::xml
