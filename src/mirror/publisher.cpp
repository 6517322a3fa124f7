#include "mirror/publisher.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace sluice::mirror {

namespace {

/// Whether a crash in the middle has to be settled at the next start: the file is changed before
/// the record can say so.
bool is_pending(const Publication& publication) noexcept {
  return publication.kind == Publication::Kind::place ||
         publication.kind == Publication::Kind::touch;
}

/// Takes the row; it comes back once it is written.
PendingRow take_pending_row(Publication& publication) {
  PendingRow pending{std::move(publication.row), publication.file.name(), 0};
  // A new time alone: the file is in its place, and nothing is staged.
  if (publication.kind == Publication::Kind::touch)
    pending.row.mtime_ns = pending.row.version.modified_ms * 1'000'000;
  return pending;
}

template <class T>
void move_all(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

}  // namespace

void Publisher::Changes::take(Changes& other) {
  move_all(other.rows, rows);
  move_all(other.deletes, deletes);
  move_all(other.settled, settled);
  other.to_sync = {};  // it was synced: that is why it is taken
}

Publisher::Publisher(Pass& pass) : pass_(pass), engine_(pass.engine()) {}

bool Publisher::is_idle() const noexcept {
  return group_.empty() && renamed_.empty() && durable_.empty() && changed_partials_.empty();
}

async::Task<void> Publisher::run() {
  async::Runtime& runtime = engine_.runtime();
  const auto group_age = engine_.options().tuning.group_age;
  while (!pass_.publications.is_finished()) {
    if (is_idle()) {
      std::optional<Publication> first = co_await pass_.publications.pop();
      if (!first) break;
      add(std::move(*first));
    }
    take_what_waits();
    if (runtime.now() >= group_started_ + group_age) commit_group();
    // Whoever has one more need not wake us for it.
    if (!is_idle())
      co_await runtime.sleep_until(std::min(runtime.now() + kGather, group_started_ + group_age));
  }
  finish();
}

void Publisher::take_what_waits() {
  while (std::optional<Publication> next = pass_.publications.try_pop()) {
    add(std::move(*next));
    if (is_group_full()) commit_group();
  }
}

void Publisher::add(Publication publication) {
  if (is_idle()) group_started_ = engine_.runtime().now();
  switch (publication.kind) {
    case Publication::Kind::part:
      return add_partial(std::move(*publication.partial));
    case Publication::Kind::discard:
      partials_.erase(publication.row.key);
      changed_partials_.insert(std::move(publication.row.key));
      return;
    case Publication::Kind::place:
      group_bytes_ += publication.row.version.size;
      break;
    default:
      break;
  }
  group_.push_back(std::move(publication));
}

void Publisher::add_partial(PartialRow row) {
  changed_partials_.insert(row.key);
  PartialRow& known = partials_[row.key];
  if (known.staged_name != row.staged_name) {
    known = std::move(row);
    return;
  }
  for (const auto& [index, crc] : row.parts)
    known.parts[index] = crc;
}

bool Publisher::is_group_full() const noexcept {
  return group_.size() >= kGroupObjects || group_bytes_ >= kGroupBytes;
}

void Publisher::commit_group() {
  Group group = std::move(group_);
  group_.clear();
  group_bytes_ = 0;
  group_started_ = engine_.runtime().now();
  if (pass_.ended_early()) {
    for (Publication& publication : group)
      drop(publication);
    group.clear();
  }
  const bool prepared = prepare(group);
  for (Publication& publication : group) {
    if (!prepared || pass_.ended_early())  // looked at between any two renames (design 4.6)
      drop(publication);
    else
      make(publication);
  }
}

void Publisher::finish() {
  if (!group_.empty()) commit_group();
  Group none;
  if (!renamed_.empty() && !prepare(none)) return;
  if (!durable_.empty() || !changed_partials_.empty()) write_record(none, engine_.sync().method());
}

bool Publisher::prepare(Group& group) {
  const GroupSync::Method method = engine_.sync().method();
  // Parts need no sync: they are hashed again before they count.
  const bool needs_sync = !group.empty() || !renamed_.empty();
  if (method == GroupSync::Method::each_file)
    return (!needs_sync || sync(group, method)) && write_record(group, method);
  return write_record(group, method) && (!needs_sync || sync(group, method));
}

bool Publisher::sync(const Group& group, GroupSync::Method method) {
  if (broken_) return false;
  local::ToSync& what = renamed_.to_sync;
  if (method == GroupSync::Method::each_file)
    for (const Publication& publication : group)
      if (publication.kind == Publication::Kind::place)
        what.staged.push_back(publication.file.name());
  const auto synced = engine_.sync().run(method, what);
  if (!synced) {
    // After a failed sync nobody knows what is on the disk: nothing of it may be recorded.
    broken_ = true;
    pass_.abort(synced.error());
    return false;
  }
  durable_.take(renamed_);
  return true;
}

bool Publisher::write_record(Group& group, GroupSync::Method method) {
  if (broken_) return false;
  record::Batch batch;
  Changes durable = std::exchange(durable_, {});
  for (Change& change : durable.rows) {
    if (change.pending != 0)
      record::add_number(batch.placed, change.pending);
    else
      batch.upserts.push_back(std::move(change.row));
  }
  batch.deletes = std::move(durable.deletes);
  batch.settled = std::move(durable.settled);
  for (Publication& publication : group) {
    if (!is_pending(publication)) continue;
    // From here on the pending row speaks for the staged file.
    if (publication.kind == Publication::Kind::place &&
        (partials_.erase(publication.row.key) > 0 || publication.partial))
      changed_partials_.insert(publication.row.key);
    batch.pending.push_back(take_pending_row(publication));
  }
  for (const std::string& key : changed_partials_) {
    const auto found = partials_.find(key);
    if (found == partials_.end())
      batch.ended_partials.push_back(key);
    else
      batch.partials.push_back(found->second);
  }
  changed_partials_.clear();
  if (batch.empty()) return true;
  auto committed = engine_.writer().set_commit_sync(method == GroupSync::Method::each_file
                                                        ? record::CommitSync::each
                                                        : record::CommitSync::with_the_files);
  record::PendingRange numbers;
  if (committed) {
    const auto written = engine_.writer().commit(batch);
    if (written)
      numbers = *written;
    else
      committed = written.error();
  }
  std::size_t next = 0;
  for (Publication& publication : group) {
    if (!is_pending(publication)) continue;
    publication.row = std::move(batch.pending[next].row);
    if (committed) publication.pending = numbers.first + static_cast<std::int64_t>(next);
    ++next;
  }
  if (committed) return true;
  broken_ = true;
  pass_.abort(committed.error());
  return false;
}

/// A publication that will not be made in this pass.
void Publisher::drop(Publication& publication) {
  if (!is_pending(publication)) return;
  if (publication.pending != 0) record::add_number(durable_.settled, publication.pending);
  // The file stays where it is; a later run finds all its parts.
  if (publication.partial) add_partial(std::move(*publication.partial));
}

void Publisher::make(Publication& publication) {
  switch (publication.kind) {
    case Publication::Kind::place: {
      const auto placed = place(publication);
      if (!placed) return failed(publication, placed.error());
      return done(publication, What::fetched);
    }
    case Publication::Kind::directory: {
      std::string blocking;
      auto made = engine_.destination().make_directory(publication.path, &blocking);
      if (!made && made.error().code == "parent-is-file") {
        made = replace_file_by_directory(blocking, publication);
        if (made) made = engine_.destination().make_directory(publication.path, &blocking);
      }
      if (!made) return failed(publication, made.error());
      return done(publication, What::fetched);
    }
    case Publication::Kind::touch: {
      const auto touched = engine_.destination().set_mtime(publication.path, publication.expected,
                                                           publication.row.version.modified_ms);
      if (!touched) return failed(publication, touched.error());
      publication.row.mtime_ns = touched->mtime_ns;
      publication.row.inode = touched->inode;
      return done(publication, What::touched);
    }
    case Publication::Kind::record:
      return done(publication, What::adopted);
    case Publication::Kind::refuse: {
      // What is known of a file of ours is worth more than not to download this version again.
      const auto known = row_of(publication.row.key);
      if (known && !(*known && (*known)->state == RowState::stored))
        renamed_.rows.push_back(Change{std::move(publication.row), 0});
      return;
    }
    case Publication::Kind::forget:
      renamed_.deletes.push_back(publication.row.key);
      return;
    case Publication::Kind::part:
    case Publication::Kind::discard:
      return;  // never in a group
  }
}

/// With --backup-dir: what stands at this path is kept there before it is replaced.
Result<void> Publisher::back_up(const local::RelativePath& path) {
  return engine_.destination().back_up(path, engine_.backup());
}

Result<void> Publisher::place(Publication& publication) {
  std::string blocking;
  if (const auto kept = back_up(publication.path); !kept) return kept;
  const auto placed = engine_.destination().publish(publication.file, publication.path, &blocking);
  if (placed || placed.error().code != "parent-is-file") return placed;
  const auto flipped = replace_file_by_directory(blocking, publication);
  if (!flipped) return flipped;
  return engine_.destination().publish(publication.file, publication.path, &blocking);
}

/// What the record says of a key, or will say once its change is durable.
Result<std::optional<ObjectRow>> Publisher::row_of(const std::string& key) {
  for (const Changes* changes : {&renamed_, &durable_}) {
    const auto waiting =
        std::find_if(changes->rows.begin(), changes->rows.end(),
                     [&key](const Change& change) { return change.row.key == key; });
    if (waiting != changes->rows.end()) return std::optional<ObjectRow>(waiting->row);
  }
  return engine_.writer().find(key);
}

Result<void> Publisher::replace_file_by_directory(const std::string& blocking,
                                                  const Publication& below) {
  const std::string key = engine_.options().source.prefix + blocking;
  const auto path = local::RelativePath::from_key(key, engine_.options().source.prefix);
  if (!path) return path.error();
  const auto row = row_of(key);
  if (!row) return row.error();
  Error not_ours(ErrorKind::refused_key,
                 "the file '" + text::escaped(blocking) +
                     "' is not ours and is where a folder is needed; move it away");
  not_ours.code = "parent-is-file";
  if (!*row || (*row)->state != RowState::stored) return not_ours;
  if (const auto kept = back_up(*path); !kept) return kept;
  const auto flipped = engine_.destination().flip_to_directory(*path, file_of(**row));
  if (!flipped) return flipped.error().kind == ErrorKind::changed ? not_ours : flipped.error();

  const auto is_it = [&key](const Change& waiting) { return waiting.row.key == key; };
  std::erase_if(renamed_.rows, is_it);
  std::erase_if(durable_.rows, is_it);
  renamed_.deletes.push_back(key);
  renamed_.to_sync.renamed.push_back(*path);
  ObjectEvent event;
  event.key = key;
  const Error shadowed(ErrorKind::refused_key, "the key '" + text::escaped(key) +
                                                   "' is shadowed: there are keys below '" +
                                                   text::escaped(key) + "/'");
  // In a listing without order the key may have been listed, or come yet: better refused once too
  // often than believed to be gone.
  if (below.shadows || pass_.order_lost.load(std::memory_order_relaxed)) {
    event.what = What::refused;
    event.reason = shadowed.message;
    event.error = &shadowed;
  } else {
    event.what = What::forgotten;  // the bucket has it no longer
    event.reason = "became a folder";
  }
  engine_.report(event);
  return {};
}

void Publisher::done(Publication& publication, What what) {
  ObjectEvent event;
  event.what = what;
  event.key = publication.row.key;
  event.size = publication.row.version.size;
  event.reason = publication.reason;
  if (what == What::fetched || what == What::adopted)
    event.proof = to_string(publication.row.proof);
  engine_.report(event);
  local::ToSync& to_sync = renamed_.to_sync;
  const bool was_here =
      publication.kind == Publication::Kind::touch || publication.kind == Publication::Kind::record;
  if (was_here) to_sync.in_place.push_back(publication.path);
  to_sync.renamed.push_back(std::move(publication.path));  // an adopted file may be new as well
  // A folder has no row: it holds nothing that could be lost.
  if (publication.kind == Publication::Kind::directory) return;
  if (publication.row.proof == Proof::length || publication.row.proof == Proof::none)
    ++engine_.counters().unproven;
  if (publication.pending != 0) record::add_number(renamed_.settled, publication.pending);
  // What a new time became is known only now.
  const bool is_as_pending = publication.kind == Publication::Kind::place;
  renamed_.rows.push_back(
      Change{std::move(publication.row), is_as_pending ? publication.pending : 0});
}

void Publisher::failed(Publication& publication, const Error& error) {
  if (publication.pending != 0) record::add_number(renamed_.settled, publication.pending);
  if (publication.kind == Publication::Kind::place) publication.file.discard();
  ObjectEvent event;
  event.what = error.kind == ErrorKind::refused_key ? What::refused : What::failed;
  event.key = publication.row.key;
  event.size = publication.row.version.size;
  event.reason = error.message;
  event.error = &error;
  engine_.report(event);
  if (error.kind == ErrorKind::local) {
    ++engine_.counters().local_failures;
    if (is_disk_failure(error)) pass_.abort(error);
  }
}

}  // namespace sluice::mirror
