#include "mirror/lister.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::mirror {

namespace {

/// Finds a cycle of continuation tokens of any length with one token of memory (Brent): the token
/// is compared with one that is renewed at every power of two.
class TokenCycle {
 public:
  bool repeats(const std::string& token) {
    if (token == kept_) return true;
    if (++steps_ == next_renewal_) {
      kept_ = token;
      next_renewal_ *= 2;
    }
    return false;
  }

 private:
  std::string kept_;
  std::uint64_t steps_ = 0;
  std::uint64_t next_renewal_ = 1;
};

Error no_progress(const std::string& what) {
  return Error(ErrorKind::invalid_answer,
               "the listing does not come to an end: " + what +
                   "; the server's listing is broken, nothing can be concluded from it");
}

/// Drops what lies outside the range; true if a key beyond its end was seen.
bool cut_to_range(ListPage& page, const KeyRange& range) {
  bool beyond = false;
  std::erase_if(page.objects, [&](const ListedObject& object) {
    beyond = beyond || range.ends_before(object.key);
    return !range.contains(object.key);
  });
  return beyond;
}

}  // namespace

async::Task<Result<bool>> list_range(ListContext& context, const KeyRange& range,
                                     const PageSink& sink) {
  TokenCycle cycle;
  std::string token;
  unsigned without_progress = 0;
  for (;;) {
    const std::function<async::Task<Result<ListPage>>()> attempt = [&]() {
      store::ListRequest request;
      request.prefix = context.prefix;
      if (token.empty()) request.start_after = range.after();
      request.token = token;
      return context.store.list(std::move(request));
    };
    auto page = co_await transfer::with_retry<ListPage>(context.runtime, context.retry,
                                                        context.listener, attempt);
    if (!page) co_return page.error();

    const bool truncated = page->truncated;
    std::string next_token = page->next_token;
    without_progress = page->objects.empty() ? without_progress + 1 : 0;
    const bool beyond = !range.after().empty() || range.last() ? cut_to_range(*page, range) : false;
    const bool go_on = co_await sink(*page);
    if (!go_on) co_return false;
    if (!truncated || beyond) co_return true;
    if (without_progress >= kMaxPagesWithoutProgress)
      co_return no_progress(std::to_string(without_progress) + " pages brought no key");
    if (cycle.repeats(next_token)) co_return no_progress("a continuation token came again");
    token = std::move(next_token);
  }
}

}  // namespace sluice::mirror
