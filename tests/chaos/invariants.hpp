// What must hold after every pass, whatever happened in it. Each check answers with violations.
#pragma once

#include "facts.hpp"
#include "model/row.hpp"
#include "tree.hpp"
#include "world.hpp"

#include "sluice/options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::chaos {

using Violations = std::vector<std::string>;

/// No part is drawn smaller.
inline constexpr std::uint64_t kLeastPartBytes = 1024;

/// The record, read from a copy, so that nothing of it is recovered or checkpointed by us.
struct RecordRows {
  std::vector<ObjectRow> objects;
  std::vector<PendingRow> pending;
  std::size_t partials = 0;
  std::optional<std::string> failure;
};
RecordRows read_record(const std::string& dir, const std::string& scratch);

/// One pass, or the attempt of one, as seen from outside.
struct PassView {
  const MirrorOptions& options;
  const World& world;
  User& user;
  const Tree& before;
  const Tree& after;
  const Facts& facts;
  int status;  ///< of the program
  const RecordRows& record;
  /// A crash, a stop or a failure came between: the record may be behind the files.
  bool unfinished = false;
  bool record_was_harmed = false;  ///< at some time: files may be there that nobody remembers
};

/// A final name holds the whole of a version that the bucket held under that key, or what the user
/// put there; what is the user's is untouched, but where a key of the bucket replaces it.
Violations check_files(PassView& view);
/// Nothing goes but with --delete, a complete listing in order without the key, the answer that it
/// is gone, and within the guard; or because a folder takes its place.
Violations check_deletions(const PassView& view);
/// A row in state stored is never ahead of its file, and is exact after a pass that came to its
/// end.
Violations check_record(const PassView& view);
/// Status 0 means that the mirror equals the bucket. Without any fault the other way holds, too.
enum class Weather : std::uint8_t { fair, foul };
Violations check_status(const PassView& view, Weather weather);
/// Requests and bytes are bounded by the objects and the faults.
Violations check_cost(const PassView& view);

/// With --backup-dir all that was replaced or deleted is kept. `kept`: what is in there now.
Violations check_backup(const PassView& view, const Tree& kept);

/// Whether the filters leave the key out. Worked out a second time, independently of src/plan.
bool is_excluded(const MirrorOptions& options, const std::string& key);

/// Why this key of the bucket need not be in the mirror; empty if it must be.
std::string excuse_for(const PassView& view, const std::string& key);
bool is_right(const PassView& view, const std::string& key, Weather weather);

}  // namespace sluice::chaos
