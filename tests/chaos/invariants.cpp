#include "invariants.hpp"

#include "record/record.hpp"

#include "sluice/summary.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>

namespace sluice::chaos {

namespace fs = std::filesystem;

namespace {

const Entry* entry_at(const Tree& tree, const std::string& path) {
  const auto found = tree.find(path);
  return found == tree.end() ? nullptr : &found->second;
}

bool is_file(const Entry* entry) {
  return entry != nullptr && entry->kind == Kind::file;
}

/// The path that a key is to be stored under, without the slash of a folder's marker.
std::string path_of(const World& world, const std::string& key) {
  std::string path = key.substr(world.prefix().size());
  if (path.ends_with('/')) path.pop_back();
  return path;
}

bool is_marker(const std::string& key) {
  return key.ends_with('/');
}

/// Whether anybody's file or link is below the folder.
bool holds_something(const Tree& tree, const std::string& folder) {
  const std::string below = folder + "/";
  for (auto at = tree.lower_bound(below); at != tree.end() && at->first.starts_with(below); ++at)
    if (at->second.kind != Kind::folder) return true;
  return false;
}

bool user_was_in(const User& user, const std::string& folder) {
  return user.folders().contains(folder) || user.has_touched(folder) ||
         user.has_touched_below(folder);
}

/// Nothing of what the server offers proves it, and --verify strict asks for proof.
bool is_unproven(const PassView& view, const Version& version) {
  return view.options.verify == MirrorOptions::Verify::strict && !version.is_provable() &&
         !version.content.empty();
}

/// Whether the key takes its place in the tree, as far as the bucket and the options go.
bool is_mirrored(const PassView& view, const std::string& key, const Version& version) {
  if (!is_storable(key.substr(view.world.prefix().size()))) return false;
  if (is_excluded(view.options, key)) return false;
  if (is_marker(key)) return version.content.empty();
  return !version.archived && !is_unproven(view, version);
}

/// The oldest of the versions that the row may be of: a key may be put back as it was. -1: none.
int index_of(const History& history, const ObjectRow& row) {
  for (std::size_t i = 0; i < history.versions.size(); ++i) {
    const Version& version = history.versions[i];
    const bool same_time =
        !version.etag.empty() || version.modified_ms / 1000 == row.version.modified_ms / 1000;
    if (version.etag == row.version.etag && version.content.size() == row.version.size && same_time)
      return static_cast<int>(i);
  }
  return -1;
}

bool is_recorded(const RecordRows& record, const std::string& key) {
  return std::any_of(record.objects.begin(), record.objects.end(),
                     [&key](const ObjectRow& row) { return row.key == key; });
}

std::string quoted(const std::string& text) {
  return "'" + shown(text) + "'";
}

/// Why a file of an excluded key may not go; empty if it may.
std::string objection_to_excluded(const PassView& view) {
  if (!view.options.delete_excluded) return "was deleted, but it is excluded";
  const auto& listings = view.facts.listings;
  const bool licensed = std::any_of(listings.begin(), listings.end(), [](const Listing& listing) {
    return listing.complete && listing.ordered;
  });
  return licensed ? "" : "was deleted, but no listing was complete";
}

}  // namespace

bool is_excluded(const MirrorOptions& options, const std::string& key) {
  std::string relative = key.substr(options.source.prefix.size());
  std::replace(relative.begin(), relative.end(), '\0', '\1');  // no pattern tells these apart
  bool excluded = false;
  for (const FilterRule& rule : options.filters)
    if (fnmatch(rule.pattern.c_str(), relative.c_str(), FNM_NOESCAPE) == 0)
      excluded = rule.kind == FilterRule::Kind::exclude;
  return excluded;
}

RecordRows read_record(const std::string& dir, const std::string& scratch) {
  RecordRows out;
  const std::string from = dir + "/.sluice/record.db";
  if (!fs::exists(from)) return out;
  fs::remove_all(scratch);
  fs::create_directory(scratch);
  for (const char* suffix : {"", "-wal"})
    if (fs::exists(from + suffix)) fs::copy_file(from + suffix, scratch + "/r.db" + suffix);
  const auto record = record::Record::connect(scratch + "/r.db", record::Access::read_write);
  if (!record) {
    out.failure = record.error().message;
    return out;
  }
  constexpr std::size_t kAll = 1'000'000;
  const auto rows = (*record)->rows_after("", kAll);
  const auto pending = (*record)->pending();
  const auto totals = (*record)->totals();
  if (!rows || !pending || !totals) {
    out.failure = "the record cannot be read";
    return out;
  }
  out.objects = *rows;
  out.pending = *pending;
  out.partials = totals->partials;
  return out;
}

Violations check_files(PassView& view) {
  Violations wrong;
  for (const auto& [path, entry] : view.after) {
    if (entry.kind == Kind::folder) continue;
    if (entry.kind == Kind::link) {
      if (!view.user.links().contains(path)) wrong.push_back("a link was made: " + quoted(path));
      continue;
    }
    const auto own = view.user.files().find(path);
    if (own != view.user.files().end() && own->second == entry.content) continue;
    const std::string key = view.world.prefix() + path;
    const History* history = view.world.find(key);
    if (history == nullptr || history->index_of(entry.content) < 0) {
      wrong.push_back(quoted(path) + " (" + std::to_string(entry.content.size()) +
                      " bytes) is no version that the bucket ever held");
    } else if (own != view.user.files().end() && !view.facts.present.contains(key)) {
      wrong.push_back("the user's " + quoted(path) +
                      " was replaced, but the bucket has no such key");
    }
  }
  const std::map<std::string, std::string> own_files = view.user.files();
  for (const auto& [path, content] : own_files) {
    const Entry* entry = entry_at(view.after, path);
    // It may have become a version of its key first, and have gone as such.
    const bool was_replaced = view.facts.has_told(What::fetched, view.world.prefix() + path);
    if (!is_file(entry) && !was_replaced)
      wrong.push_back("the user's " + quoted(path) + " is gone");
    else if (!is_file(entry) || entry->content != content)
      view.user.lose(path);
  }
  for (const std::string& path : view.user.links()) {
    const Entry* entry = entry_at(view.after, path);
    if (entry == nullptr || entry->kind != Kind::link)
      wrong.push_back("the user's link " + quoted(path) + " is gone");
  }
  const std::set<std::string> own_folders = view.user.folders();
  for (const std::string& path : own_folders) {
    const Entry* entry = entry_at(view.after, path);
    if (is_file(entry)) wrong.push_back("the user's folder " + quoted(path) + " became a file");
    // Empty folders above what was deleted go.
    if (entry == nullptr) view.user.lose_folder(path);
  }
  return wrong;
}

Violations check_deletions(const PassView& view) {
  Violations wrong;
  if (view.options.dry_run && view.before != view.after && !view.facts.user_acted)
    wrong.push_back("a dry run changed the mirror");
  std::uint64_t deleted = 0;
  for (const auto& [path, entry] : view.before) {
    if (entry.kind != Kind::file || is_file(entry_at(view.after, path))) continue;
    if (view.user.files().contains(path)) continue;  // check_files says so
    if (view.facts.user_acted && (view.user.has_touched(path) || view.user.has_touched_below(path)))
      continue;
    const std::string key = view.world.prefix() + path;
    if (entry_at(view.after, path) != nullptr) {
      const std::string below = key + "/";
      const bool wanted = std::any_of(view.facts.listings.begin(), view.facts.listings.end(),
                                      [&below](const Listing& listing) {
                                        const auto at = listing.keys.lower_bound(below);
                                        return at != listing.keys.end() && at->starts_with(below);
                                      });
      if (!wanted) wrong.push_back(quoted(path) + " became a folder for no key");
      continue;
    }
    ++deleted;
    if (!view.options.delete_extraneous)
      wrong.push_back(quoted(path) + " was deleted without --delete");
    else if (is_excluded(view.options, key)) {
      if (const std::string objection = objection_to_excluded(view); !objection.empty())
        wrong.push_back(quoted(path) + " " + objection);
    } else if (!view.facts.licence_to_delete(key, view.options.allow_empty_source))
      wrong.push_back(quoted(path) + " was deleted, but no complete listing was without it");
    else if (view.options.delete_confirm == MirrorOptions::DeleteConfirm::get &&
             !view.facts.proved_gone.contains(key))
      wrong.push_back(quoted(path) + " was deleted, but nobody said that it is gone");
  }
  const auto& limit = view.options.max_delete.files;
  if (limit && deleted > *limit)
    wrong.push_back(std::to_string(deleted) + " files were deleted, the guard allows " +
                    std::to_string(*limit));
  return wrong;
}

Violations check_backup(const PassView& view, const Tree& kept) {
  Violations wrong;
  if (view.options.backup_dir.empty()) return wrong;
  for (const auto& [path, entry] : view.before) {
    if (entry.kind != Kind::file) continue;
    const Entry* now = entry_at(view.after, path);
    if (is_file(now) && now->content == entry.content) continue;
    if (view.facts.user_acted && (view.user.has_touched(path) || view.user.has_touched_below(path)))
      continue;
    const auto is_it = [&gone = entry](const auto& other) {
      return other.second.content == gone.content;
    };
    if (std::none_of(kept.begin(), kept.end(), is_it))
      wrong.push_back(quoted(path) + " went, and is not in the backup directory");
  }
  return wrong;
}

Violations check_record(const PassView& view) {
  Violations wrong;
  // A dry run leaves a torn record as it is; without room there is no new one.
  const bool may_be_torn =
      view.facts.local_fault || (view.record_was_harmed && view.options.dry_run);
  if (view.record.failure && !may_be_torn) return {*view.record.failure};
  for (const ObjectRow& row : view.record.objects) {
    if (row.state != RowState::stored) continue;
    const std::string name = "the row of " + quoted(row.key) + " ";
    const History* history = view.world.find(row.key);
    const int version = history == nullptr ? -1 : index_of(*history, row);
    if (version < 0) {
      wrong.push_back(name + "is of no version");
      continue;
    }
    const std::string path = path_of(view.world, row.key);
    const Entry* entry = entry_at(view.after, path);
    // Nobody looks at what is excluded, whatever an earlier pass left.
    const bool is_ignored = is_excluded(view.options, row.key);
    // To a record that was put back, what came later looks like the user's doing; what cannot be
    // fetched is not looked at; nor is a file whose key has gone, if the guard says no.
    const bool is_guarded = view.status == static_cast<int>(ExitStatus::guard) &&
                            !view.world.is_present(row.key) && is_file(entry);
    const bool may_be_behind =
        view.record_was_harmed &&
        (view.options.local_changes == MirrorOptions::LocalChanges::keep || is_guarded ||
         view.options.compare == MirrorOptions::Compare::size_only || history->now().archived);
    const bool stat_matches = is_file(entry) && entry->content.size() == row.version.size &&
                              entry->mtime_ns == row.mtime_ns && entry->inode == row.inode;
    const auto& content = history->versions[static_cast<std::size_t>(version)].content;
    if (stat_matches) {
      view.user.forgive(path);
      if (entry->content != content) wrong.push_back(name + "matches a file of another content");
    } else if (view.user.has_touched(path) || view.user.has_touched_below(path) ||
               view.facts.user_acted) {
      continue;
    } else if (is_file(entry) && history->index_of(entry->content) < version) {
      wrong.push_back(name + "is ahead of its file");
    } else if (!view.unfinished && !may_be_behind && !is_ignored) {
      wrong.push_back(name + (entry == nullptr ? "names no file" : "does not match its file"));
    }
  }
  if (!view.unfinished && !view.record.pending.empty())
    wrong.push_back("a row is pending after the end of a pass");
  return wrong;
}

std::string excuse_for(const PassView& view, const std::string& key) {
  const World& world = view.world;
  const Version& now = world.find(key)->now();
  if (key == world.prefix()) return now.content.empty() ? "" : "the folder itself, with content";
  if (is_excluded(view.options, key)) return "excluded";
  if (!is_storable(key.substr(world.prefix().size()))) return "no path";
  if (is_marker(key) && !now.content.empty()) return "a folder with content";
  if (!is_marker(key) && now.archived) return "archived";
  if (!is_marker(key) && is_unproven(view, now)) return "unproven";
  const std::string path = path_of(world, key);
  const Entry* entry = entry_at(view.after, path);
  if (!is_marker(key)) {
    const std::string below = key + "/";
    for (auto at = world.keys().lower_bound(below);
         at != world.keys().end() && at->first.starts_with(below); ++at)
      if (at->second.present && is_mirrored(view, at->first, at->second.now())) return "shadowed";
    if (entry != nullptr && entry->kind == Kind::folder &&
        (holds_something(view.after, path) || user_was_in(view.user, path)))
      return "a folder in use";
    // It was one before, or became one when the last run was settled: something below it went.
    const Entry* was = entry_at(view.before, path);
    const bool was_folder = (was != nullptr && was->kind == Kind::folder) ||
                            view.facts.has_told_below(What::deleted, below);
    if (was_folder && view.options.delete_extraneous) return "a folder until now";
    if (entry != nullptr && entry->kind == Kind::folder && !view.options.delete_extraneous)
      return "an empty folder";
    if (view.options.local_changes == MirrorOptions::LocalChanges::keep &&
        (view.user.files().contains(path) ||
         (view.record_was_harmed && view.facts.has_told(What::local_kept, key))))
      return "kept as it is";
  }
  if (entry != nullptr && entry->kind == Kind::link) return "a link";
  // Whether it is ours is found out in the same pass.
  if (is_marker(key) && is_file(entry) && (view.user.has_touched(path) || view.record_was_harmed))
    return "a file that is not ours";
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    // Whether it is ours is found out in the same pass.
    if (is_file(entry_at(view.before, above)) &&
        (view.record_was_harmed || view.user.has_touched(above)))
      return "below a file that was not ours";
    const Entry* parent = entry_at(view.after, above);
    if (parent == nullptr || parent->kind == Kind::folder) continue;
    if (parent->kind == Kind::link) return "beyond a link";
    if (view.user.has_touched(above)) return "below the user's file";
    if (view.record_was_harmed && !is_recorded(view.record, world.prefix() + above))
      return "below a file that nobody remembers";
  }
  return "";
}

