#pragma once

#include "sluice/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

/// What the journal says of a key. The values are those of the record.
enum class ChangeKind : std::uint8_t {
  added = 1,    ///< the mirror has a file that it did not have
  changed = 2,  ///< another version
  renewed = 3,  ///< the same version: written anew, or with another time
  removed = 4,  ///< the mirror has it no more; what somebody modified here may still be there
};
std::string_view to_string(ChangeKind kind) noexcept;

/// One change of the mirror, written in the transaction that recorded it: the file is in its place,
/// durably, before the change can be read.
struct Change {
  std::uint64_t seq = 0;  ///< ascending; numbers of a record that was lost are never used again
  std::int64_t pass = 0;  ///< the pass that made it
  ChangeKind kind = ChangeKind::added;
  std::string key;       ///< whole, raw bytes
  std::string old_etag;  ///< of the version before; empty: there was none
  std::string etag;      ///< of the version that is there now; empty with `removed`
  std::uint64_t size = 0;
};

/// A stretch of the journal.
struct ChangeList {
  std::uint64_t begins = 0;  ///< what came up to here, this number included, is not known any more
  std::uint64_t newest = 0;  ///< of the last change; `begins` if there is none
  std::vector<Change> changes;  ///< in order

  /// Whether nothing is missing after `seq`.
  bool covers(std::uint64_t seq) const noexcept { return seq >= begins && seq <= newest; }
};

/// Up to `limit` changes after `after`, while other processes may be at work on the mirror; takes
/// no lock and writes nothing. An error is `local` if there is no such mirror or it keeps no
/// journal, `usage` if a newer sluice wrote the record.
std::variant<ChangeList, Error> read_changes(const std::string& dir, std::uint64_t after,
                                             std::size_t limit);

}  // namespace sluice
