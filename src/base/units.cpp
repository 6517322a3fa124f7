#include "base/units.hpp"

#include "base/text.hpp"

#include <array>
#include <cstdio>
#include <limits>
#include <optional>

namespace sluice::units {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

/// A number with at most three decimals.
struct Amount {
  std::uint64_t whole = 0;
  std::uint64_t thousandths = 0;  ///< below 1000
};

/// Removed from the front of `text`.
std::optional<Amount> take_amount(std::string_view& text) {
  const auto digits = [&text] {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9')
      ++n;
    const std::string_view found = text.substr(0, n);
    text.remove_prefix(n);
    return found;
  };
  const auto whole = text::parse_uint(digits());
  if (!whole) return std::nullopt;
  Amount amount{*whole, 0};
  if (text.empty() || text.front() != '.') return amount;
  text.remove_prefix(1);
  const std::string_view decimals = digits();
  if (decimals.empty() || decimals.size() > 3) return std::nullopt;
  std::uint64_t weight = 100;
  for (const char c : decimals) {
    amount.thousandths += static_cast<std::uint64_t>(c - '0') * weight;
    weight /= 10;
  }
  return amount;
}

/// In units, cut to a whole number.
std::optional<std::uint64_t> scaled(const Amount& amount, std::uint64_t unit) {
  const std::uint64_t rest = amount.thousandths * unit / 1000;  // units are at most 2^60 / 1000
  if (amount.whole > (kMax - rest) / unit) return std::nullopt;
  return amount.whole * unit + rest;
}

std::optional<std::uint64_t> size_unit(std::string_view suffix) {
  if (suffix.empty() || text::iequals(suffix, "b")) return 1;
  std::uint64_t binary = 1, decimal = 1;
  for (const char letter : {'k', 'm', 'g', 't', 'p'}) {
    binary *= 1024;
    decimal *= 1000;
    if (text::lower(suffix.substr(0, 1))[0] != letter) continue;
    const std::string_view rest = suffix.substr(1);
    if (rest.empty() || text::iequals(rest, "i") || text::iequals(rest, "ib")) return binary;
    if (text::iequals(rest, "b")) return decimal;
  }
  return std::nullopt;
}

Error usage_error(std::string_view what, std::string_view given, std::string_view rule) {
  std::string message(what);
  message += ": \"";
  message += text::escaped(given);
  message += "\" ";
  message += rule;
  return Error(ErrorKind::usage, std::move(message));
}

struct DurationUnit {
  std::string_view name;
  std::uint64_t ms;
};
// Largest first: `1h30m` must descend, so that each unit is given once.
constexpr std::array<DurationUnit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

/// A hundred years: more is a slip, and timers count nanoseconds in 64 bits (292 years).
constexpr std::uint64_t kLongestMs = 36'500 * std::uint64_t{86'400'000};

std::optional<std::uint64_t> duration_ms(std::string_view text) {
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  bool first = true;
  while (first || !text.empty()) {
    const auto amount = take_amount(text);
    if (!amount) return std::nullopt;
    std::size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z')
      ++letters;
    std::string_view name = text.substr(0, letters);
    text.remove_prefix(letters);
    if (name.empty() && first && text.empty()) name = "s";
    while (next_unit < kDurationUnits.size() && kDurationUnits[next_unit].name != name)
      ++next_unit;
    if (next_unit == kDurationUnits.size()) return std::nullopt;
    const auto part = scaled(*amount, kDurationUnits[next_unit].ms);
    if (!part || *part > kLongestMs - total) return std::nullopt;
    total += *part;
    ++next_unit;
    first = false;
  }
  return total;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view what, std::string_view text) {
  std::string_view left = text::trimmed(text);
  const auto amount = take_amount(left);
  const auto unit = size_unit(text::trimmed(left));
  if (amount && unit) {
    if (const auto bytes = scaled(*amount, *unit)) return *bytes;
  }
  return usage_error(what, text, "is not a size; write for example 8MiB, 100M or 1G");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view what, std::string_view text) {
  if (const auto ms = duration_ms(text::trimmed(text)))
    return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
  return usage_error(what, text, "is not a duration; write for example 60s, 5m or 1h30m");
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < KiB) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 6> kNames = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.5 would be rounded to 1024, which is 1 of the next unit.
  while (value >= 1023.5 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  char digits[32];
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::snprintf(digits, sizeof digits, "%.*f", decimals, value);
  std::string out(digits);
  if (decimals > 0) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out + ' ' + kNames[unit];
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t count = duration.count();
  // Negation in unsigned arithmetic: the smallest value has no positive counterpart.
  const std::uint64_t ms =
      count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  std::string out = count < 0 ? "-" : "";
  if (ms < 1000) return out + std::to_string(ms) + "ms";
  if (ms < 60'000) {
    out += std::to_string(ms / 1000);
    if (const std::uint64_t tenths = ms / 100 % 10; tenths != 0)
      out += '.' + std::to_string(tenths);
    return out + 's';
  }
  const auto pair = [&out](std::uint64_t large, char unit, std::uint64_t small, char small_unit) {
    out += std::to_string(large) + unit;
    if (small < 10) out += '0';
    out += std::to_string(small) + small_unit;
    return out;
  };
  const std::uint64_t minutes = ms / 60'000;
  if (minutes < 60) return pair(minutes, 'm', ms / 1000 % 60, 's');
  if (minutes < 24 * 60) return pair(minutes / 60, 'h', minutes % 60, 'm');
  return pair(minutes / (24 * 60), 'd', minutes / 60 % 24, 'h');
}

}  // namespace sluice::units
