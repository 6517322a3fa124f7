#include "mirror/publisher.hpp"

#include "async/deadline.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::mirror {

namespace {

LocalFile file_of(const ObjectRow& row) {
  return LocalFile{FileType::regular, row.version.size, row.mtime_ns, row.inode};
}

}  // namespace

Publisher::Publisher(Pass& pass) : pass_(pass), engine_(pass.engine()) {}

async::Task<void> Publisher::run() {
  for (;;) {
    std::optional<Publication> next = pass_.publications.try_pop();
    if (!next) {
      const bool idle = group_.empty() && visible_.empty();
      if (idle) {
        next = co_await pass_.publications.pop();
        if (!next) break;
      } else {
        auto waited = co_await async::until(engine_.runtime(),
                                            group_started_ + engine_.options().tuning.group_age,
                                            pass_.publications.pop());
        if (!waited) {
          commit_group();
          continue;
        }
        if (!*waited) break;
        next = std::move(*waited);
      }
    }
    add(std::move(*next));
    if (is_group_full()) commit_group();
  }
  commit_group();
  if (!visible_.empty()) sync_and_record();
}

void Publisher::add(Publication publication) {
  if (group_.empty() && visible_.empty()) group_started_ = engine_.runtime().now();
  if (publication.kind == Publication::Kind::place) group_bytes_ += publication.row.version.size;
  group_.push_back(std::move(publication));
}

bool Publisher::is_group_full() const noexcept {
  return group_.size() >= kGroupObjects || group_bytes_ >= kGroupBytes;
}

void Publisher::commit_group() {
  std::vector<Publication> group = std::move(group_);
  group_.clear();
  group_bytes_ = 0;
  group_started_ = engine_.runtime().now();
  if (group.empty() && visible_.empty()) return;
  if (!sync_and_record()) return;
  for (Publication& publication : group) {
    if (pass_.ended_early()) return;  // between any two renames (design 4.6)
    make(publication);
  }
}

bool Publisher::sync_and_record() {
  if (engine_.options().durability == MirrorOptions::Durability::full) {
    const auto synced = engine_.destination().sync();
    if (!synced) {
      // After a failed sync nobody knows what is on the disk: nothing of it may be recorded.
      visible_ = {};
      pass_.abort(synced.error());
      return false;
    }
  }
  const record::Batch batch = std::exchange(visible_, {});
  if (batch.empty()) return true;
  const auto committed = engine_.writer().commit(batch);
  if (committed) return true;
  pass_.abort(committed.error());
  return false;
}

void Publisher::make(Publication& publication) {
  switch (publication.kind) {
    case Publication::Kind::place: {
      const auto placed = place(publication);
      if (!placed) return report_failure(publication, placed.error());
      return recorded_later(publication, What::fetched);
    }
    case Publication::Kind::directory: {
      std::string blocking;
      auto made = engine_.destination().make_directory(publication.path, &blocking);
      if (!made && made.error().code == "parent-is-file") {
        made = replace_file_by_directory(blocking);
        if (made) made = engine_.destination().make_directory(publication.path, &blocking);
      }
      if (!made) return report_failure(publication, made.error());
      return recorded_later(publication, What::fetched);
    }
    case Publication::Kind::touch: {
      const auto touched = engine_.destination().set_mtime(publication.path, publication.expected,
                                                           publication.row.version.modified_ms);
      if (!touched) return report_failure(publication, touched.error());
      publication.row.mtime_ns = touched->mtime_ns;
      publication.row.inode = touched->inode;
      return recorded_later(publication, What::touched);
    }
    case Publication::Kind::record:
      return recorded_later(publication, What::adopted);
    case Publication::Kind::forget:
      visible_.deletes.push_back(publication.row.key);
      return;
  }
}

Result<void> Publisher::place(Publication& publication) {
  std::string blocking;
  const auto placed = engine_.destination().publish(publication.file, publication.path, &blocking);
  if (placed || placed.error().code != "parent-is-file") return placed;
  const auto flipped = replace_file_by_directory(blocking);
  if (!flipped) return flipped;
  return engine_.destination().publish(publication.file, publication.path, &blocking);
}

Result<void> Publisher::replace_file_by_directory(const std::string& blocking) {
  const std::string key = engine_.options().source.prefix + blocking;
  const auto path = local::RelativePath::from_key(key, engine_.options().source.prefix);
  if (!path) return path.error();

  // The row may be one that waits for the next transaction.
  std::optional<ObjectRow> row;
  const auto waiting = std::find_if(visible_.upserts.begin(), visible_.upserts.end(),
                                    [&key](const ObjectRow& r) { return r.key == key; });
  if (waiting != visible_.upserts.end()) {
    row = *waiting;
  } else {
    auto found = engine_.writer().find(key);
    if (!found) return found.error();
    row = std::move(*found);
  }
  Error not_ours(ErrorKind::refused_key,
                 "the file '" + text::escaped(blocking) +
                     "' is not ours and is where a folder is needed; move it away");
  not_ours.code = "parent-is-file";
  if (!row || row->state != RowState::stored) return not_ours;
  const auto flipped = engine_.destination().flip_to_directory(*path, file_of(*row));
  if (!flipped) return flipped.error().kind == ErrorKind::changed ? not_ours : flipped.error();

  if (waiting != visible_.upserts.end()) visible_.upserts.erase(waiting);
  visible_.deletes.push_back(key);
  const Error shadowed(ErrorKind::refused_key, "the key '" + text::escaped(key) +
                                                   "' is shadowed: there are keys below '" +
                                                   text::escaped(key) + "/'");
  ObjectEvent event;
  event.what = What::refused;
  event.key = key;
  event.reason = shadowed.message;
  event.error = &shadowed;
  engine_.report(event);
  return {};
}

void Publisher::recorded_later(Publication& publication, What what) {
  ObjectEvent event;
  event.what = what;
  event.key = publication.row.key;
  event.size = publication.row.version.size;
  event.reason = publication.reason;
  if (what == What::fetched || what == What::adopted)
    event.proof = to_string(publication.row.proof);
  engine_.report(event);
  if (publication.row.proof == Proof::length || publication.row.proof == Proof::none)
    if (publication.kind != Publication::Kind::directory) ++engine_.counters().unproven;
  // A folder has no row: it holds nothing that could be lost.
  if (publication.kind != Publication::Kind::directory)
    visible_.upserts.push_back(std::move(publication.row));
}

void Publisher::report_failure(const Publication& publication, const Error& error) {
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
