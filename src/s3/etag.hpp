#pragma once

#include <string>
#include <string_view>

namespace sluice::s3 {

/// An ETag as listed or from a header, without its quotes. Empty if it is weak (`W/`: no promise of
/// equal bytes) or cannot be sent back in If-Match (inner quotes, control bytes, over 1024 bytes).
std::string_view unquoted_etag(std::string_view text) noexcept;

/// The form of If-Match.
std::string quoted_etag(std::string_view etag);

}  // namespace sluice::s3
