#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace sluice::text {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef";
constexpr char kUpperHex[] = "0123456789ABCDEF";
constexpr char32_t kInvalid = 0xFFFFFFFF;

unsigned char byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

struct Sequence {
  std::size_t length = 1;
  char32_t code = kInvalid;
};

/// The UTF-8 sequence that begins at `i`, by table 3-7 of the Unicode standard; one invalid byte if
/// there is none.
Sequence sequence_at(std::string_view bytes, std::size_t i) noexcept {
  const unsigned char lead = byte_at(bytes, i);
  if (lead < 0x80) return {1, lead};
  std::size_t length = 0;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {};
  }
  if (bytes.size() - i < length) return {};
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t n = 1; n < length; ++n) {
    const unsigned char next = byte_at(bytes, i + n);
    if (next < low || next > high) return {};
    low = 0x80;
    high = 0xBF;
    code = (code << 6) | (next & 0x3FU);
  }
  return {length, code};
}

/// What could move a terminal's cursor, forge a line of a log, or show text in another order.
bool is_deceptive(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c)
    table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'-', '.', '_', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kUnreserved = make_unreserved();

constexpr std::uint8_t kNoDigit = 0xFF;
constexpr std::array<std::uint8_t, 256> make_hex_values() {
  std::array<std::uint8_t, 256> table{};
  for (auto& value : table)
    value = kNoDigit;
  for (std::uint8_t n = 0; n < 16; ++n) {
    table[static_cast<unsigned char>(kLowerHex[n])] = n;
    table[static_cast<unsigned char>(kUpperHex[n])] = n;
  }
  return table;
}
constexpr auto kHexValue = make_hex_values();

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> table{};
  for (auto& value : table)
    value = kNoDigit;
  for (std::uint8_t n = 0; n < 64; ++n)
    table[static_cast<unsigned char>(kBase64[n])] = n;
  return table;
}
constexpr auto kBase64Value = make_base64_values();

char lower_char(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

void append_json_code(std::string& out, char32_t code) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4)
    out += kLowerHex[(code >> shift) & 0xF];
}

/// Edit distance in which swapping two neighbours counts once (a common slip of the fingers).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

}  // namespace

std::string escaped(std::string_view bytes) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
  if (std::all_of(bytes.begin(), bytes.end(), is_plain)) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, i);
    const std::string_view piece = bytes.substr(i, sequence.length);
    i += sequence.length;
    if (sequence.code == '\\') {
      out += "\\\\";
    } else if (sequence.code == kInvalid || is_deceptive(sequence.code)) {
      for (const char c : piece) {
        const auto value = static_cast<unsigned char>(c);
        out += "\\x";
        out += kLowerHex[value >> 4];
        out += kLowerHex[value & 0xF];
      }
    } else {
      out += piece;
    }
  }
  return out;
}

std::string quoted(std::string_view bytes) {
  return '"' + escaped(bytes) + '"';
}

std::string json_escaped(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, i);
    const std::string_view piece = bytes.substr(i, sequence.length);
    i += sequence.length;
    if (sequence.code == kInvalid) {
      out += "\xEF\xBF\xBD";
    } else if (sequence.code == '"' || sequence.code == '\\') {
      out += '\\';
      out += piece;
    } else if (is_deceptive(sequence.code)) {
      append_json_code(out, sequence.code);
    } else {
      out += piece;
    }
  }
  return out;
}

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, i);
    if (sequence.code == kInvalid) return false;
    i += sequence.length;
  }
  return true;
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i)
    out[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * (bytes - 1 - i))));
  return out;
}

std::uint64_t from_big_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char c : bytes)
    value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out(bytes.size() * 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<unsigned>(bytes[i]);
    out[2 * i] = kLowerHex[value >> 4];
    out[2 * i + 1] = kLowerHex[value & 0xF];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned high = kHexValue[byte_at(hex, 2 * i)];
    const unsigned low = kHexValue[byte_at(hex, 2 * i + 1)];
    if (high > 0xF || low > 0xF) return std::nullopt;
    out[i] = static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string base64(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t n = 0; n < 3; ++n)
      group = group << 8 | (n < left ? std::to_integer<unsigned>(bytes[i + n]) : 0U);
    out += kBase64[group >> 18];
    out += kBase64[(group >> 12) & 0x3F];
    out += left > 1 ? kBase64[(group >> 6) & 0x3F] : '=';
    out += left > 2 ? kBase64[group & 0x3F] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::size_t padding = 0;
    if (i + 4 == text.size() && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
    unsigned group = 0;
    for (std::size_t n = 0; n < 4; ++n) {
      const unsigned value = n < 4 - padding ? kBase64Value[byte_at(text, i + n)] : 0U;
      if (value > 0x3F) return std::nullopt;
      group = group << 6 | value;
    }
    // Canonical: the bits that the padding leaves over are zero, so one text means one value.
    if (padding > 0 && (group & ((1U << (8 * padding)) - 1)) != 0) return std::nullopt;
    out += static_cast<char>(group >> 16);
    if (padding < 2) out += static_cast<char>((group >> 8) & 0xFF);
    if (padding < 1) out += static_cast<char>(group & 0xFF);
  }
  return out;
}

void append_uri_encoded(std::string& out, std::string_view bytes, Slash slash) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t plain = i;
    while (i < bytes.size() &&
           (kUnreserved[byte_at(bytes, i)] || (bytes[i] == '/' && slash == Slash::keep)))
      ++i;
    out.append(bytes, plain, i - plain);
    if (i == bytes.size()) return;
    const unsigned char value = byte_at(bytes, i++);
    const char code[] = {'%', kUpperHex[value >> 4], kUpperHex[value & 0xF]};
    out.append(code, sizeof code);
  }
}

std::string uri_encoded(std::string_view bytes, Slash slash) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  append_uri_encoded(out, bytes, slash);
  return out;
}

std::optional<std::string> uri_decoded(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t plain = i;
    while (i < text.size() && text[i] != '%' && (text[i] != '+' || plus == Plus::literal))
      ++i;
    out.append(text, plain, i - plain);
    if (i == text.size()) break;
    if (text[i] == '+') {
      out += ' ';
      ++i;
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const unsigned high = kHexValue[byte_at(text, i + 1)];
    const unsigned low = kHexValue[byte_at(text, i + 2)];
    if (high > 0xF || low > 0xF) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 3;
  }
  return out;
}

std::optional<std::uint64_t> parse_uint(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > kMax / 10 || value * 10 > kMax - digit) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower_char(x) == lower_char(y);
         });
}

std::string lower(std::string_view ascii) {
  std::string out(ascii);
  for (char& c : out)
    c = lower_char(c);
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  // Longer input is no slip, and the distance would cost the product of the lengths.
  constexpr std::size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return {};
  // A third of the letters wrong is still a slip; more is another word.
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t steps = distance(word, candidate);
    if (steps < best) {
      best = steps;
      found = candidate;
    }
  }
  return found;
}

}  // namespace sluice::text
