#pragma once

#include "base/result.hpp"
#include "model/object.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

/// What the answer must agree with.
struct ListExpectation {
  std::string bucket;  ///< empty: the Name echo is not checked
  std::string prefix;
  std::string token;  ///< that was sent; an answer that repeats it is refused
  std::string start_after;
  std::int64_t now_ms = 0;  ///< to judge a restored archive's expiry
};

/// A ListObjectsV2 answer, with every rule of the listing catalogue: any doubt refuses the whole
/// page
/// (`invalid_answer`; an `<Error>` document becomes the error it names, as if it had come with
/// status 500). Limits: 16 MiB, 10,000 keys. `body` becomes the page's buffer: parsing is in place.
Result<ListPage> parse_list_page(std::vector<char> body, const ListExpectation& expectation);

}  // namespace sluice::s3
