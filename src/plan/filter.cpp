#include "plan/filter.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace sluice::plan {

namespace {

constexpr std::size_t kNoClass = std::string_view::npos;

/// The end of the `[…]` that starts at `at` (one past the `]`), or kNoClass if it is not closed.
/// A `]` right after `[` or `[!` is a member.
std::size_t class_end(std::string_view pattern, std::size_t at) noexcept {
  std::size_t i = at + 1;
  if (i < pattern.size() && pattern[i] == '!') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  while (i < pattern.size() && pattern[i] != ']')
    ++i;
  return i < pattern.size() ? i + 1 : kNoClass;
}

bool class_has(std::string_view members, unsigned char byte) noexcept {
  const bool negated = !members.empty() && members[0] == '!';
  if (negated) members.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto low = static_cast<unsigned char>(members[i]);
    if (i + 2 < members.size() && members[i + 1] == '-') {
      const auto high = static_cast<unsigned char>(members[i + 2]);
      found = found || (low <= byte && byte <= high);
      i += 2;
    } else {
      found = found || low == byte;
    }
  }
  return found != negated;
}

/// Matches one pattern element other than `*` against one byte; advances `at` past the element.
bool element_matches(std::string_view pattern, std::size_t& at, unsigned char byte) noexcept {
  if (pattern[at] == '?') {
    ++at;
    return true;
  }
  if (pattern[at] == '[') {
    const std::size_t end = class_end(pattern, at);
    if (end != kNoClass) {
      const auto members = pattern.substr(at + 1, end - at - 2);
      at = end;
      return class_has(members, byte);
    }
  }
  return static_cast<unsigned char>(pattern[at++]) == byte;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) noexcept {
  // Greedy with one point of return: a later `*` makes every earlier choice final.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = kNoClass;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    std::size_t next = p;
    if (p < pattern.size() && element_matches(pattern, next, static_cast<unsigned char>(text[t]))) {
      p = next;
      ++t;
      continue;
    }
    if (star == kNoClass) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

std::string common_beginning(std::span<const FilterRule> rules) {
  std::optional<std::string_view> common;
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    const std::string_view pattern = rule->pattern;
    if (rule->kind == FilterRule::Kind::exclude) {
      const bool is_everything = !pattern.empty() && pattern.find_first_not_of('*') == kNoClass;
      if (!is_everything) continue;
      std::string_view whole = common.value_or("");
      while (!text::is_utf8(whole))
        whole.remove_suffix(1);
      return std::string(whole);
    }
    const std::string_view literal = pattern.substr(0, pattern.find_first_of("*?["));
    if (!common) {
      common = literal;
      continue;
    }
    const auto ends = std::mismatch(common->begin(), common->end(), literal.begin(), literal.end());
    common = common->substr(0, static_cast<std::size_t>(ends.first - common->begin()));
  }
  return {};  // what no rule matches is included
}

bool Filter::includes(std::string_view relative_key) const noexcept {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule)
    if (matches(rule->pattern, relative_key)) return rule->kind == FilterRule::Kind::include;
  return true;
}

}  // namespace sluice::plan
