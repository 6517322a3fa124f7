// What must hold in a mirror, read from the disk: files, and the table `objects` of the record.
#pragma once

#include "changing_bucket.hpp"

#include <string>
#include <vector>

namespace sluice::crash {

/// Of the keys that changed since the mirror was last equal to the bucket, how many are where:
/// shows at what point of a pass the crash came.
struct Findings {
  std::vector<std::string> violations;
  std::size_t files_old = 0;  ///< or absent
  std::size_t files_new = 0;
  std::size_t rows_old = 0;  ///< or none
  std::size_t rows_new = 0;
};

/// After a crash:
///   - a final name holds the whole of a version, with its modification time, and none older than
///     the last complete mirror; a file is missing only where there was none or its key was
///     removed;
///   - the record can be opened and is sound, and each of its rows in state 1 (stored) names a file
///     that is the version of the row, to the byte, size and mtime_ns, or a later one.
Findings check_after_crash(const std::string& dir, const Histories& keys);

/// After an undisturbed pass with --delete: every file as in the bucket, no other, a row for each,
/// and nothing left in the staging folder.
std::vector<std::string> check_equal(const std::string& dir, const Histories& keys);

}  // namespace sluice::crash
