#include "origin/synthetic_bucket.hpp"

#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace sluice::origin {
namespace {

// 2024-01-01: the date tree covers the 730 days from here, and all objects were changed after it.
constexpr std::int64_t kEpochMs = 1'704'067'200'000;
constexpr std::int64_t kTreeSeconds = 730 * 86'400;

// Ideographs U+4E00..U+9FA5: all of three bytes, in the order of their code points.
constexpr std::uint64_t kIdeographs = 20'902;

// index * span / count without overflow.
std::uint64_t scaled(std::uint64_t index, std::uint64_t span, std::uint64_t count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{index} * span / count);
}

void append_ideograph(std::string& out, std::uint64_t digit) {
  const auto point = static_cast<unsigned>(0x4E00 + digit);
  out += static_cast<char>(0xE0 | (point >> 12));
  out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
  out += static_cast<char>(0x80 | (point & 0x3F));
}

std::string cjk_key(std::uint64_t place) {
  std::array<std::uint64_t, 4> digits{};
  for (std::size_t i = digits.size(); i-- > 0;) {
    digits[i] = place % kIdeographs;
    place /= kIdeographs;
  }
  std::string key = "資料/";
  for (const std::uint64_t digit : digits)
    append_ideograph(key, digit);
  return key;
}

std::string date_key(std::uint64_t index, std::uint64_t count) {
  const auto second = static_cast<std::int64_t>(scaled(index, kTreeSeconds, count));
  const std::string date = iso_date(kEpochMs + second * 1000);  // 2024-02-29T13:05:07.000Z
  std::string key = "logs/";
  key.append(date, 0, 4).append("/").append(date, 5, 2).append("/").append(date, 8, 2);
  key.append("/").append(date, 11, 2).append("/").append(date, 14, 2).append(date, 17, 2);
  key.append("-");
  append_digits(key, index, 10);
  return key.append(".json");
}

// One key a slot of the 64-bit space, at a random place in its slot: sorted by construction.
std::string hex_key(std::uint64_t index, std::uint64_t count, std::uint64_t seed) {
  constexpr std::uint64_t span = ~std::uint64_t{0};
  const std::uint64_t from = scaled(index, span, count);
  const std::uint64_t width = span / count;
  const std::uint64_t place = from + (width > 1 ? mix64(seed ^ index) % width : 0);
  return fmt::format("{:02x}/{:016x}.bin", place >> 56, place);
}

std::uint64_t parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
  if (error != std::errc() || (shift == 0 && !unit.empty())) {
    throw std::invalid_argument(fmt::format("'{}' is not a number (K, M and G may follow)", text));
  }
  return value << shift;
}

KeySet parse_key_set(std::string_view name) {
  if (name == "uniform-hex") return KeySet::uniform_hex;
  if (name == "date-tree") return KeySet::date_tree;
  if (name == "counter") return KeySet::counter;
  if (name == "cjk") return KeySet::cjk;
  throw std::invalid_argument(
      fmt::format("'{}' is no key set: uniform-hex, date-tree, counter or cjk", name));
}

}  // namespace

SyntheticSpec parse_synthetic_spec(std::string_view text) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t colon = text.find(':');
    fields.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  if (fields.size() < 2 || fields.size() > 4 || (fields.size() == 4 && fields[3] != "opaque")) {
    throw std::invalid_argument("a synthetic bucket is KEYS:COUNT[:SIZE[-SIZE][:opaque]]");
  }
  SyntheticSpec spec;
  spec.keys = parse_key_set(fields[0]);
  spec.count = parse_size(fields[1]);
  if (fields.size() >= 3) {
    const std::size_t dash = fields[2].find('-');
    spec.size_min = parse_size(fields[2].substr(0, dash));
    spec.size_max =
        dash == std::string_view::npos ? spec.size_min : parse_size(fields[2].substr(dash + 1));
    if (spec.size_max < spec.size_min) throw std::invalid_argument("the larger size comes last");
  }
  spec.md5_etags = fields.size() < 4;
  return spec;
}

SyntheticBucket::SyntheticBucket(SyntheticSpec spec) : spec_(spec) {}

std::string SyntheticBucket::key_at(std::uint64_t index) const {
  switch (spec_.keys) {
    case KeySet::uniform_hex:
      return hex_key(index, spec_.count, spec_.seed);
    case KeySet::date_tree:
      return date_key(index, spec_.count);
    case KeySet::counter:
      return fmt::format("item-{:012}", index);
    case KeySet::cjk:
      return cjk_key(
          scaled(index, kIdeographs * kIdeographs * kIdeographs * kIdeographs, spec_.count));
  }
  return {};
}

std::uint64_t SyntheticBucket::lower_bound(std::string_view key) const {
  std::uint64_t low = 0;
  std::uint64_t high = spec_.count;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (key_at(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

ContentPtr SyntheticBucket::content_of(std::string_view key) const {
  const std::uint64_t seed = seed_of(key, spec_.seed);
  std::uint64_t size = spec_.size_min;
  if (spec_.size_max > spec_.size_min) {
    const double at = static_cast<double>(mix64(seed) >> 11) / 9007199254740992.0;  // 2^53
    const double low = std::log(static_cast<double>(spec_.size_min) + 1);
    const double high = std::log(static_cast<double>(spec_.size_max) + 1);
    size = static_cast<std::uint64_t>(std::exp(low + (high - low) * at)) - 1;
  }
  return generated_content(size, seed);
}

ObjectInfo SyntheticBucket::info_of(std::string key, const Content& content) const {
  ObjectInfo info;
  const std::uint64_t seed = seed_of(key, spec_.seed);
  info.etag = spec_.md5_etags ? md5_etag(content)
                              : fmt::format("\"{:016x}{:016x}-1\"", mix64(seed), mix64(seed + 1));
  info.size = content.size();
  info.modified_ms = kEpochMs + static_cast<std::int64_t>(seed % (kTreeSeconds * 1000ull));
  info.key = std::move(key);
  return info;
}

std::vector<ObjectInfo> SyntheticBucket::list_from(std::string_view from, std::size_t limit) {
  std::vector<ObjectInfo> out;
  for (std::uint64_t i = lower_bound(from); i < spec_.count && out.size() < limit; ++i) {
    std::string key = key_at(i);
    const ContentPtr content = content_of(key);
    out.push_back(info_of(std::move(key), *content));
  }
  return out;
}

std::optional<Object> SyntheticBucket::find(std::string_view key) {
  const std::uint64_t index = lower_bound(key);
  if (index >= spec_.count || key_at(index) != key) return std::nullopt;
  ContentPtr content = content_of(key);
  Object object{info_of(std::string(key), *content), std::move(content)};
  return object;
}

}  // namespace sluice::origin
