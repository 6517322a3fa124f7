#pragma once

#include "base/result.hpp"
#include "model/object.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

inline constexpr std::size_t kMaxPageBytes = 16 * 1024 * 1024;

/// What the answer must agree with.
struct ListExpectation {
  std::string bucket;  ///< empty: the Name echo is not checked
  std::string prefix;
  std::string token;  ///< that was sent; an answer that repeats it is refused
  std::string start_after;
  std::int64_t now_ms = 0;  ///< to judge a restored archive's expiry
};

/// A ListObjectsV2 answer, with every rule of the listing catalogue: any doubt refuses the whole
/// page (`invalid_answer`; an `<Error>` document becomes the error it names, as if it had come with
/// status 500). Limits: 16 MiB, 10,000 keys. `body` becomes the page's buffer: parsing is in place,
/// and one byte of spare capacity saves a copy. The message names neither bucket nor endpoint.
///
/// What is not a matter of the page passes: order, repeated keys, keys that are no valid path or
/// no UTF-8. LastModified may be missing (0).
Result<ListPage> parse_list_page(std::vector<char> body, const ListExpectation& expectation);

}  // namespace sluice::s3
