#include "s3/xml_rules.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sluice::s3::xml {

namespace {

/// Longer than any reference that is accepted: `&#x0010FFFF;` with a few spare zeros.
constexpr std::size_t kMaxReferenceBytes = 16;
constexpr std::uint32_t kLastCodePoint = 0x10ffff;

bool is_good_number(std::string_view digits, std::uint32_t base) noexcept {
  if (digits.empty()) return false;
  std::uint32_t value = 0;
  for (const char c : digits) {
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (base == 16 && c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    } else if (base == 16 && c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    } else {
      return false;
    }
    value = value * base + digit;
    if (value > kLastCodePoint) return false;
  }
  return value != 0;
}

/// `name` is what stands between `&` and `;`.
bool is_good_reference(std::string_view name) noexcept {
  // By far the commonest: the quotes of every ETag.
  if (name == "quot" || name == "amp" || name == "lt" || name == "gt" || name == "apos")
    return true;
  if (name.starts_with("#x")) return is_good_number(name.substr(2), 16);
  if (name.starts_with("#")) return is_good_number(name.substr(1), 10);
  return false;
}

/// CDATA and comments are not told apart: no S3 server writes a bare `&` there.
bool has_bad_reference(std::string_view text) noexcept {
  std::size_t at = text.find('&');
  while (at != std::string_view::npos) {
    const std::string_view rest = text.substr(at + 1, kMaxReferenceBytes);
    const std::size_t end = rest.find(';');
    if (end == std::string_view::npos || !is_good_reference(rest.substr(0, end))) return true;
    at = text.find('&', at + end + 2);
  }
  return false;
}

std::string_view as_view(const std::vector<char>& document) noexcept {
  return {document.data(), document.size()};
}

/// The encoding that the XML declaration names; empty if none does.
std::string_view declared_encoding(std::string_view text) noexcept {
  if (!text.starts_with("<?xml")) return {};
  text = text.substr(0, text.find("?>"));
  std::size_t at = text.find("encoding");
  if (at == std::string_view::npos) return {};
  at = text.find_first_of("\"'", at);
  if (at == std::string_view::npos) return {};
  const std::size_t end = text.find(text[at], at + 1);
  if (end == std::string_view::npos) return {};
  return text.substr(at + 1, end - at - 1);
}

void convert_latin1(std::vector<char>& document) {
  std::vector<char> utf8;
  utf8.reserve(document.size() + document.size() / 8 + 1);
  for (const char c : document) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      utf8.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  document = std::move(utf8);
}

bool iequals_any(std::string_view text, std::initializer_list<std::string_view> names) noexcept {
  return std::ranges::any_of(names,
                             [text](std::string_view name) { return text::iequals(text, name); });
}

}  // namespace

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string_view prepare(std::vector<char>& document) {
  constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
  if (as_view(document).starts_with(kUtf8Mark)) {
    document.erase(document.begin(), document.begin() + kUtf8Mark.size());
  }
  if (document.empty()) return "it is empty";
  if (as_view(document).starts_with("\xfe\xff") || as_view(document).starts_with("\xff\xfe")) {
    return "it is UTF-16, where UTF-8 is expected";
  }
  // This finds UTF-16 and UTF-32 without a mark as well.
  if (std::memchr(document.data(), 0, document.size()) != nullptr) return "it contains a NUL byte";

  const std::string_view encoding = declared_encoding(as_view(document));
  if (iequals_any(encoding, {"iso-8859-1", "latin1"})) {
    convert_latin1(document);
  } else if (!encoding.empty() && !iequals_any(encoding, {"utf-8", "utf8", "us-ascii"})) {
    return "it is in an encoding other than UTF-8";
  }
  if (has_bad_reference(as_view(document))) return "it contains a malformed character reference";
  document.push_back('\0');
  return {};
}

}  // namespace sluice::s3::xml
