#include "mirror/settle.hpp"

#include "transfer/verify.hpp"

#include <cerrno>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::mirror {

namespace {

/// The staged file of a pending row if its content is still what was verified. A row without a
/// digest proves nothing.
std::optional<local::StagedFile> intact(local::Destination& destination,
                                        const PendingRow& pending) {
  if (pending.row.digest.kind == DigestKind::none) return std::nullopt;
  auto staged = destination.reopen_staged(pending.staged_name);
  if (!staged) return std::nullopt;
  const auto digest =
      transfer::digest_of_file(staged->fd(), pending.row.version.size, pending.row.digest.kind);
  if (!digest || *digest != pending.row.digest) return std::nullopt;
  return std::move(*staged);
}

/// A crash may come between the end of a staged file and that of its row. The row must go before
/// another file gets the name: two objects would share it.
bool is_gone(local::Destination& destination, const std::string& staged_name) {
  const auto staged = destination.reopen_staged(staged_name);
  return !staged && (staged.error().os_error == ENOENT || staged.error().os_error == EINVAL);
}

/// Whether nothing but what the record knows stands at the final name: a file that was modified
/// since the crash is for the pass to decide upon.
Result<bool> may_replace(record::Record& record, const std::string& key, const LocalFile& found) {
  if (found.type == FileType::absent) return true;
  const auto row = record.find(key);
  if (!row) return row.error();
  return row->has_value() && (*row)->state == RowState::stored && found == file_of(**row);
}

/// The keys of partial downloads whose staged file has gone. Their rows must not stay: the name
/// would soon be that of another file.
Result<std::vector<std::string>> lost_partials(record::Record& record,
                                               local::Destination& destination) {
  const auto names = record.partial_names();
  if (!names) return names.error();
  std::vector<std::string> lost;
  for (const record::PartialName& name : *names)
    if (!destination.reopen_staged(name.staged_name)) lost.push_back(name.key);
  return lost;
}

struct ToPublish {
  ToPublish(PendingRow p, local::RelativePath where, local::StagedFile f)
      : pending(std::move(p)), path(std::move(where)), file(std::move(f)) {}
  PendingRow pending;
  local::RelativePath path;
  local::StagedFile file;
};

}  // namespace

Result<Settled> settle(record::Record& record, local::Destination& destination, GroupSync& sync,
                       const std::string& prefix, local::Backup* backup) {
  Settled out;
  auto pending = record.pending();
  if (!pending) return pending.error();
  record::Batch batch;
  local::ToSync renamed;
  local::ToSync staged;
  std::vector<ToPublish> complete;
  for (PendingRow& row : *pending) {
    record::add_number(batch.settled, row.number);
    const auto path = local::RelativePath::from_key(row.row.key, prefix);
    if (!path) continue;
    const auto found = destination.stat_file(*path);
    if (!found) return found.error();
    const auto replaceable = may_replace(record, row.row.key, *found);
    if (!replaceable) return replaceable.error();
    if (*found == file_of(row.row)) {
      renamed.renamed.push_back(*path);
      batch.upserts.push_back(std::move(row.row));
      ++out.stored;
    } else if (auto file = *replaceable ? intact(destination, row) : std::nullopt) {
      staged.staged.push_back(row.staged_name);
      complete.emplace_back(std::move(row), *path, std::move(*file));
    } else {
      ++out.dropped;
    }
  }
  if (!complete.empty()) {
    // After a power cut the page cache was read from the disk; after a kill it was not.
    if (const auto synced = sync.run(staged); !synced) return synced.error();
  }
  for (ToPublish& file : complete) {
    // Its time was set before the crash; it survives the rename like the inode.
    const auto kept = destination.back_up(file.path, backup);
    if (!kept || !destination.publish(file.file, file.path)) {
      ++out.dropped;  // a folder stands there now, say: the pass will decide anew
      file.file.discard();
      continue;
    }
    renamed.renamed.push_back(file.path);
    batch.upserts.push_back(std::move(file.pending.row));
    ++out.published;
  }
  if (!batch.upserts.empty()) {
    // First the renames become durable, then the record may name them.
    if (const auto synced = sync.run(renamed); !synced) return synced.error();
  }
  if (const auto committed = record.commit(batch); !committed) return committed.error();
  const auto lost = lost_partials(record, destination);
  if (!lost) return lost.error();
  if (const auto cleared = clear_leftovers(record, destination, *lost); !cleared)
    return cleared.error();
  return out;
}

Result<void> clear_leftovers(record::Record& record, local::Destination& destination,
                             const std::vector<std::string>& unwanted) {
  record::Batch batch;
  batch.ended_partials = unwanted;
  if (const auto committed = record.commit(batch); !committed) return committed.error();
  const auto names = record.partial_names();
  if (!names) return names.error();
  const auto pending = record.pending();
  if (!pending) return pending.error();
  std::set<std::string> kept;
  record::Batch gone;
  for (const record::PartialName& name : *names) {
    if (is_gone(destination, name.staged_name))
      gone.ended_partials.push_back(name.key);
    else
      kept.insert(name.staged_name);
  }
  if (const auto committed = record.commit(gone); !committed) return committed.error();
  for (const PendingRow& row : *pending)  // a sync failed: the next start looks at them
    kept.insert(row.staged_name);
  return destination.clear_staging(kept);
}

}  // namespace sluice::mirror
