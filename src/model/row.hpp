#pragma once

#include "model/object.hpp"
#include "model/proof.hpp"

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

}  // namespace sluice
