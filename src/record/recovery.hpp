#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

/// What is done about a record that is no sound database.
namespace sluice::record {

bool is_there(const std::string& path);

/// The SQLite code of a page that an integrity check could not read, by its verdict, or 0: the
/// check itself ends well then.
int read_failure(std::string_view verdict);

/// Renames the database, and what belongs to it, to `path`.damaged-<n>.
Result<void> move_aside(const std::string& path);

}  // namespace sluice::record
