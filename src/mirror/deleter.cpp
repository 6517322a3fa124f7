#include "mirror/deleter.hpp"

#include "async/call_on.hpp"
#include "base/text.hpp"
#include "transfer/retry.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

namespace sluice::mirror {

namespace {

/// Asks the service about one key, on the control role.
async::Task<Result<bool>> ask(Engine& engine, const std::string& key) {
  const std::function<async::Task<Result<bool>>()> attempt = [&]() {
    return engine.list_store().is_gone(key);
  };
  co_return co_await transfer::with_retry<bool>(engine.runtime(), engine.fetch_options().retry,
                                                engine, attempt);
}

}  // namespace

async::Task<std::optional<Error>> Deleter::run(const plan::DeletionLicence& /*licence*/) {
  auto guard = co_await remove_absent();
  // Last: folders may have become empty.
  if (!pass_.ended_early()) clear_the_way();
  co_return guard;
}

async::Task<std::optional<Error>> Deleter::remove_absent() {
  const auto absent = engine_.reader().count_absent();
  if (!absent) {
    pass_.abort(absent.error());
    co_return std::nullopt;
  }
  if (*absent == 0) co_return std::nullopt;
  if (engine_.options().delete_extraneous) {
    const auto totals = engine_.writer().totals();
    if (!totals) {
      pass_.abort(totals.error());
      co_return std::nullopt;
    }
    const DeleteLimit& limit = engine_.options().max_delete;
    if (plan::guard_deletion(limit, *absent, totals->objects)) {
      const auto going = forget_all_missing();
      if (!going) {
        pass_.abort(going.error());
        co_return std::nullopt;
      }
      auto refused = plan::guard_deletion(limit, *going, totals->objects);
      if (refused) co_return refused;
    }
  }
  std::string after;
  while (!pass_.ended_early()) {
    auto rows = engine_.reader().absent_after(after, kChunkRows);
    if (!rows) {
      pass_.abort(rows.error());
      break;
    }
    if (rows->empty()) break;
    after = rows->back().key;
    const auto done = co_await run_chunk(*rows);
    if (!done) {
      pass_.abort(done.error());
      break;
    }
  }
  co_return std::nullopt;
}

/// Rows whose files have gone already: a run that was killed, or the user, removed them. They are
/// no deletions, so they do not count for the guard, and what it holds back does not hold them
/// back.
Result<std::uint64_t> Deleter::forget_all_missing() {
  std::uint64_t going = 0;
  std::string after;
  while (!pass_.ended_early()) {
    auto rows = engine_.reader().absent_after(after, kChunkRows);
    if (!rows) return rows.error();
    if (rows->empty()) break;
    after = rows->back().key;
    record::Batch batch;
    local::ToSync removed;
    for (const ObjectRow& row : *rows) {
      if (pass_.ended_early()) break;
      if (is_protected(row) || row.state == RowState::refused) continue;
      const auto path = local::RelativePath::from_key(row.key, engine_.options().source.prefix);
      if (!path) continue;
      const auto local = engine_.destination().stat_file(*path);
      if (!local) return local.error();
      if (*local == file_of(row)) ++going;
      if (engine_.options().dry_run) continue;
      if (local->type == FileType::directory) {
        if (const auto became = became_folder(row, batch); !became) return became.error();
      } else if (local->type == FileType::absent) {
        forget_missing(row, *path, batch);
        removed.renamed.push_back(*path);
      }
    }
    const auto forgotten = commit(batch, removed);
    if (!forgotten) return forgotten.error();
  }
  missing_are_forgotten_ = !engine_.options().dry_run;
  return going;
}

void Deleter::forget_missing(const ObjectRow& row, const local::RelativePath& path,
                             record::Batch& batch) {
  // A run that was killed may have removed the file and not yet its empty folders. That they
  // cannot be removed is no failure of the row's.
  if (engine_.options().delete_extraneous && !engine_.options().dry_run)
    static_cast<void>(remove_file(path, file_of(row)));
  report(What::forgotten, row, "gone from both sides", nullptr);
  batch.deletes.push_back(row.key);
}

/// First the removal becomes durable, then the row goes: a row without a file is harmless.
Result<void> Deleter::commit(const record::Batch& batch, const local::ToSync& removed) {
  if (batch.empty() || engine_.options().dry_run) return {};
  const auto synced = engine_.sync().run(removed);
  if (!synced) return synced;
  const auto committed = engine_.writer().commit(batch);
  return committed ? Result<void>() : committed.error();
}

/// An empty folder is in the place of a key, and nobody knows any more who made it: the marker of
/// the folder has gone, or a crash came before its first file. The next pass then has the place.
void Deleter::clear_the_way() {
  if (!pass_.knows_folders) return;
  for (const local::RelativePath& path : pass_.in_the_way) {
    const std::string below = path.text() + "/";
    const auto next = pass_.folders.lower_bound(below);
    const bool is_wanted = pass_.folders.contains(path.text()) ||
                           (next != pass_.folders.end() && next->starts_with(below));
    if (!is_wanted) engine_.destination().remove_empty_folder(path);
  }
}

async::Task<Result<void>> Deleter::run_chunk(std::vector<ObjectRow>& rows) {
  record::Batch batch;
  local::ToSync removed;
  auto candidates = candidates_of(rows, batch, removed);
  if (!candidates) co_return candidates.error();
  if (engine_.options().delete_confirm == MirrorOptions::DeleteConfirm::get) {
    co_await confirm(*candidates);
  } else {
    for (Candidate& candidate : *candidates)
      candidate.gone = true;
  }
  for (Candidate& candidate : *candidates) {
    if (pass_.ended_early()) break;
    remove(candidate, batch);
  }
  for (const Candidate& candidate : *candidates)
    removed.renamed.push_back(candidate.path);
  co_return commit(batch, removed);
}

/// Excluded: not even looked at.
bool Deleter::is_protected(const ObjectRow& row) const {
  return !engine_.includes(row.key) && !engine_.deletes_excluded();
}

Result<std::vector<Deleter::Candidate>> Deleter::candidates_of(std::vector<ObjectRow>& rows,
                                                               record::Batch& batch,
                                                               local::ToSync& removed) {
  const std::string& prefix = engine_.options().source.prefix;
  std::vector<Candidate> candidates;
  for (ObjectRow& row : rows) {
    if (pass_.ended_early()) break;  // folders that are left empty go here, too
    if (is_protected(row)) continue;
    if (row.state == RowState::refused) {  // there is no file of ours
      batch.deletes.push_back(row.key);
      continue;
    }
    auto path = local::RelativePath::from_key(row.key, prefix);
    if (!path) continue;  // cannot be: we stored it
    const auto local = engine_.destination().stat_file(*path);
    if (!local) return local.error();
    if (local->type == FileType::directory) {
      if (missing_are_forgotten_) continue;
      if (const auto became = became_folder(row, batch); !became) return became.error();
    } else if (local->type == FileType::absent) {
      if (missing_are_forgotten_) continue;
      forget_missing(row, *path, batch);
      removed.renamed.push_back(std::move(*path));
    } else if (*local != file_of(row)) {
      report(engine_.options().delete_extraneous ? What::local_kept : What::extraneous, row,
             "modified-locally", nullptr);
      if (engine_.options().delete_extraneous) batch.deletes.push_back(row.key);
    } else if (!engine_.options().delete_extraneous) {
      report(What::extraneous, row, "gone from the bucket", nullptr);
    } else {
      const bool excluded = !engine_.includes(row.key);
      candidates.emplace_back(std::move(row), std::move(*path));
      candidates.back().excluded = excluded;
    }
  }
  return candidates;
}

/// Where a folder stands, ours or the user's, there is no file any more. If the publisher made it
/// in this pass, it has forgotten the row.
Result<void> Deleter::became_folder(const ObjectRow& row, record::Batch& batch) {
  const auto known = engine_.writer().find(row.key);
  if (!known) return known.error();
  if (!*known) return {};
  report(What::forgotten, row, "became a folder", nullptr);
  batch.deletes.push_back(row.key);
  return {};
}

async::Task<void> Deleter::confirm(std::vector<Candidate>& candidates) {
  // As many at once as there are workers; each takes the next candidate. All on the control role,
  // where the store lives: no two of them ever run at the same time.
  std::size_t next = 0;
  const auto worker = [](Engine& engine, std::vector<Candidate>& all,
                         std::size_t& index) -> async::Task<void> {
    while (index < all.size()) {
      Candidate& candidate = all[index++];
      if (candidate.excluded) continue;
      const auto gone = co_await ask(engine, candidate.row.key);
      if (gone)
        candidate.gone = *gone;
      else
        candidate.error = gone.error();
    }
  };
  std::vector<async::Task<void>> workers;
  for (std::size_t i = 0; i < std::min(kConfirmations, candidates.size()); ++i)
    workers.push_back(worker(engine_, candidates, next));
  co_await async::run_all(engine_.runtime().executor(async::Role::control), std::move(workers));
}

/// And the folders that it leaves empty, but for those that are keys of the bucket themselves.
Result<void> Deleter::remove_file(const local::RelativePath& path, const LocalFile& expected) {
  const auto may_go = [this](const std::string& folder) {
    return pass_.knows_folders && !pass_.folders.contains(folder);
  };
  return engine_.destination().remove(path, expected, may_go);
}

void Deleter::remove(Candidate& candidate, record::Batch& batch) {
  if (candidate.error)
    return report(What::failed, candidate.row, candidate.error->message, &*candidate.error);
  const std::string_view reason = candidate.excluded ? "excluded" : "gone from the bucket";
  if (!candidate.gone && !candidate.excluded) {
    // It came back, or the listing lied; either way what is here was not compared with it.
    const Error unlisted(ErrorKind::changed,
                         "'" + text::escaped(candidate.row.key) +
                             "' was left out of the listing, but the server still has it: it was "
                             "not deleted, and the next pass looks again");
    return report(What::failed, candidate.row, unlisted.message, &unlisted);
  }
  if (engine_.options().dry_run) return report(What::deleted, candidate.row, reason, nullptr);
  const ObjectRow& row = candidate.row;
  const LocalFile expected = file_of(row);
  Result<void> removed;
  if (engine_.backup() != nullptr)
    removed = engine_.destination().back_up(candidate.path, expected, *engine_.backup());
  if (removed) removed = remove_file(candidate.path, expected);
  if (!removed) {
    const Error error = removed.error();
    const bool modified = error.kind == ErrorKind::changed;
    if (error.kind == ErrorKind::local) ++engine_.counters().local_failures;
    return report(modified ? What::local_kept : What::failed, row, error.message,
                  modified ? nullptr : &error);
  }
  batch.deletes.push_back(row.key);
  report(What::deleted, row, reason, nullptr);
}

void Deleter::report(What what, const ObjectRow& row, std::string_view reason, const Error* error) {
  ObjectEvent event;
  event.what = what;
  event.key = row.key;
  event.size = row.version.size;
  event.reason = reason;
  event.error = error;
  event.dry_run = engine_.options().dry_run;
  engine_.report(event);
}

}  // namespace sluice::mirror
