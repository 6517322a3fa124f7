#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"
#include "model/object.hpp"
#include "model/range.hpp"
#include "store/object_store.hpp"
#include "transfer/retry.hpp"

#include <cstdint>
#include <functional>
#include <optional>
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
  transfer::Concurrency* concurrency = nullptr;  ///< shared by what lists side by side
};

/// Finds a cycle of continuation tokens of any length with one token of memory (Brent): the token
/// is compared with one that is renewed at every power of two.
class TokenCycle {
 public:
  bool repeats(const std::string& token);

 private:
  std::string kept_;
  std::uint64_t steps_ = 0;
  std::uint64_t next_renewal_ = 1;
};

/// Asks for one page after the other, each until it comes or has had its tries.
class PageWalk {
 public:
  /// `context` must outlive it. `after`: exclusive, empty for the first key.
  PageWalk(ListContext& context, std::string after);

  /// The next page; only while has_more().
  async::Task<Result<ListPage>> next();
  bool has_more() const noexcept { return more_; }
  bool has_begun() const noexcept { return begun_; }

 private:
  void follow(const ListPage& page);

  ListContext& context_;
  std::string after_;
  std::string token_;
  bool begun_ = false;
  bool more_ = true;
  TokenCycle cycle_;
  unsigned without_progress_ = 0;
  std::optional<Error> no_progress_;  ///< found in the last page; told instead of the next
};

/// Receives each valid page, cut to the range; false stops the listing (then it is not complete).
using PageSink = std::function<async::Task<bool>(ListPage&)>;

/// Lists one key range, page after page: THE serial path, and the reference for every other. True:
/// the range is complete (the listing ended, or showed a key beyond the range); false: the sink
/// stopped it; an error: the listing failed. Every argument must outlive the call.
async::Task<Result<bool>> list_range(ListContext& context, const KeyRange& range,
                                     const PageSink& sink);

}  // namespace sluice::mirror
