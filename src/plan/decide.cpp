#include "plan/decide.hpp"

namespace sluice::plan {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::int64_t floored(std::int64_t value, std::int64_t unit) noexcept {
  return value / unit - (value % unit < 0 ? 1 : 0);
}

/// Version::same_content, without making a Version of the views.
bool is_same_version(const ListedObject& remote, const ObjectRow& row) noexcept {
  const Version& ours = row.version;
  if (remote.size != ours.size || remote.etag != ours.etag) return false;
  return !ours.etag.empty() || remote.modified_ms == ours.modified_ms;
}

/// How the file compares with what the record says we left there.
enum class Match : std::uint8_t { absent, same, other_inode, modified };

Match match(const ObjectRow& row, const LocalFile& local) noexcept {
  if (local.type != FileType::regular) return Match::absent;
  if (local.size != row.version.size || local.mtime_ns != row.mtime_ns) return Match::modified;
  return local.inode == row.inode ? Match::same : Match::other_inode;
}

/// Whether a file that the record does not know could be this object at all.
bool may_adopt(const ListedObject& remote, const LocalFile& local, AdoptBy by) noexcept {
  if (local.size != remote.size) return false;
  return by == AdoptBy::hash ||
         floored(local.mtime_ns, kNsPerSecond) == floored(remote.modified_ms, 1000);
}

/// A GET, unless the object is in an archive: then none could succeed.
Decision get(const ListedObject& remote, Reason reason) noexcept {
  if (remote.storage == StorageClass::archived) return {Action::skip_archived, Reason::archived};
  return {Action::fetch, reason};
}

Decision decide_same_version(const ListedObject& remote, const ObjectRow& row, Match found,
                             const DecideOptions& options) noexcept {
  switch (found) {
    case Match::absent:
      return get(remote, Reason::missing_locally);
    case Match::modified:
      if (options.local_changes == LocalChanges::keep)
        return {Action::report, Reason::modified_locally};
      return get(remote, Reason::modified_locally);
    case Match::other_inode:
      return {Action::rehash, Reason::moved_inode};
    case Match::same:
      break;
  }
  if (remote.modified_ms > row.version.modified_ms) return {Action::touch, Reason::newer_time};
  if (options.compare == Compare::checksum) return {Action::rehash, Reason::unchanged};
  return {Action::keep, Reason::unchanged};
}

}  // namespace

std::string_view to_string(Action action) noexcept {
  switch (action) {
    case Action::keep:
      return "keep";
    case Action::fetch:
      return "fetch";
    case Action::adopt:
      return "adopt";
    case Action::rehash:
      return "rehash";
    case Action::touch:
      return "touch";
    case Action::refuse:
      return "refuse";
    case Action::skip_archived:
      return "skip-archived";
    case Action::report:
      return "report";
  }
  return "unknown";
}

std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::unchanged:
      return "unchanged";
    case Reason::fresh:
      return "new";
    case Reason::changed:
      return "changed";
    case Reason::missing_locally:
      return "missing-locally";
    case Reason::modified_locally:
      return "modified-locally";
    case Reason::unrecorded_file:
      return "unrecorded-file";
    case Reason::moved_inode:
      return "moved-inode";
    case Reason::newer_time:
      return "newer-time";
    case Reason::refused_before:
      return "refused-before";
    case Reason::occupied:
      return "occupied";
    case Reason::archived:
      return "archived";
  }
  return "unknown";
}

// The first line that applies decides.
//
//   record            local                          options            decision
//   any               directory, symlink, special                       refuse     occupied
//   refused, same     any                            keep refusals      refuse     refused_before
//   any               size as listed                 --size-only        keep       unchanged
//   none*             absent                                            fetch      fresh
//   none*             could be the object (1)                           adopt      unrecorded_file
//   none*             cannot be                                         fetch      unrecorded_file
//   stored, other     modified                       keep changes       report     modified_locally
//   stored, other     any                                               fetch      changed
//   stored, same      absent                                            fetch      missing_locally
//   stored, same      modified                       keep changes       report     modified_locally
//   stored, same      modified                                          fetch      modified_locally
//   stored, same      matches but for its inode                         rehash     moved_inode
//   stored, same      matches, newer LastModified    (2)                touch      newer_time
//   stored, same      matches                        --checksum         rehash     unchanged
//   stored, same      matches                                           keep       unchanged
//
// Any fetch of an archived object is skip_archived instead. "Same" is Version::same_content;
// "matches" is size, mtime_ns and inode as the record has them; "modified" is another size or
// mtime.
// * or refused, if not kept so: what is there now may be anybody's.
// (1) adopt-by hash: the size is as listed. adopt-by size-mtime: also the second of its mtime is
//     that of LastModified. How adoption is proved is the caller's, by the same option: hash the
//     file, or take it as it is and count it as unproven.
// (2) also with --checksum: the next pass hashes it. An older LastModified is no news.
//
// For a key `x/` a directory is what should be there: the caller asks only about files.
Decision decide(const ListedObject& remote, const ObjectRow* row, const LocalFile& local,
                const DecideOptions& options) noexcept {
  if (local.type == FileType::directory || local.type == FileType::other)
    return {Action::refuse, Reason::occupied};
  const bool same = row != nullptr && is_same_version(remote, *row);
  if (same && row->state == RowState::refused && options.keep_refusals)
    return {Action::refuse, Reason::refused_before};
  const bool present = local.type == FileType::regular;
  if (options.compare == Compare::size_only && present && local.size == remote.size)
    return {Action::keep, Reason::unchanged};

  if (row == nullptr || row->state == RowState::refused) {
    if (!present) return get(remote, Reason::fresh);
    if (may_adopt(remote, local, options.adopt_by)) return {Action::adopt, Reason::unrecorded_file};
    return get(remote, Reason::unrecorded_file);
  }
  const Match found = match(*row, local);
  if (same) return decide_same_version(remote, *row, found, options);
  if (found == Match::modified && options.local_changes == LocalChanges::keep)
    return {Action::report, Reason::modified_locally};
  return get(remote, Reason::changed);
}

}  // namespace sluice::plan