bool is_right(const PassView& view, const std::string& key, Weather weather) {
  if (key == view.world.prefix()) return true;
  const Entry* entry = entry_at(view.after, path_of(view.world, key));
  const Version& now = view.world.find(key)->now();
  if (entry == nullptr) return false;
  if (is_marker(key)) return entry->kind == Kind::folder && now.content.empty();
  if (entry->kind != Kind::file) return false;
  if (view.options.compare == MirrorOptions::Compare::size_only &&
      entry->content.size() == now.content.size())
    return true;
  if (entry->content != now.content) return false;
  // The head of an answer has whole seconds, the listing need not.
  const auto cost = view.facts.traffic.find(key);
  const bool begun_anew = cost != view.facts.traffic.end() && cost->second.lost > 0;
  const std::int64_t grain = weather == Weather::fair && !begun_anew ? 1'000'000 : 1'000'000'000;
  return entry->mtime_ns / grain == now.modified_ms * 1'000'000 / grain;
}

Violations check_status(const PassView& view, Weather weather) {
  Violations wrong;
  const int status = view.status;
  if (view.options.dry_run || view.facts.bucket_changed || view.facts.user_acted) return wrong;
  bool all_right = true;
  for (const auto& [key, history] : view.world.keys()) {
    if (!history.present || !key.starts_with(view.world.prefix())) continue;
    const bool right = is_excluded(view.options, key) || is_right(view, key, weather);
    if (status == 0 && !right && !view.facts.list_lied)
      wrong.push_back("status 0, but " + quoted(key) + " is not as in the bucket");
    const std::string excuse = right ? "" : excuse_for(view, key);
    if (weather == Weather::fair && !right && excuse.empty())
      wrong.push_back(quoted(key) + " is not as in the bucket, for no reason; status " +
                      std::to_string(status));
    all_right = all_right && right;
  }
  for (const ObjectRow& row : view.record.objects)
    if (status == 0 && row.state == RowState::stored && view.options.delete_extraneous &&
        !view.world.is_present(row.key) && !view.facts.list_lied &&
        !is_excluded(view.options, row.key))
      wrong.push_back("status 0, but " + quoted(row.key) + " is still recorded");
  constexpr int kGuard = 7;
  if (weather == Weather::fair && all_right && status != 0 && status != kGuard &&
      !view.facts.has_told(What::local_kept) && !view.facts.has_told(What::refused))
    wrong.push_back("status " + std::to_string(status) + ", but nothing is wrong");
  return wrong;
}

