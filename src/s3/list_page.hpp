#pragma once

#include "base/result.hpp"
#include "model/object.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {

/// Version 1 is what servers of long ago speak: it goes on after a key, not by a token.
enum class ListVersion : std::uint8_t { one = 1, two = 2 };

/// The code of the error for a page of version 1 that answers a request of version 2 and leaves
/// something of it unanswered: the same must be asked in version 1.
inline constexpr std::string_view kAnsweredInVersion1 = "ListObjectsVersion1";

inline constexpr std::size_t kMaxPageBytes = 16 * 1024 * 1024;

/// What the answer must agree with.
struct ListExpectation {
  std::string bucket;  ///< empty: the Name echo is not checked
  std::string prefix;
  ListVersion version = ListVersion::two;
  std::string
      token;  ///< that was sent, in version 1 the marker; an answer that repeats it is refused
  std::string start_after;
  std::int64_t now_ms = 0;  ///< to judge a restored archive's expiry
};

/// A ListObjects answer, with every rule of the listing catalogue: any doubt refuses the whole
/// page (`invalid_answer`; an `<Error>` document becomes the error it names, as if it had come with
/// status 500). Limits: 16 MiB, 10,000 keys. `body` becomes the page's buffer: parsing is in place,
/// and one byte of spare capacity saves a copy. The message names neither bucket nor endpoint.
///
/// In version 1 the page's `next_token` is the key to go on after: NextMarker, else (it is required
/// only with a delimiter) the last one listed. It is the caller's to tell it from a token.
///
/// What is not a matter of the page passes: order, repeated keys, keys that are no valid path or
/// no UTF-8. LastModified may be missing (0).
Result<ListPage> parse_list_page(std::vector<char> body, const ListExpectation& expectation);

}  // namespace sluice::s3
