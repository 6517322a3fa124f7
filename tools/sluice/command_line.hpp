#pragma once

#include "base/result.hpp"
#include "settings.hpp"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::cli {

/// Something to print instead of something to do: `--help`, `--version`.
struct Information {
  std::string text;
};

/// std::getenv, or a test's.
using Environment = std::function<const char*(const char* name)>;

/// What the user asks for. Each flag's value comes from the strongest place that gives one: command
/// line, then SLUICE_<FLAG>, then the config file (its [verb] section, then its top), then
/// AWS_MAX_ATTEMPTS. Within one place the last wins. `arguments` begin after the program's name.
Result<std::variant<Command, Information>> parse_command_line(
    const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace sluice::cli
