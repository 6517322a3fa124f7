#include "mirror/generation_publisher.hpp"

#include "base/text.hpp"
#include "crypto/crc.hpp"
#include "mirror/engine.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace sluice::mirror {

namespace {

constexpr unsigned kFewestGenerations = 2;
constexpr unsigned kMostGenerations = 100;

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// Numbers of the journal go on when another source is taken over, but its keys are other paths.
std::string tag_of(const record::Source& source) {
  const std::string all = source.endpoint_host + '\n' + source.bucket + '\n' + source.prefix;
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x",
                crypto::crc32c(0, std::as_bytes(std::span(all.data(), all.size()))));
  return digits;
}

/// "2 were refused, 1 is archived".
std::string left_out(const Progress& progress) {
  std::string out;
  const auto count = [&out, &progress](What what, const char* how) {
    const std::uint64_t number = progress.count(what);
    if (number == 0) return;
    if (!out.empty()) out += ", ";
    out += std::to_string(number) + " " + how;
  };
  count(What::failed, "failed");
  count(What::refused, "refused");
  count(What::archived, "archived");
  count(What::local_kept, "modified locally");
  return out;
}

}  // namespace

/// One publication.
struct GenerationPublisher::Work {
  explicit Work(Pass& p) : pass(p), engine(p.engine()) {}

  Pass& pass;
  Engine& engine;
  record::JournalBounds journal;
  local::Generation next;
  std::int64_t base = 0;  ///< of the tree that is brought up to date
  enum class Round : std::uint8_t { removals, links };
  Round round = Round::removals;
  std::uint64_t linked = 0;
  std::uint64_t removed = 0;
  std::set<std::string> not_so;  ///< keys whose files are not as recorded, a few
  static constexpr std::size_t kMostShown = 3;
  std::uint64_t not_so_count = 0;

  local::Stop stop() const {
    return [this] { return pass.ended_early(); };
  }
  Result<void> go_on() const {
    if (pass.ended_early()) return Error(ErrorKind::cancelled, "stopped");
    return {};
  }
  const std::string& prefix() const { return engine.options().source.prefix; }
};

GenerationPublisher::GenerationPublisher(std::unique_ptr<local::Generations> generations,
                                         unsigned keep, std::string source)
    : generations_(std::move(generations)), keep_(keep), source_(std::move(source)) {}

Result<void> GenerationPublisher::validate(const MirrorOptions& options) {
  if (options.publish_link.empty()) return {};
  if (options.journal_rows == 0U)
    return usage("--publish-link goes by the journal: leave out --journal 0");
  // What readers are shown is what the record knows to be the bucket's.
  if (options.local_changes == MirrorOptions::LocalChanges::keep)
    return usage(
        "--publish-link shows versions of the bucket only: leave out --local-changes keep");
  if (options.compare == MirrorOptions::Compare::size_only)
    return usage("--publish-link shows versions of the bucket only: leave out --size-only");
  if (options.keep_generations < kFewestGenerations || options.keep_generations > kMostGenerations)
    return usage("--keep-generations takes " + std::to_string(kFewestGenerations) + " to " +
                 std::to_string(kMostGenerations));
  return {};
}

Result<std::unique_ptr<GenerationPublisher>> GenerationPublisher::open(
    const MirrorOptions& options, const record::Source& source,
    const local::Destination& destination) {
  using Sync = local::GenerationsOptions::Sync;
  local::GenerationsOptions where;
  where.link = options.publish_link;
  where.sync = options.durability == MirrorOptions::Durability::none ? Sync::no : Sync::yes;
  auto generations = local::Generations::open(std::move(where), destination);
  if (!generations) return generations.error();
  return std::unique_ptr<GenerationPublisher>(
      new GenerationPublisher(std::move(*generations), options.keep_generations, tag_of(source)));
}

Result<void> GenerationPublisher::begin(std::int64_t newest) {
  const auto found = generations_->look();
  if (!found) return found.error();
  for (const local::Generation& tree : found->trees) {
    if (tree.seq <= newest) continue;
    if (tree == found->current)
      foreign_ = tree;
    else if (const auto marked = generations_->distrust(tree); !marked)
      return marked;
  }
  return {};
}

void GenerationPublisher::publish(Pass& pass, const PassSummary& summary) {
  if (exit_status(summary) != ExitStatus::equal) return explain(pass, summary);
  explained_.clear();
  const auto shown = show_next(pass);
  if (!shown && shown.error().kind != ErrorKind::cancelled) pass.abort(shown.error());
}

