#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace sluice::cli {

struct SourceUri {
  std::string bucket;
  std::string prefix;  ///< empty, or ends in `/`
};

/// `s3://bucket` or `s3://bucket/prefix`: a missing `/` at the end of the prefix is added, as
/// `aws s3 sync` does. The bytes are taken as they are; whether the bucket's name is valid is for
/// the engine to say.
Result<SourceUri> parse_source_uri(std::string_view text);

}  // namespace sluice::cli
