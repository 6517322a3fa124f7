#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// One `name = value` of a config file.
struct ConfigEntry {
  std::string section;  ///< empty at the top
  std::string name;
  std::vector<std::string> values;  ///< one, or those of an array
  unsigned line = 0;                ///< from 1
};

/// The part of TOML 1.0 that flags need: comments, `[section]`, and `name = value` where a value is
/// a string on one line, an integer, a boolean, or an array of these, over several lines if wanted.
/// Anything else is a usage error that names `file` and the line. (CLI11 2.1's own reader cuts
/// strings at `#`, which filters hold, and knows no escapes.)
Result<std::vector<ConfigEntry>> parse_config(std::string_view file, std::string_view content);

/// Reads the file first; at most 1 MiB.
Result<std::vector<ConfigEntry>> read_config(const std::string& path);

}  // namespace sluice::cli
