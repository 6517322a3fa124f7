#include "mirror/lister.hpp"

#include <algorithm>
#include <utility>

namespace sluice::mirror {

namespace {

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

bool TokenCycle::repeats(const std::string& token) {
  if (token == kept_) return true;
  if (++steps_ == next_renewal_) {
    kept_ = token;
    next_renewal_ *= 2;
  }
  return false;
}

PageWalk::PageWalk(ListContext& context, std::string after)
    : context_(context), after_(std::move(after)) {}

async::Task<Result<ListPage>> PageWalk::next() {
  if (no_progress_) co_return *no_progress_;
  begun_ = true;
  const std::function<async::Task<Result<ListPage>>()> attempt = [this]() {
    store::ListRequest request;
    request.prefix = context_.prefix;
    if (token_.empty()) request.start_after = after_;
    request.token = token_;
    return context_.store.list(std::move(request));
  };
  auto page = co_await transfer::with_retry<ListPage>(
      context_.runtime, context_.retry, context_.listener, attempt, context_.concurrency);
  if (page) follow(*page);
  co_return page;
}

void PageWalk::follow(const ListPage& page) {
  more_ = page.truncated;
  if (!more_) return;
  without_progress_ = page.objects.empty() ? without_progress_ + 1 : 0;
  if (without_progress_ >= kMaxPagesWithoutProgress)
    no_progress_ = no_progress(std::to_string(without_progress_) + " pages brought no key");
  else if (cycle_.repeats(page.next_token))
    no_progress_ = no_progress("a continuation token came again");
  token_ = page.next_token;
}

async::Task<Result<bool>> list_range(ListContext& context, const KeyRange& range,
                                     const PageSink& sink) {
  PageWalk walk(context, range.after());
  while (walk.has_more()) {
    auto page = co_await walk.next();
    if (!page) co_return page.error();
    const bool beyond = !range.after().empty() || range.last() ? cut_to_range(*page, range) : false;
    const bool go_on = co_await sink(*page);
    if (!go_on) co_return false;
    if (beyond) break;
  }
  co_return true;
}

}  // namespace sluice::mirror
