#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Private to aws.
namespace sluice::aws {

/// A command line in words, as a POSIX shell quotes them and as botocore splits it: '…', "…" with
/// \" and \\, \x. Nothing else of a shell is known: `|`, `$HOME` and `*` are words as they stand.
Result<std::vector<std::string>> split_words(std::string_view command_line);

}  // namespace sluice::aws
