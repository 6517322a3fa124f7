#pragma once

#include "base/result.hpp"
#include "record/database.hpp"

#include <string>
#include <string_view>

/// The tables of the record: their making, their versions, and what is no record.
namespace sluice::record {

/// `usage` for a schema that is newer than this program; `local` with code "damaged" if tables are
/// missing.
Result<void> check_schema(Database& database);

/// Makes the tables of a database that has none; brings an older schema up to this one. Each in one
/// transaction.
Result<void> migrate(Database& database);

Error damaged(const std::string& path, std::string_view what);

}  // namespace sluice::record
