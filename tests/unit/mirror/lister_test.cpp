#include "mirror/lister.hpp"

#include "fake_bucket.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace sluice::mirror {
namespace {

class Silent final : public transfer::RetryListener {
 public:
  void on_retry(const Error&, unsigned, std::chrono::milliseconds) override { ++retries; }
  int retries = 0;
};

struct Listed {
  Result<bool> result = false;
  std::vector<std::string> keys;
  int retries = 0;
};

async::Task<bool> ready(bool value) {
  co_return value;
}

Listed list(store::ObjectStore& store, async::Runtime& runtime, const KeyRange& range,
            std::string prefix = "", std::size_t stop_after = ~std::size_t{0}) {
  Listed listed;
  Silent listener;
  const transfer::RetryPolicy retry;
  ListContext context{runtime, store, retry, listener, std::move(prefix)};
  const PageSink sink = [&](ListPage& page) {
    for (const auto& object : page.objects)
      listed.keys.emplace_back(object.key);
    return ready(listed.keys.size() < stop_after);
  };
  runtime.run(
      [&]() -> async::Task<void> { listed.result = co_await list_range(context, range, sink); });
  listed.retries = listener.retries;
  return listed;
}

/// Answers with prepared pages.
class ScriptedStore final : public store::ObjectStore {
 public:
  std::deque<Result<ListPage>> pages;
  std::vector<store::ListRequest> requests;

  async::Task<Result<ListPage>> list(store::ListRequest request) override {
    requests.push_back(request);
    if (pages.empty()) {
      ListPage page;
      page.truncated = true;
      page.next_token = request.token == "a" ? "b" : "a";
      co_return page;
    }
    auto page = std::move(pages.front());
    pages.pop_front();
    co_return page;
  }
  async::Task<Result<store::ObjectHead>> head(store::HeadRequest) override {
    co_return Error(ErrorKind::unsupported, "no");
  }
  async::Task<Result<store::ObjectHead>> get(store::GetRequest, store::BodySink&) override {
    co_return Error(ErrorKind::unsupported, "no");
  }
  async::Task<Result<bool>> is_gone(std::string) override {
    co_return Error(ErrorKind::unsupported, "no");
  }
};

TEST(Lister, FollowsPagesToTheEnd) {
  fake::Bucket bucket;
  for (int i = 1000; i < 1250; ++i)
    bucket.put("k" + std::to_string(i), "x");
  bucket.put("other", "x");
  bucket.set_page_keys(7);
  auto runtime = async::make_deterministic_runtime({.seed = 3});
  auto store = bucket.make_store(*runtime);
  const auto listed = list(*store, *runtime, KeyRange(), "k");
  ASSERT_TRUE(listed.result);
  EXPECT_TRUE(*listed.result);
  EXPECT_EQ(listed.keys.size(), 250u);
  EXPECT_EQ(bucket.count(fake::Bucket::Operation::list), 36u);
}

TEST(Lister, ARangeIsExclusiveInclusiveAndEndsEarly) {
  fake::Bucket bucket;
  for (char c = 'a'; c <= 'z'; ++c)
    bucket.put(std::string(1, c), "x");
  bucket.set_page_keys(4);
  auto runtime = async::make_deterministic_runtime({.seed = 3});
  auto store = bucket.make_store(*runtime);
  const auto listed = list(*store, *runtime, *KeyRange::make("c", "h"));
  ASSERT_TRUE(listed.result);
  EXPECT_TRUE(*listed.result);
  EXPECT_EQ(listed.keys, (std::vector<std::string>{"d", "e", "f", "g", "h"}));
  EXPECT_EQ(bucket.count(fake::Bucket::Operation::list), 2u);
}

TEST(Lister, TransientErrorsAreRetriedAndKeysComeOnce) {
  fake::Bucket bucket;
  for (int i = 1000; i < 1100; ++i)
    bucket.put("k" + std::to_string(i), "x");
  bucket.set_page_keys(10);
  int call = 0;
  bucket.set_faults([&call](fake::Bucket::Operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (++call % 2 == 0) fault.error = Error(ErrorKind::transient, "reset");
    return fault;
  });
  auto runtime = async::make_deterministic_runtime({.seed = 5});
  auto store = bucket.make_store(*runtime);
  const auto listed = list(*store, *runtime, KeyRange());
  ASSERT_TRUE(listed.result);
  EXPECT_EQ(listed.keys.size(), 100u);
  EXPECT_EQ(listed.retries, 9);
}

TEST(Lister, AFailedPageFailsTheListing) {
  fake::Bucket bucket;
  for (int i = 1000; i < 1100; ++i)
    bucket.put("k" + std::to_string(i), "x");
  bucket.set_page_keys(10);
  int call = 0;
  bucket.set_faults([&call](fake::Bucket::Operation, std::string_view) {
    fake::Bucket::Fault fault;
    if (++call >= 3) fault.error = Error(ErrorKind::denied, "no");
    return fault;
  });
  auto runtime = async::make_deterministic_runtime({.seed = 5});
  auto store = bucket.make_store(*runtime);
  const auto listed = list(*store, *runtime, KeyRange());
  ASSERT_FALSE(listed.result);
  EXPECT_EQ(listed.keys.size(), 20u);
}

TEST(Lister, AStoppedListingIsNotComplete) {
  fake::Bucket bucket;
  for (int i = 0; i < 100; ++i)
    bucket.put("k" + std::to_string(i), "x");
  bucket.set_page_keys(10);
  auto runtime = async::make_deterministic_runtime({.seed = 5});
  auto store = bucket.make_store(*runtime);
  const auto listed = list(*store, *runtime, KeyRange(), "", 30);
  ASSERT_TRUE(listed.result);
  EXPECT_FALSE(*listed.result);
}

TEST(Lister, EmptyPagesAreFollowedButTokensMayNotGoRoundInCircles) {
  auto runtime = async::make_deterministic_runtime({.seed = 5});
  ScriptedStore store;
  const auto listed = list(store, *runtime, KeyRange());
  ASSERT_FALSE(listed.result);
  const Error error = listed.result.error();
  EXPECT_EQ(error.kind, ErrorKind::invalid_answer);
  EXPECT_LE(store.requests.size(), 8u);
}

}  // namespace
}  // namespace sluice::mirror
