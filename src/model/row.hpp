#pragma once

#include "model/local_file.hpp"
#include "model/object.hpp"
#include "model/proof.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace sluice {

/// Values are stored in the record: never renumber.
enum class RowState : std::uint8_t { stored = 1, refused = 2 };

/// One row of the record's `objects`: what we know of one key.
struct ObjectRow {
  std::string key;  ///< the whole key, prefix included
  Version version;
  std::int64_t mtime_ns = 0;  ///< of the file, as fstat gave it after it was set
  std::uint64_t inode = 0;
  Proof proof = Proof::none;
  Digest digest;
  RowState state = RowState::stored;
};

/// The file that a row says is there: what stat must answer for it to be ours and unmodified.
inline LocalFile file_of(const ObjectRow& row) noexcept {
  return LocalFile{FileType::regular, row.version.size, row.mtime_ns, row.inode};
}

/// One row of `pending`: a verified file that is about to be renamed into place, or has been, but
/// not yet durably. Size, time and inode survive the rename, and so tell whether it happened. The
/// same for a file in its place that is about to get a newer time.
struct PendingRow {
  ObjectRow row;            ///< what `objects` shall say
  std::string staged_name;  ///< in staging, until the rename; empty if only the time changes
  std::int64_t number = 0;  ///< given by the record, in the order of writing
};

/// One row of `partials`: a download in parts that has not ended. A part counts only if its bytes
/// in the staged file still hash to what is noted here.
struct PartialRow {
  std::string key;
  Version version;
  std::uint64_t part_bytes = 0;  ///< how the object was cut when this download began
  std::string staged_name;
  std::map<std::uint32_t, std::uint64_t> parts;  ///< index of a complete part → its CRC64NVME
};

}  // namespace sluice