void GenerationPublisher::explain(Pass& pass, const PassSummary& summary) {
  if (summary.failure || summary.interrupted) return;  // there will be a better message
  std::string why = left_out(summary.progress);
  if (summary.guard) why += why.empty() ? "nothing was deleted" : ", nothing was deleted";
  if (why == explained_) return;
  explained_ = why;
  pass.engine().message(Level::warning, text::escaped(generations_->link()) +
                                            " stays at the last whole pass, since this one left "
                                            "something out: " +
                                            why + " (--exclude what can never be mirrored)");
}

Result<void> GenerationPublisher::show_next(Pass& pass) {
  Work work(pass);
  const auto journal = work.engine.writer().journal();
  if (!journal) return journal.error();
  if (!*journal) return Error(ErrorKind::local, "the journal of changes has been removed");
  work.journal = **journal;
  const auto found = generations_->tidy(work.stop());
  if (!found) return found.error();
  if (found->current && is_as(work, *found->current)) return trim(work);

  // One that is whole and was never shown: the last run ended just then.
  const bool is_ready = !found->trees.empty() && is_as(work, found->trees.back());
  if (is_ready) {
    work.next = found->trees.back();
  } else {
    work.next.number = found->trees.empty() ? 1 : found->trees.back().number + 1;
    work.next.seq = work.journal.newest;
    work.next.source = source_;
    if (const auto made = make_tree(work, *found); !made) return made;
  }
  if (const auto flipped = generations_->flip(work.next); !flipped) return flipped;
  if (foreign_) {
    if (const auto marked = generations_->distrust(*foreign_); !marked) return marked;
    foreign_.reset();
  }
  tell(work);
  return trim(work);
}

/// Whether a tree is what the mirror is now. Folders without a file are not in the journal.
bool GenerationPublisher::is_as(const Work& work, const local::Generation& generation) const {
  return !generation.is_partial && generation.source == source_ && generation != foreign_ &&
         generation.seq == work.journal.newest &&
         generations_->has_folders(generation, work.pass.folders);
}

bool GenerationPublisher::can_catch_up(const Work& work,
                                       const local::Generation& generation) const {
  return generation.source == source_ && generation != foreign_ &&
         generation.seq >= work.journal.begins && generation.seq <= work.journal.newest;
}

Result<void> GenerationPublisher::make_tree(Work& work, const local::Generations::Found& found) {
  auto tree = take_tree(work, found);
  if (!tree) return tree.error();
  if (*tree) {
    const auto done = catch_up(work, **tree);
    if (!done && done.error().code != local::kNotAsLeft) return done;
    if (!done) {
      work.engine.message(Level::warning, done.error().message + "; it is made anew");
      const auto removed = generations_->remove(std::move(**tree), work.stop());
      if (!removed) return removed;
      tree->reset();
    }
  }
  if (!*tree) {
    auto made = generations_->make();
    if (!made) return made.error();
    if (const auto filled = fill(work, *made); !filled) return filled;
    tree->emplace(std::move(*made));
  }
  if (const auto durable = make_durable(work); !durable) return durable;
  return generations_->finish(**tree, work.next);
}

Result<std::optional<local::GenerationTree>> GenerationPublisher::take_tree(
    Work& work, const local::Generations::Found& found) {
  using Taken = std::optional<local::GenerationTree>;
  for (const local::Generation& tree : found.trees) {
    if (is_shown_still(found, tree)) continue;
    if (can_catch_up(work, tree)) {
      auto taken = generations_->take(tree);
      if (!taken || *taken) {
        work.base = tree.seq;
        return taken;
      }
    } else {
      const auto removed = generations_->remove(tree, work.stop());
      if (!removed) return removed.error();
    }
  }
  return Taken();
}

/// Of the trees that were shown, all of --keep-generations but one are left as they are: that one
/// becomes the next.
bool GenerationPublisher::is_shown_still(const local::Generations::Found& found,
                                         const local::Generation& generation) const {
  if (!found.current || generation.is_partial || generation.number > found.current->number)
    return false;
  const auto is_later = [&](const local::Generation& tree) {
    return !tree.is_partial && tree.number > generation.number &&
           tree.number <= found.current->number;
  };
  return std::count_if(found.trees.begin(), found.trees.end(), is_later) <
         static_cast<std::ptrdiff_t>(keep_ - 1);
}

/// First what has gone, so that nothing is in the way of what came: a file may be a folder now.
Result<void> GenerationPublisher::catch_up(Work& work, local::GenerationTree& tree) {
  for (const auto round : {Work::Round::removals, Work::Round::links}) {
    work.round = round;
    for (std::int64_t after = work.base;;) {
      const auto changes = work.engine.writer().changes_after(after, kChunkRows);
      if (!changes) return changes.error();
      if (changes->empty()) break;
      after = changes->back().seq;
      std::set<std::string> keys;
      for (const record::ChangeRow& change : *changes)
        keys.insert(change.key);
      tree.forget_parents();
      for (const std::string& key : keys)
        if (const auto changed = change(work, tree, key); !changed) return changed;
    }
  }
  return add_folders(work, tree);
}

