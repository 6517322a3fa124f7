#include "mirror/decider.hpp"

#include "base/text.hpp"
#include "transfer/verify.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace sluice::mirror {

namespace {

/// Whether the record says what the file that it names hashes to: of large ones that were checked
/// by their length it does not.
bool has_digest(const ObjectRow* row, plan::Action action) noexcept {
  return action == plan::Action::rehash && row != nullptr && row->digest.kind != DigestKind::none;
}

/// What the local file must hash to so that a download is needless; kind none if it cannot be told.
Digest digest_to_expect(const ListedObject& object, const ObjectRow* row, plan::Action action) {
  if (has_digest(row, action)) return row->digest;
  if (!transfer::is_md5_etag(object.etag)) return Digest{};
  return Digest{DigestKind::md5, *text::from_hex(text::lower(object.etag))};
}

ObjectRow row_of(const ListedObject& object, const LocalFile& local, Proof proof, Digest digest) {
  ObjectRow row;
  row.key = std::string(object.key);
  row.version = object.version();
  row.mtime_ns = local.mtime_ns;
  row.inode = local.inode;
  row.proof = proof;
  row.digest = std::move(digest);
  return row;
}

/// Goes on with what an earlier run left of this object; nullptr if that is of another version, or
/// has gone: then nothing of it is left afterwards.
std::shared_ptr<transfer::Assembly> resume(Engine& engine, transfer::FetchTask& task) {
  const PartialRow& left = *task.left;
  auto staged = engine.destination().reopen_staged(left.staged_name);
  if (!staged) return nullptr;
  const transfer::PartPlan plan(task.version.size, left.part_bytes);
  const bool usable = left.version.same_content(task.version) && plan.count() > 1 &&
                      plan.part_bytes() == left.part_bytes && !left.parts.empty() &&
                      left.parts.rbegin()->first < plan.count();
  if (!usable) {
    staged->discard();
    return nullptr;
  }
  return std::make_shared<transfer::Assembly>(std::move(task), plan, std::move(*staged), left);
}

/// Tells the publisher what has become of the partial download that the record knows.
async::Task<bool> note_left(Pass& pass, const local::RelativePath& path, const PartialRow& left,
                            Publication::Kind kind) {
  Publication note(kind, path);
  note.row.key = left.key;
  if (kind == Publication::Kind::part) note.partial = left;
  co_return co_await pass.publications.push(note);
}

}  // namespace

async::Task<bool> queue_parts(Pass& pass, transfer::FetchTask& task) {
  Engine& engine = pass.engine();
  ++engine.counters().to_fetch;
  engine.counters().to_fetch_bytes += task.version.size;
  std::shared_ptr<transfer::Assembly> assembly;
  if (const auto left = task.left) {
    const local::RelativePath path = task.path;
    assembly = resume(engine, task);
    const auto kind = assembly ? Publication::Kind::part : Publication::Kind::discard;
    const bool noted = co_await note_left(pass, path, *left, kind);
    if (!noted) co_return false;
  }
  if (!assembly) {
    const transfer::PartPlan plan(task.version.size, engine.fetch_options().part_bytes);
    assembly = std::make_shared<transfer::Assembly>(std::move(task), plan);
  }
  const std::uint32_t parts = std::max(assembly->plan().count(), 1u);
  for (std::uint32_t index = 0; index < parts; ++index) {
    transfer::Part part(assembly, index);
    const bool queued = co_await pass.parts.push(part);
    if (!queued) co_return false;
  }
  co_return true;
}

Decider::Decider(Pass& pass)
    : pass_(pass),
      engine_(pass.engine()),
      join_(engine_.reader(), engine_.list_prefix(), [this](const ObjectRow& gone) {
        // Excluded means protected.
        return engine_.deletes_excluded() || engine_.includes(gone.key);
      }) {}

async::Task<void> Decider::run() {
  for (;;) {
    std::optional<ListPage> page = co_await pass_.pages.pop();
    if (!page || pass_.ended_early()) break;
    const bool go_on = co_await decide_page(*page);
    if (!go_on) break;
  }
  // What the listing did not show is only absent if the listing was complete; the lister says so
  // before it closes the queue.
  pass_.listing.ordered = join_.ordered();
  if (pass_.listing.complete && !pass_.ended_early()) {
    const auto finished = join_.finish();
    if (!finished) pass_.abort(finished.error());
  }
  pass_.adoptions.close();
}

