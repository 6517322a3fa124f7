#pragma once

#include "base/result.hpp"
#include "settings.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::cli {

enum class Group : std::uint8_t {
  source,
  deletion,
  filters,
  comparison,
  tuning,
  watching,
  measuring,
  output
};
std::string_view title_of(Group group) noexcept;

/// A value and where it was given, for messages: `--transfers`, `SLUICE_TRANSFERS`,
/// `site.toml:3: transfers`.
struct Given {
  std::string_view where;
  std::string_view value;  ///< of a switch: `true` or `false`
};

/// One flag, whichever way it is set.
struct Flag {
  std::string_view name;  ///< without dashes
  char letter = '\0';
  Group group = Group::output;
  unsigned verbs = 0;       ///< bits by Verb
  std::string_view value;   ///< placeholder of its value; empty: a switch
  std::string_view sample;  ///< a value that makes sense, for messages
  std::string_view help;
  Result<void> (*set)(Settings&, const Given&) = nullptr;

  bool is_switch() const noexcept { return value.empty(); }
  bool applies_to(Verb verb) const noexcept {
    return (verbs >> static_cast<unsigned>(verb) & 1U) != 0;
  }
  bool may_repeat() const noexcept { return group == Group::filters; }
};

/// In the order of the help.
std::span<const Flag> all_flags() noexcept;
const Flag* find_flag(std::string_view name) noexcept;

std::string_view name_of(Verb verb) noexcept;

/// "; did you mean …?", or nothing: for an unknown flag of this verb.
std::string flag_suggestion(std::string_view name, Verb verb, std::string_view before);

}  // namespace sluice::cli
