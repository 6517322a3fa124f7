#pragma once

#include "base/result.hpp"
#include "local/generations.hpp"
#include "mirror/pass.hpp"
#include "record/record.hpp"

#include "sluice/options.hpp"
#include "sluice/summary.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice::mirror {

/// --publish-link: after a pass that left nothing out, leads the link to a tree that is as the
/// record says: a hard link to each stored file, and the folders whose keys `x/` were listed.
///
///     nothing has changed since the tree that the link leads to     nothing is done
///     there are --keep-generations trees                            the oldest becomes the next
///     else, or where the journal does not reach back to it          all is linked anew
///
/// A tree becomes the next one by what the journal says has changed since it was made: only those
/// keys are looked at. One that readers hold is left alone; then there are more trees for a while.
///
/// Lives as long as the engine. Threads: the publishing role only.
class GenerationPublisher {
 public:
  static constexpr std::size_t kChunkRows = 1000;

  /// `usage` for options that do not go together.
  static Result<void> validate(const MirrorOptions& options);
  static Result<std::unique_ptr<GenerationPublisher>> open(const MirrorOptions& options,
                                                           const record::Source& source,
                                                           const local::Destination& destination);

  /// Once, before the record changes: where its journal ends. Trees that know more are of another
  /// history: the record has been lost, or is an older copy, and its numbers come again.
  Result<void> begin(std::int64_t newest);

  /// After the deletion, when the record is what it will be. A failure is the pass's; what was
  /// begun is gone on with after the next one.
  void publish(Pass& pass, const PassSummary& summary);

 private:
  struct Work;
  GenerationPublisher(std::unique_ptr<local::Generations> generations, unsigned keep,
                      std::string source);

  void explain(Pass& pass, const PassSummary& summary);
  Result<void> show_next(Pass& pass);
  bool is_as(const Work& work, const local::Generation& generation) const;
  bool can_catch_up(const Work& work, const local::Generation& generation) const;
  bool is_shown_still(const local::Generations::Found& found,
                      const local::Generation& generation) const;
  Result<void> make_tree(Work& work, const local::Generations::Found& found);
  /// A tree that needs only what has changed since its number; nullopt: there is none to be had.
  Result<std::optional<local::GenerationTree>> take_tree(Work& work,
                                                         const local::Generations::Found& found);
  Result<void> catch_up(Work& work, local::GenerationTree& tree);
  Result<void> change(Work& work, local::GenerationTree& tree, const std::string& key);
  Result<void> fill(Work& work, local::GenerationTree& tree);
  Result<void> add_folders(Work& work, local::GenerationTree& tree);
  Result<void> add(Work& work, local::GenerationTree& tree, const ObjectRow& row);
  Result<void> remove(Work& work, local::GenerationTree& tree, const local::RelativePath& path);
  Result<void> make_durable(Work& work);
  Result<void> trim(Work& work);
  void tell(const Work& work);

  const std::unique_ptr<local::Generations> generations_;
  const unsigned keep_;
  const std::string source_;
  std::optional<local::Generation> foreign_;  ///< the current one, if it is of another history
  std::string explained_;                     ///< why the link stays, as told last
};

}  // namespace sluice::mirror