async::Task<bool> Decider::decide_page(ListPage& page) {
  absent_ = {};
  for (const ListedObject& object : page.objects) {
    ++engine_.counters().listed;
    engine_.counters().listed_bytes += object.size;
    const bool go_on = co_await decide_one(object);
    if (!go_on || pass_.ended_early()) co_return false;
  }
  co_return true;
}

async::Task<bool> Decider::decide_one(const ListedObject& object) {
  // The row is looked up for excluded keys too: the join must see every key that the listing shows,
  // or it would call them absent.
  const auto row = join_.row_for(object.key);
  if (!row) {
    pass_.abort(row.error());
    co_return false;
  }
  const std::string& prefix = engine_.options().source.prefix;
  if (!join_.ordered()) pass_.order_lost.store(true, std::memory_order_relaxed);
  // The marker of the folder that is mirrored is the destination itself.
  if (object.key == prefix && object.size == 0) co_return true;
  if (!engine_.includes(object.key)) {
    ++engine_.counters().excluded;
    if (*row != nullptr && engine_.deletes_excluded()) join_.call_absent(**row);
    co_return true;
  }

  const auto path = local::RelativePath::from_key(object.key, prefix);
  if (!path) {
    refuse(object, path.error());
    co_return true;
  }
  shadowing_ = shadows(object.key);
  if (path->is_directory()) co_return co_await directory(object, *path);

  const auto local = engine_.destination().stat_file(*path, absent_);
  if (!local) {
    pass_.abort(local.error());
    co_return false;
  }
  if (*row == nullptr && !is_spelled_so(object, *path)) co_return true;
  last_file_ = object.key;
  above_.push_back(last_file_.size());
  const plan::Decision decision = plan::decide(object, *row, *local, engine_.decide_options());
  co_return co_await act(object, *path, *row, *local, decision);
}

async::Task<bool> Decider::act(const ListedObject& object, const local::RelativePath& path,
                               const ObjectRow* row, const LocalFile& local,
                               plan::Decision decision) {
  note_change(object, decision);
  switch (decision.action) {
    case plan::Action::keep:
      report(What::kept, object, to_string(decision.reason));
      co_return true;
    case plan::Action::fetch:
      co_return co_await fetch(object, path, decision.reason);
    case plan::Action::adopt:
    case plan::Action::rehash:
      co_return co_await adopt(object, path, row, local, decision);
    case plan::Action::touch: {
      Publication touch(Publication::Kind::touch, path);
      touch.row = row_of(object, local, row->proof, row->digest);
      touch.expected = local;
      touch.reason = to_string(decision.reason);
      co_return co_await publish(touch);
    }
    case plan::Action::refuse:
      if (decision.reason == plan::Reason::refused_before) {
        refuse(object, transfer::unproven_error(object.key));
        co_return true;
      }
      if (local.type == FileType::directory) note_in_the_way(path);
      if (const bool went = co_await forget_replaced(path, row, local); !went) co_return false;
      refuse(object, Error(ErrorKind::refused_key,
                           "a directory or special file is in the place of '" +
                               text::escaped(path.text()) + "'; move it away to mirror this key"));
      co_return true;
    case plan::Action::skip_archived:
      report(What::archived, object, "archived");
      co_return true;
    case plan::Action::report:
      report(What::local_kept, object, to_string(decision.reason));
      co_return true;
  }
  co_return true;
}

/// For how far behind the mirror is.
void Decider::note_change(const ListedObject& object, const plan::Decision& decision) {
  const bool is_to_be_fetched =
      (decision.action == plan::Action::fetch || decision.action == plan::Action::adopt) &&
      object.storage != StorageClass::archived;
  if (!is_to_be_fetched || engine_.options().dry_run) return;
  const bool is_theirs =
      decision.reason == plan::Reason::fresh || decision.reason == plan::Reason::changed;
  if (is_theirs && object.modified_ms > 0)
    return engine_.counters().note_change(object.modified_ms);
  engine_.counters().note_change(unix_ms(engine_.runtime().wall_now()));
}

