#pragma once

#include "model/row.hpp"
#include "record/database.hpp"

#include <string>

/// Between rows as values and the columns of statements.
namespace sluice::record {

/// In the order of `objects`; the columns of `pending` and `absent` begin with the same.
inline constexpr int kObjectColumns = 10;

/// Binds parameters 1 to kObjectColumns. The row must live until the statement is reset.
void bind_row(Statement& statement, const ObjectRow& row);
ObjectRow read_row(const Statement& statement);

/// `parts` is what encode_parts made of the row; both must live until the statement is reset.
void bind_partial(Statement& statement, const PartialRow& row, const std::string& parts);
std::string encode_parts(const PartialRow& row);
/// Parts that do not read as written are left out: they will be fetched again.
PartialRow read_partial(const Statement& statement);

}  // namespace sluice::record
