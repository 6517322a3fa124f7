#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"
#include "model/object.hpp"
#include "model/range.hpp"
#include "store/object_store.hpp"
#include "transfer/retry.hpp"

#include <functional>
#include <string>

namespace sluice::mirror {

/// Consecutive pages that bring no key although more are promised. An empty page is legal (a run of
/// delete markers), an endless run of them is not.
inline constexpr unsigned kMaxPagesWithoutProgress = 1000;

struct ListContext {
  async::Runtime& runtime;
  store::ObjectStore& store;
  const transfer::RetryPolicy& retry;
  transfer::RetryListener& listener;
  std::string prefix;
};

/// Receives each valid page, cut to the range; false stops the listing (then it is not complete).
using PageSink = std::function<async::Task<bool>(ListPage&)>;

/// Lists one key range, page after page: THE serial path, and the reference for every other. True:
/// the range is complete (the listing ended, or showed a key beyond the range); false: the sink
/// stopped it; an error: the listing failed. Every argument must outlive the call.
async::Task<Result<bool>> list_range(ListContext& context, const KeyRange& range,
                                     const PageSink& sink);

}  // namespace sluice::mirror