/// A folder stands where the record says that our file is: it names no file any more.
async::Task<bool> Decider::forget_replaced(const local::RelativePath& path, const ObjectRow* row,
                                           const LocalFile& local) {
  const bool is_stale = row != nullptr && row->state == RowState::stored &&
                        local.type == FileType::directory && !engine_.options().dry_run;
  if (!is_stale) co_return true;
  Publication forget(Publication::Kind::forget, path);
  forget.row.key = row->key;
  co_return co_await pass_.publications.push(forget);
}

transfer::FetchTask Decider::task_for(const ListedObject& object, const local::RelativePath& path,
                                      plan::Reason reason) {
  transfer::FetchTask task(std::string(object.key), path, object.version());
  task.has_checksum = object.has_checksum;
  task.reason = to_string(reason);
  task.shadows = shadowing_;
  if (pass_.leftovers.count(task.key) == 0) return task;
  pass_.leftovers_used.insert(task.key);
  auto left = engine_.reader().find_partial(task.key);
  if (!left)
    pass_.abort(left.error());
  else if (*left)
    task.left = std::make_shared<const PartialRow>(std::move(**left));
  return task;
}

async::Task<bool> Decider::fetch(const ListedObject& object, const local::RelativePath& path,
                                 plan::Reason reason) {
  if (object.storage == StorageClass::archived) {
    report(What::archived, object, "archived");
    co_return true;
  }
  const bool blocked = absent_.behind_file && join_.ordered();
  if (engine_.options().dry_run || blocked) {
    const auto storable = could_be_stored(object, path);
    if (!storable) pass_.abort(storable.error());
    if (!storable || !*storable) co_return storable.has_value();
  }
  if (engine_.options().dry_run) {
    ++engine_.counters().to_fetch;
    engine_.counters().to_fetch_bytes += object.size;
    report(What::fetched, object, to_string(reason));
    co_return true;
  }
  transfer::FetchTask task = task_for(object, path, reason);
  co_return co_await queue_parts(pass_, task);
}

async::Task<bool> Decider::adopt(const ListedObject& object, const local::RelativePath& path,
                                 const ObjectRow* row, const LocalFile& local,
                                 plan::Decision decision) {
  const bool by_time = decision.action == plan::Action::adopt &&
                       engine_.options().adopt_by == MirrorOptions::AdoptBy::size_mtime;
  const bool same_size = local.size == object.size;
  if (by_time && same_size && local.mtime_ns / 1'000'000'000 == object.modified_ms / 1000) {
    Publication known(Publication::Kind::record, path);
    known.row = row_of(object, local, Proof::none, Digest{});
    known.reason = to_string(decision.reason);
    co_return co_await publish(known);
  }
  Digest expected = digest_to_expect(object, row, decision.action);
  std::optional<transfer::CompositeDigest> composite;
  if (expected.kind == DigestKind::none && object.size > 0)
    composite = transfer::composite_of_etag(object.etag);
  if (by_time || !same_size || (expected.kind == DigestKind::none && !composite))
    co_return co_await fetch(object, path, decision.reason);

  Adoption adoption(task_for(object, path, decision.reason), local, std::move(expected),
                    decision.reason);
  if (composite) adoption.proof = Proof::composite;
  if (has_digest(row, decision.action)) adoption.proof = row->proof;
  adoption.composite = std::move(composite);
  adoption.archived = object.storage == StorageClass::archived;
  co_return co_await pass_.adoptions.push(adoption);
}

async::Task<bool> Decider::publish(Publication& publication) {
  if (engine_.options().dry_run) {
    const What what = publication.kind == Publication::Kind::touch ? What::touched : What::adopted;
    ObjectEvent event;
    event.what = what;
    event.key = publication.row.key;
    event.size = publication.row.version.size;
    event.reason = publication.reason;
    event.dry_run = true;
    engine_.report(event);
    co_return true;
  }
  co_return co_await pass_.publications.push(publication);
}

