#pragma once

#include "sluice/options.hpp"

#include <string_view>
#include <vector>

namespace sluice::plan {

/// Whether `text` matches `pattern` as in aws and Python's fnmatch: `*` any bytes (also `/`), `?`
/// one byte, `[abc]`, `[a-z]`, `[!abc]`; an unclosed `[` is literal. Linear in practice, never
/// exponential.
bool matches(std::string_view pattern, std::string_view text) noexcept;

/// Include and exclude rules in the order given: the last that matches wins, none means included.
/// Immutable, so any thread may ask.
class Filter {
 public:
  explicit Filter(std::vector<FilterRule> rules) : rules_(std::move(rules)) {}
  bool includes(std::string_view relative_key) const noexcept;

 private:
  std::vector<FilterRule> rules_;
};

}  // namespace sluice::plan
