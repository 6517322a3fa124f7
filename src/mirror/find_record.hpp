#pragma once

#include "base/result.hpp"
#include "record/record.hpp"

#include <memory>
#include <string>

namespace sluice::mirror {

/// The record of the mirror in `dir`, to be read beside whoever works on it: no lock, no change.
/// `local` if there is none, `usage` if a newer sluice wrote it.
Result<std::unique_ptr<record::Record>> find_record(const std::string& dir);

}  // namespace sluice::mirror