Result<void> GenerationPublisher::change(Work& work, local::GenerationTree& tree,
                                         const std::string& key) {
  if (const auto on = work.go_on(); !on) return on;
  const auto row = work.engine.writer().find(key);
  if (!row) return row.error();
  const bool is_stored = *row && (*row)->state == RowState::stored;
  if (is_stored) return work.round == Work::Round::links ? add(work, tree, **row) : Result<void>();
  if (work.round == Work::Round::links) return {};
  const auto path = local::RelativePath::from_key(key, work.prefix());
  if (!path) return {};  // cannot be: it was stored
  return remove(work, tree, *path);
}

/// And the folders that this leaves empty, as the mirror does.
Result<void> GenerationPublisher::remove(Work& work, local::GenerationTree& tree,
                                         const local::RelativePath& path) {
  const auto may_go = [&work](const std::string& folder) {
    return work.pass.knows_folders && !work.pass.folders.contains(folder);
  };
  const auto was_there = tree.unlink(path, may_go);
  if (!was_there) return was_there.error();
  if (*was_there) ++work.removed;
  return {};
}

Result<void> GenerationPublisher::fill(Work& work, local::GenerationTree& tree) {
  std::string after;
  for (;;) {
    const auto rows = work.engine.writer().rows_after(after, kChunkRows);
    if (!rows) return rows.error();
    if (rows->empty()) return add_folders(work, tree);
    after = rows->back().key;
    tree.forget_parents();
    for (const ObjectRow& row : *rows) {
      if (const auto on = work.go_on(); !on) return on;
      if (row.state != RowState::stored) continue;
      if (const auto added = add(work, tree, row); !added) return added;
    }
  }
}

Result<void> GenerationPublisher::add_folders(Work& work, local::GenerationTree& tree) {
  for (const std::string& folder : work.pass.folders) {
    if (const auto on = work.go_on(); !on) return on;
    if (const auto made = tree.make_folder(folder); !made) return made;
  }
  return {};
}

Result<void> GenerationPublisher::add(Work& work, local::GenerationTree& tree,
                                      const ObjectRow& row) {
  const auto path = local::RelativePath::from_key(row.key, work.prefix());
  if (!path || path->is_directory()) return {};  // cannot be: it was stored
  const auto linked = tree.link(*path, file_of(row));
  if (!linked) return linked.error();
  if (*linked == local::GenerationTree::Linked::made) ++work.linked;
  if (*linked != local::GenerationTree::Linked::not_so) return {};
  // Somebody modified it here, so that nobody can say of which version it is. Nor may the one
  // before it stay.
  ++work.not_so_count;
  if (work.not_so.size() < Work::kMostShown) work.not_so.insert(row.key);
  return remove(work, tree, *path);
}

/// Before the tree gets its name: the numbers that the name speaks of must not be given again
/// after a power cut. Without this, the next start notices it: see begin().
Result<void> GenerationPublisher::make_durable(Work& work) {
  if (work.engine.options().durability == MirrorOptions::Durability::none) return {};
  return work.engine.sync().run(GroupSync::Method::at_once, {});
}

/// Trees beyond those that are kept: --keep-generations was more, or readers held some.
Result<void> GenerationPublisher::trim(Work& work) {
  const auto found = generations_->look();
  if (!found) return found.error();
  const std::vector<local::Generation>& trees = found->trees;
  for (std::size_t i = 0; i + keep_ < trees.size(); ++i) {
    if (trees[i] == found->current) continue;
    const auto removed = generations_->remove(trees[i], work.stop());
    if (!removed) return removed.error();
  }
  return {};
}

void GenerationPublisher::tell(const Work& work) {
  const std::string link = text::escaped(generations_->link());
  const auto files = [](std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " file" : " files");
  };
  work.engine.message(Level::info, link + " leads to generation " +
                                       std::to_string(work.next.number) + ": " +
                                       files(work.linked) + " linked, " +
                                       std::to_string(work.removed) + " removed");
  if (work.not_so_count == 0) return;
  std::string names;
  for (const std::string& key : work.not_so)
    names += (names.empty() ? "'" : ", '") + text::escaped(key) + "'";
  work.engine.message(Level::warning, files(work.not_so_count) +
                                          " modified locally since they were recorded are not in "
                                          "that generation: " +
                                          names +
                                          (work.not_so.size() < work.not_so_count ? ", …" : ""));
}

}  // namespace sluice::mirror
