#pragma once

#include "model/local_file.hpp"
#include "model/object.hpp"
#include "model/row.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

/// Deciding is separate from doing: everything here is pure.
namespace sluice::plan {

enum class Action : std::uint8_t {
  keep,    ///< nothing to do
  fetch,   ///< download
  adopt,   ///< hash the local file; if it proves equal, record it, else fetch
  rehash,  ///< only the inode differs: hash against the stored digest, else fetch
  touch,   ///< same content, newer LastModified: set mtime, refresh the row
  refuse,  ///< refused before for this version, or something in the way
  skip_archived,
  report,  ///< a local change that --local-changes keep leaves alone
};

enum class Reason : std::uint8_t {
  unchanged,
  fresh,    ///< never seen, nothing there
  changed,  ///< another version than we have
  missing_locally,
  modified_locally,
  unrecorded_file,  ///< something is there that the record does not know
  moved_inode,
  newer_time,
  refused_before,
  occupied,  ///< a directory or special file is at the path
  archived,
};
std::string_view to_string(Action action) noexcept;
std::string_view to_string(Reason reason) noexcept;

struct Decision {
  Action action = Action::keep;
  Reason reason = Reason::unchanged;
  bool operator==(const Decision&) const = default;
};

enum class LocalChanges : std::uint8_t { overwrite, keep };  ///< --local-changes
enum class AdoptBy : std::uint8_t { hash, size_mtime };      ///< --adopt-by
enum class Compare : std::uint8_t {
  record,     ///< the decision table
  size_only,  ///< --size-only: same size is same content
  checksum,   ///< --checksum: `keep` becomes `rehash`
};

struct DecideOptions {
  LocalChanges local_changes = LocalChanges::overwrite;
  Compare compare = Compare::record;
  AdoptBy adopt_by = AdoptBy::hash;
  /// A version that was refused (--verify strict: nothing proves it) is not fetched again.
  bool keep_refusals = false;
};

/// The decision table (docs: ARCHITECTURE.md; the table is repeated above the definition).
Decision decide(const ListedObject& remote, const ObjectRow* row, const LocalFile& local,
                const DecideOptions& options) noexcept;

}  // namespace sluice::plan
