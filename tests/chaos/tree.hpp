// What is on the disk below a mirror, and what other people do to it.
#pragma once

#include "random.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::chaos {

enum class Kind : std::uint8_t { file, folder, link };

struct Entry {
  Kind kind = Kind::file;
  std::string content;  ///< of a file; where a link leads
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
  bool operator==(const Entry&) const = default;
};

/// Path below the mirror → what is there; `.sluice` is left out.
using Tree = std::map<std::string, Entry>;
Tree read_tree(const std::string& dir);
/// Names of what is in staging, folders not counted.
std::vector<std::string> staged_files(const std::string& dir);

/// Whoever works in the mirror beside us: edits, removes, creates, moves. It remembers what is its
/// own, which no pass may harm.
class User {
 public:
  User(std::string dir, std::string outside, Random& random);

  /// One deed, and what it was. `draw_path` proposes names that keys may have.
  enum class Deeds : std::uint8_t { any, on_files };
  std::string act(Deeds deeds, const std::function<std::string()>& draw_path);
  /// Takes links and folders out of the way of keys: otherwise they would be refused for ever.
  std::string tidy_up();

  const std::map<std::string, std::string>& files() const { return files_; }  ///< its own, by path
  const std::set<std::string>& links() const { return links_; }
  const std::set<std::string>& folders() const { return folders_; }
  bool has_touched(const std::string& path) const { return touched_.contains(path); }
  bool has_touched_below(const std::string& folder) const;

  /// The mirror's now: a version of a key was put there.
  void lose(const std::string& path) { files_.erase(path); }
  void lose_folder(const std::string& path) { folders_.erase(path); }
  /// The mirror has it as the record says: what happened before is settled.
  void forgive(const std::string& path) { touched_.erase(path); }

 private:
  std::string full(const std::string& path) const { return dir_ + "/" + path; }
  std::string edit(const std::string& path);
  std::string create(const std::string& path);
  std::string remove(const std::string& path);
  std::string remove_folder(const std::string& path);
  std::string copy(const std::string& path);
  std::string link(const std::string& path);
  std::string replace_by_folder(const std::string& path);
  void write(const std::string& path, const std::string& content, std::int64_t mtime_ns);
  void note_all_touched(const std::string& below);

  const std::string dir_;
  const std::string outside_;
  Random& random_;
  std::map<std::string, std::string> files_;
  std::set<std::string> links_;
  std::set<std::string> folders_;
  std::set<std::string> touched_;  ///< the record may say something else of these
  std::int64_t clock_ns_ = 1'000'000'000'123'456'789;
  std::uint64_t names_ = 0;
};

}  // namespace sluice::chaos
