// HeadObject and GetObject on a version that was found: conditions, ranges, checksum headers.
#pragma once

#include "origin/bucket.hpp"
#include "origin/errors.hpp"
#include "origin/operation.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace sluice::origin {

// Bytes [first, first + count).
struct Range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

enum class RangeVerdict {
  whole,  // no range asked, or a form that S3 ignores (several ranges, other units)
  partial,
  unsatisfiable,  // 416
};

// "bytes=a-b", "bytes=a-" and "bytes=-n" against an object of `size` bytes.
RangeVerdict parse_range(std::string_view header, std::uint64_t size, Range& range);

std::variant<Response, S3Error> answer_object(const Object& object, const Request& request,
                                              const Route& route);

}  // namespace sluice::origin