Violations check_cost(const PassView& view) {
  Violations wrong;
  constexpr unsigned kMostRestarts = 3;
  const std::uint64_t part = view.options.tuning.part_bytes;
  for (const auto& [key, cost] : view.facts.traffic) {
    if (cost.gets > 0 && is_excluded(view.options, key))
      wrong.push_back(quoted(key) + " was asked for, but it is excluded");
    const unsigned rounds = std::max(cost.listed, 1u) * (1 + kMostRestarts);
    // An earlier pass may have cut the object into smaller parts.
    const std::uint64_t parts = cost.largest / kLeastPartBytes + 1;
    const std::uint64_t most_gets = rounds * (parts + cost.faults + cost.lost);
    if (cost.gets > most_gets)
      wrong.push_back(quoted(key) + " was asked for " + std::to_string(cost.gets) + " times");
    const std::uint64_t most_bytes =
        cost.largest * std::max(cost.listed, 1u) * (1 + std::min(cost.lost, kMostRestarts)) +
        cost.faults * std::max(part, cost.largest);
    if (cost.bytes > most_bytes)
      wrong.push_back(quoted(key) + ": " + std::to_string(cost.bytes) + " bytes were fetched, " +
                      std::to_string(most_bytes) + " would do");
  }
  if (view.facts.list_requests > 0 && view.facts.list_failures == 0 && !view.facts.list_lied &&
      view.facts.whole_listings() > 1)
    wrong.push_back("listed more than once for no reason");
  return wrong;
}

}  // namespace sluice::chaos
