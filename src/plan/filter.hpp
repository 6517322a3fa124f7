#pragma once

#include "sluice/options.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::plan {

/// Whether `text` matches `pattern` as in aws and Python's fnmatch: `*` any bytes (also `/`), `?`
/// one byte, `[abc]`, `[a-z]`, `[!abc]`; an unclosed `[` is literal. Linear in practice, never
/// exponential.
bool matches(std::string_view pattern, std::string_view text) noexcept;

/// A beginning that every included key provably has, so that only keys that begin with it need to
/// be listed; empty if there is none. Pure.
///
/// - Without `exclude *`: empty, since a key that no rule matches is included.
/// - `exclude *`, then no include: empty, since nothing is included at all.
/// - `exclude *`, then includes (excludes at will): what the literal beginnings of these includes
///   have in common.
///
/// Rules before the last `exclude *` have no say. The beginning is whole UTF-8 characters, since it
/// goes into a request.
std::string common_beginning(std::span<const FilterRule> rules);

/// Include and exclude rules in the order given: the last that matches wins, none means included.
/// Immutable, so any thread may ask.
class Filter {
 public:
  explicit Filter(std::vector<FilterRule> rules) : rules_(std::move(rules)) {}
  bool includes(std::string_view relative_key) const noexcept;
  std::string common_beginning() const { return plan::common_beginning(rules_); }

 private:
  std::vector<FilterRule> rules_;
};

}  // namespace sluice::plan
