#include "plan/key_shape.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <bit>

namespace sluice::plan {

namespace {

constexpr char32_t kAscii = 0x80;
constexpr char32_t kSurrogates = 0xD800;
constexpr char32_t kAfterSurrogates = 0xE000;
/// Of the positions before those in which keys were seen to differ, so many may rise by a carry.
constexpr std::size_t kCarries = 10;
/// Of so many stretches, one that is wider than all others together is a leap that says nothing of
/// what follows: from the end of one year, or one folder, to the next.
constexpr std::size_t kEnoughToDropOne = 4;
/// Numbers stay below 2^100, so that they can be multiplied by counts of keys.
constexpr double kMostDigits = 1.2e30;

void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&out](char32_t value) { out += static_cast<char>(value); };
  if (c < kAscii) return byte(c);
  if (c < 0x800) return byte(0xC0 | (c >> 6)), byte(0x80 | (c & 0x3F));
  if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
  }
  byte(0x80 | ((c >> 6) & 0x3F));
  byte(0x80 | (c & 0x3F));
}

/// The character at `at`, which is moved on; nullopt if there is no whole one.
std::optional<char32_t> next_character(std::string_view key, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(key[at]);
  if (lead < kAscii) return ++at, lead;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || key.size() - at < length) return std::nullopt;
  char32_t c = lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(key[at + i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    c = (c << 6) | (byte & 0x3F);
  }
  at += length;
  return c;
}

std::size_t shared(const std::u32string& a, const std::u32string& b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin()).first -
      a.begin());
}

}  // namespace

std::u32string characters_of(std::string_view key) {
  std::u32string out;
  for (std::size_t at = 0; at < key.size() && out.size() < KeyShape::kMostPositions;) {
    const auto c = next_character(key, at);
    if (!c) break;
    out += *c;
  }
  return out;
}

void Alphabet::add(char32_t character) noexcept {
  if (character < kAscii) {
    ascii[character / 64] |= std::uint64_t{1} << (character % 64);
    return;
  }
  least = least == 0 ? character : std::min(least, character);
  most = std::max(most, character);
}

void Alphabet::add(const Alphabet& other) noexcept {
  ascii[0] |= other.ascii[0];
  ascii[1] |= other.ascii[1];
  if (other.least == 0) return;
  add(other.least);
  add(other.most);
}

bool Alphabet::meets(const Alphabet& other) const noexcept {
  return (ascii[0] & other.ascii[0]) != 0 || (ascii[1] & other.ascii[1]) != 0 ||
         (least != 0 && other.least != 0);
}

std::uint64_t Alphabet::size() const noexcept {
  const auto few = static_cast<unsigned>(std::popcount(ascii[0]) + std::popcount(ascii[1]));
  return few + (least == 0 ? 0u : most - least + 1u);
}

std::uint64_t Alphabet::digit_of(char32_t character) const noexcept {
  std::uint64_t digit = 0;
  for (std::size_t half = 0; half < ascii.size(); ++half) {
    const char32_t first = static_cast<char32_t>(half) * 64;
    if (character >= first + 64)
      digit += static_cast<unsigned>(std::popcount(ascii[half]));
    else if (character > first)
      digit += static_cast<unsigned>(
          std::popcount(ascii[half] & ((std::uint64_t{1} << (character - first)) - 1)));
  }
  if (least != 0 && character > least) digit += std::min(character, most) - least;
  return std::min(digit, size() - 1);
}

char32_t Alphabet::character_of(std::uint64_t digit) const noexcept {
  for (std::size_t half = 0; half < ascii.size(); ++half) {
    const auto here = static_cast<unsigned>(std::popcount(ascii[half]));
    if (digit >= here) {
      digit -= here;
      continue;
    }
    std::uint64_t bits = ascii[half];
    for (; digit > 0; --digit)
      bits &= bits - 1;
    return static_cast<char32_t>(half * 64 + static_cast<unsigned>(std::countr_zero(bits)));
  }
  const auto c = static_cast<char32_t>(least + digit);
  return c >= kSurrogates && c < kAfterSurrogates ? kAfterSurrogates : c;
}

