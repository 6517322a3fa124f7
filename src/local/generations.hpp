#pragma once

#include "base/result.hpp"
#include "local/destination.hpp"
#include "local/entries.hpp"
#include "local/generation_tree.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What --publish-link shows: trees of hard links to the files of the mirror, and a symbolic link
/// that leads to one of them. They are beside the link PATH, in the folder `.NAME.generations`:
///
///   7-1764309600000042-3fa94c21   a whole tree, the seventh: as the mirror of source 3fa94c21 was
///                                 when the journal of its changes ended at that number
///   5-….partial                   was that tree, and is being brought up to date
///   new                           is being made
///   4-….gone                      is being removed
///   link                          the link, before it is renamed to PATH
///   mirror                        a second name of DIR/.sluice/published: whose folder this is
///
/// What a name says is true at each instant, so that a run may end anywhere: what is `new`, `.gone`
/// or `link` then goes, and a partial tree is gone on with from its number. Only what has changed
/// since can differ there.
namespace sluice::local {

struct Generation {
  std::uint64_t number = 0;
  std::int64_t seq = 0;  ///< of the journal of changes
  std::string source;    ///< what tells sources apart: eight hexadecimal digits
  bool is_partial = false;

  std::string name() const;
  bool operator==(const Generation&) const = default;
};

struct GenerationsOptions {
  std::string link;  ///< PATH
  enum class Sync : bool { no, yes };
  Sync sync = Sync::yes;  ///< whether renames are made durable one after the other
};

/// Never changes a tree that the link leads to, or that a reader holds by a shared flock on its
/// directory.
///
/// Threads: the publishing role only.
class Generations {
 public:
  /// What would keep PATH from being published, as far as looking tells: `usage` if it is no link
  /// of ours, or lies in the mirror.
  static Result<void> check(const std::string& link, const Destination& destination);

  /// Makes the folder. `usage` as above, and if PATH is on another file system than the mirror, or
  /// is that of another mirror.
  static Result<std::unique_ptr<Generations>> open(GenerationsOptions options,
                                                   const Destination& destination);

  const std::string& link() const noexcept { return options_.link; }

  struct Found {
    std::vector<Generation> trees;      ///< oldest first
    std::optional<Generation> current;  ///< of them, the one that the link leads to
  };
  Result<Found> look() const;
  /// Removes what a run that was cut short left, first.
  Result<Found> tidy(const Stop& stop);

  /// An empty tree. The one before it must have been finished or be gone.
  Result<GenerationTree> make();
  /// A tree that is not the current one, to be changed; partial from now on. nullopt if a reader
  /// holds it.
  Result<std::optional<GenerationTree>> take(const Generation& generation);
  /// The tree is whole, and is `generation` from now on.
  Result<void> finish(const GenerationTree& tree, const Generation& generation);
  /// The link leads there from now on.
  Result<void> flip(const Generation& generation);
  /// A tree that is not the current one, of which nobody knows of when it is: its number of the
  /// journal becomes 0.
  Result<void> distrust(const Generation& generation);
  /// A tree that is not the current one. False if a reader holds it.
  Result<bool> remove(const Generation& generation, const Stop& stop);
  /// The same for a tree that was taken or made.
  Result<void> remove(GenerationTree tree, const Stop& stop);

  /// Whether a tree has all of these folders.
  template <class Folders>
  bool has_folders(const Generation& generation, const Folders& folders) const {
    const FileDescriptor root(open_tree(generation.name()));
    if (!root) return false;
    const Beneath beneath = Beneath::at(root.get(), Resolver::kernel);
    for (const std::string& folder : folders)
      if (!FileDescriptor(beneath.open_directory(folder))) return false;
    return true;
  }

 private:
  Generations(GenerationsOptions options, const Destination& destination);
  Result<void> find_place();
  Result<void> make_folder();
  Result<void> claim_folder();
  /// The name in the folder to which the link leads; nullopt: there is none.
  Result<std::optional<std::string>> read_link() const;
  int open_tree(const std::string& name) const noexcept;
  Result<void> rename(const std::string& from, const std::string& to);
  Result<void> sync_names();
  Error failed(const char* what, const std::string& name, int error) const;

  const GenerationsOptions options_;
  const Destination& destination_;
  std::string link_name_;    ///< the last name of PATH
  std::string folder_name_;  ///< beside it
  FileDescriptor parent_;    ///< what both are in
  FileDescriptor folder_;
};

}  // namespace sluice::local
