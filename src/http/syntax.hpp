#pragma once

#include <array>
#include <string_view>

namespace sluice::http {

namespace detail {

constexpr std::array<bool, 256> token_bytes() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[c] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kTokenBytes = token_bytes();

}  // namespace detail

/// RFC 9110 section 5.6.2: what a header name is made of.
constexpr bool is_token_byte(unsigned char c) noexcept {
  return detail::kTokenBytes[c];
}

/// RFC 9110 section 5.5: what a header value may hold: no control byte but the tab.
constexpr bool is_field_byte(unsigned char c) noexcept {
  return c == '\t' || (c >= 0x20 && c != 0x7f);
}

}  // namespace sluice::http