void KeyShape::learn(std::span<const std::string_view> keys) {
  std::u32string before;
  for (const std::string_view key : keys) {
    std::u32string now = characters_of(key);
    if (now.size() > positions_.size()) positions_.resize(now.size());
    for (std::size_t i = 0; i < now.size(); ++i)
      positions_[i].seen.add(now[i]);
    for (std::size_t i = shared(before, now); i < std::min(before.size(), now.size()); ++i)
      if (now[i] < before[i]) positions_[i].came_round = true;
    before = std::move(now);
  }
}

Alphabet KeyShape::alphabet(std::size_t position) const {
  const Position& here = positions_[position];
  Alphabet all = here.seen;
  if (here.came_round) return all;
  for (const Position& other : positions_)
    if (other.seen.meets(here.seen)) all.add(other.seen);
  return all;
}

std::optional<KeyScale> KeyScale::make(const KeyShape& shape, std::span<const Stretch> seen) {
  std::vector<Ends> all;
  for (const Stretch& stretch : seen)
    all.push_back({characters_of(stretch.after), characters_of(stretch.last), stretch.keys});
  KeyScale scale(shape, all);
  if (all.size() >= kEnoughToDropOne) {
    const auto widest = std::max_element(all.begin(), all.end(), [&](const Ends& a, const Ends& b) {
      return scale.width_of(a) < scale.width_of(b);
    });
    if (scale.width_of(*widest) > scale.width_ / 2) {
      all.erase(widest);
      scale = KeyScale(shape, all);
    }
  }
  if (scale.width_of_key_ == 0) return std::nullopt;
  return scale;
}

KeyScale::KeyScale(const KeyShape& shape, std::span<const Ends> seen) {
  std::size_t common = KeyShape::kMostPositions;
  for (const Ends& ends : seen)
    common = std::min(common, shared(ends.after, ends.last));
  begin_ = common > kCarries ? common - kCarries : 0;
  for (std::size_t i = begin_; i < shape.positions(); ++i) {
    const Alphabet alphabet = shape.alphabet(i);
    const std::uint64_t size = alphabet.size();
    if (static_cast<double>(end_) * static_cast<double>(size) > kMostDigits) break;
    alphabets_.push_back(alphabet);
    end_ *= size;
  }
  std::uint64_t keys = 0;
  for (const Ends& ends : seen) {
    width_ += width_of(ends);
    keys += ends.keys;
  }
  if (keys != 0) width_of_key_ = static_cast<double>(width_) / static_cast<double>(keys);
}

KeyScale::Number KeyScale::width_of(const Ends& ends) const {
  const Number from = number_of(ends.after);
  const Number to = number_of(ends.last);
  return to > from ? to - from : 0;
}

KeyScale::Number KeyScale::number_of(const std::u32string& key) const {
  Number number = 0;
  for (std::size_t i = 0; i < alphabets_.size(); ++i) {
    const std::size_t at = begin_ + i;
    number =
        number * alphabets_[i].size() + (at < key.size() ? alphabets_[i].digit_of(key[at]) : 0);
  }
  return number;
}

std::optional<double> KeyScale::keys_between(std::string_view from, std::string_view to) const {
  const std::u32string first = characters_of(from);
  const std::u32string last = characters_of(to);
  if (shared(first, last) < begin_) return std::nullopt;
  const Number begin = number_of(first);
  const Number end = number_of(last);
  return end > begin ? static_cast<double>(end - begin) / width_of_key_ : 0;
}

std::optional<std::string> KeyScale::key_after(std::string_view from, std::uint64_t keys) const {
  std::u32string head = characters_of(from);
  const double step = width_of_key_ * static_cast<double>(keys);
  if (step >= static_cast<double>(end_)) return std::nullopt;
  const Number target = number_of(head) + static_cast<Number>(step);
  if (target >= end_ || head.size() < begin_) return std::nullopt;

  head.resize(begin_);
  std::string out;
  for (const char32_t c : head)
    append_utf8(out, c);
  // The smallest digits say nothing: what is left of the number is far less than the step.
  Number place = end_;
  Number rest = target;
  for (const Alphabet& alphabet : alphabets_) {
    if (static_cast<double>(place) < step / 64) break;
    place /= alphabet.size();
    append_utf8(out, alphabet.character_of(static_cast<std::uint64_t>(rest / place)));
    rest %= place;
  }
  if (out <= from || !can_start_after(out)) return std::nullopt;
  return out;
}

bool can_start_after(std::string_view key) noexcept {
  const bool printable = std::none_of(key.begin(), key.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
  return printable && text::is_utf8(key);
}

}  // namespace sluice::plan
