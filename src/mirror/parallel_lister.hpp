#pragma once

#include "mirror/lister.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice::mirror {

struct ParallelOptions {
  unsigned concurrency = 8;               ///< list requests at once; 1: list_range() of everything
  std::uint64_t bytes_ahead = 16u << 20;  ///< held in pages that wait for those before them

  /// What an earlier pass knows: the key about so many keys after another one; nullopt if there is
  /// none. May be empty. Its awaiting may let others run, and must end before the listing does.
  using Landmark =
      std::function<async::Task<std::optional<std::string>>(std::string after, std::uint64_t keys)>;
  Landmark landmark;
};

/// Lists everything below the context's prefix, several ranges at once, for callers who know that
/// the server lists in byte order. `sink` receives what list_range() would have given it, in the
/// same order, whatever the server does (docs/decisions/0009).
///
/// The key space is a row of sections, each with a walk of its own. Only the pages of the first are
/// handed on; those of the others wait. A section ends when its walk shows a key beyond its end,
/// and is followed by the next only if that one's walk began with this very key: then both lie
/// seamlessly in the server's order. Else the walk of the first goes on through the next, which is
/// forgotten. Keys that come out of order make the first walk go on alone to the end.
///
/// Sections are cut off the nearest one that is long, about kSectionPages further on: so those that
/// are listed lie close together, and few pages wait.
async::Task<Result<bool>> list_in_ranges(ListContext& context, const ParallelOptions& options,
                                         const PageSink& sink);

}  // namespace sluice::mirror