async::Task<bool> Decider::directory(const ListedObject& object, const local::RelativePath& path) {
  if (object.size != 0) {
    refuse(object, Error(ErrorKind::refused_key, "the key '" + text::escaped(object.key) +
                                                     "' ends in a slash but has content: a file "
                                                     "cannot have that name"));
    co_return true;
  }
  if (pass_.collects_folders()) note_folder(path);
  const auto local = engine_.destination().stat_file(path);
  if (!local) {
    pass_.abort(local.error());
    co_return false;
  }
  if (local->type == FileType::directory) {
    if (!is_spelled_so(object, path)) co_return true;
    report(What::kept, object, "unchanged");
    co_return true;
  }
  if (engine_.options().dry_run) {
    const auto storable = could_be_stored(object, path);
    if (!storable) pass_.abort(storable.error());
    if (!storable || !*storable) co_return storable.has_value();
    report(What::fetched, object, "fresh");
    co_return true;
  }
  Publication made(Publication::Kind::directory, path);
  made.row.key = std::string(object.key);
  made.reason = "fresh";
  made.shadows = shadowing_;
  co_return co_await pass_.publications.push(made);
}

void Decider::note_folder(const local::RelativePath& path) {
  if (pass_.folders.size() < Pass::kMostFolders)
    pass_.folders.insert(path.text());
  else
    pass_.knows_folders = false;
}

void Decider::note_in_the_way(const local::RelativePath& path) {
  const MirrorOptions& options = engine_.options();
  if (options.delete_extraneous && !options.dry_run && pass_.in_the_way.size() < Pass::kMostFolders)
    pass_.in_the_way.push_back(path);
}

/// What is here, or a folder on the way, may be there for another key, whose name the file system
/// takes for this one.
bool Decider::is_spelled_so(const ListedObject& object, const local::RelativePath& path) {
  const auto spelled = engine_.destination().check_spelling(path);
  if (!spelled) refuse(object, spelled.error());
  return spelled.has_value();
}

Result<bool> Decider::could_be_stored(const ListedObject& object, const local::RelativePath& path) {
  const std::string& prefix = engine_.options().source.prefix;
  for (std::size_t end = path.text().find('/'); end != std::string::npos;
       end = path.text().find('/', end + 1)) {
    const std::string key = prefix + path.text().substr(0, end);
    const auto parent = local::RelativePath::from_key(key, prefix);
    if (!parent) return parent.error();
    const auto found = engine_.destination().stat_file(*parent);
    if (!found) return found.error();
    if (found->type == FileType::absent) return true;
    if (found->type == FileType::directory) continue;
    // A file that this very pass may have put there is for the publisher to judge.
    if (std::find(above_.begin(), above_.end(), key.size()) != above_.end()) return true;
    const auto row = engine_.reader().find(key);
    if (!row) return row.error();
    // A file of ours gives way to the folder.
    const bool is_ours = *row && (*row)->state == RowState::stored && *found == file_of(**row);
    if (is_ours) return true;
    refuse(object, Error(ErrorKind::refused_key,
                         "the file '" + text::escaped(parent->text()) +
                             "' is not ours and is where a folder is needed; move it away"));
    return false;
  }
  return true;
}

/// Whether a key was listed that would be a file where this one needs a folder: in an ordered
/// listing it came before, with only its own continuations between.
bool Decider::shadows(std::string_view key) {
  const auto differs =
      std::mismatch(key.begin(), key.end(), last_file_.begin(), last_file_.end()).first;
  const auto shared = static_cast<std::size_t>(differs - key.begin());
  while (!above_.empty() && above_.back() > shared)
    above_.pop_back();
  return std::any_of(above_.begin(), above_.end(), [key](std::size_t length) {
    return key.size() > length && key[length] == '/';
  });
}

void Decider::refuse(const ListedObject& object, const Error& error) {
  ObjectEvent event;
  event.what = What::refused;
  event.key = object.key;
  event.size = object.size;
  event.reason = error.message;
  event.error = &error;
  event.dry_run = engine_.options().dry_run;
  engine_.report(event);
}

void Decider::report(What what, const ListedObject& object, std::string_view reason) {
  ObjectEvent event;
  event.what = what;
  event.key = object.key;
  event.size = object.size;
  event.reason = reason;
  event.dry_run = engine_.options().dry_run;
  engine_.report(event);
}

}  // namespace sluice::mirror
