#include "conformance.hpp"

#include <gmock/gmock.h>

namespace sluice::conformance {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using Get = Conformance;
SLUICE_ON_ALL_REMOTES(Get);
using Head = Conformance;
SLUICE_ON_ALL_REMOTES(Head);
using IsGone = Conformance;
SLUICE_ON_ALL_REMOTES(IsGone);

constexpr std::int64_t kTime = 1'700'000'000'000;

/// Longer than any buffer on the way.
std::string long_content() {
  std::string content;
  for (int i = 0; content.size() < 700'000; ++i)
    content += std::to_string(i) + ',';
  return content;
}

Put with_checksum(std::string content) {
  Put put{std::move(content)};
  put.has_crc32c = true;
  return put;
}

// ---- get

TEST_P(Get, TheWholeObject) {
  const std::string content = long_content();
  remote_->put("k", {content, kTime + 5'678});
  KeepingSink sink;
  const auto head = get(wanted("k"), sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_TRUE(sink.body == content);
  EXPECT_FALSE(sink.bytes_before_begin);
  ASSERT_THAT(sink.heads, SizeIs(1));
  EXPECT_EQ(sink.heads[0].version, head->version);
  EXPECT_EQ(head->version.size, content.size());
  EXPECT_EQ(head->version.etag, wanted("k").version.etag);
  EXPECT_EQ(head->version.modified_ms, kTime + 5'000) << "HTTP dates have whole seconds";
  EXPECT_FALSE(head->opaque_etag);
}

TEST_P(Get, AnEmptyObjectBeginsAndHasNoBytes) {
  remote_->put("k", {""});
  KeepingSink sink;
  const auto head = get(wanted("k"), sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(sink.body, "");
  EXPECT_THAT(sink.heads, SizeIs(1));
  EXPECT_EQ(head->version.size, 0u);
}

TEST_P(Get, Ranges) {
  const std::string content = long_content();
  remote_->put("k", {content});
  const std::uint64_t size = content.size();
  for (const auto& [offset, length] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 1}, {0, size}, {1, 300'000}, {size - 1, 1}, {100'000, size - 100'000}}) {
    store::GetRequest request = wanted("k");
    request.range = ByteRange::make(offset, length);
    KeepingSink sink;
    const auto head = get(request, sink);
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_TRUE(sink.body == content.substr(offset, length)) << offset << '+' << length;
    EXPECT_EQ(head->version.size, size) << "of the whole object";
  }
}

TEST_P(Get, ARangeBeyondTheEndIsNeverASuccess) {
  remote_->put("k", {"0123456789"});
  for (const auto& [offset, length] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{5, 6}, {10, 1}, {1'000, 5}}) {
    store::GetRequest request = wanted("k");
    request.range = ByteRange::make(offset, length);
    KeepingSink sink;
    const auto head = get(request, sink);
    ASSERT_FALSE(head) << offset;
    EXPECT_EQ(head.error().kind, offset < 10 ? ErrorKind::invalid_answer : ErrorKind::changed)
        << head.error().message;
    EXPECT_THAT(sink.heads, IsEmpty());
  }
}

TEST_P(Get, AnotherVersionIsChanged) {
  remote_->put("k", {"before", kTime});
  const store::GetRequest request = wanted("k");
  for (const char* content : {"after!", "longer than before", ""}) {
    remote_->put("k", {content, kTime});
    KeepingSink sink;
    const auto head = get(request, sink);
    ASSERT_FALSE(head) << content;
    EXPECT_EQ(head.error().kind, ErrorKind::changed) << head.error().message;
    EXPECT_THAT(sink.heads, IsEmpty()) << "nothing of the wrong version is shown";
    EXPECT_EQ(sink.body, "");
  }
}

TEST_P(Get, ARangeOfAnotherVersionIsChanged) {
  remote_->put("k", {"0123456789", kTime});
  store::GetRequest request = wanted("k");
  request.range = ByteRange::make(2, 3);
  remote_->put("k", {"abcdefghij", kTime});
  KeepingSink sink;
  const auto head = get(request, sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::changed) << head.error().message;
  EXPECT_EQ(sink.body, "");
}

TEST_P(Get, TheSameContentWithANewerTimeIsTheSameVersion) {
  remote_->put("k", {"same", kTime});
  const store::GetRequest request = wanted("k");
  remote_->put("k", {"same", kTime + 60'000});
  KeepingSink sink;
  const auto head = get(request, sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(sink.body, "same");
  EXPECT_EQ(head->version.modified_ms, kTime + 60'000);
}

TEST_P(Get, WithoutAStrongETagTheTimeIsTheVersion) {
  remote_->put("k", {"before", kTime + 250, /*is_weak=*/true});
  const store::GetRequest request = wanted("k");
  ASSERT_EQ(request.version.etag, "");
  KeepingSink sink;
  const auto head = get(request, sink);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->version.etag, "");
  EXPECT_EQ(sink.body, "before");

  remote_->put("k", {"after!", kTime + 60'000, /*is_weak=*/true});
  KeepingSink other;
  const auto changed = get(request, other);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind, ErrorKind::changed) << changed.error().message;
  EXPECT_EQ(other.body, "");
}

TEST_P(Get, OfAMissingKeyFails) {
  remote_->put("k", {"x"});
  store::GetRequest request = wanted("k");
  remote_->remove("k");
  KeepingSink sink;
  const auto head = get(request, sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::missing_key) << head.error().message;
  EXPECT_EQ(head.error().code, "NoSuchKey");
  EXPECT_EQ(head.error().http_status, 404);
  EXPECT_THAT(sink.heads, IsEmpty());
}

TEST_P(Get, OfAMissingBucketFails) {
  remote_->put("k", {"x"});
  remote_->remove_bucket();
  store::GetRequest request;
  request.key = "k";
  request.version.size = 1;
  KeepingSink sink;
  const auto head = get(request, sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::missing_bucket) << head.error().message;
  EXPECT_EQ(head.error().code, "NoSuchBucket");
}

TEST_P(Get, OfAnArchivedObjectFails) {
  Put put{"x"};
  put.is_archived = true;
  remote_->put("k", put);
  KeepingSink sink;
  const auto head = get(wanted("k"), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::archived) << head.error().message;
  EXPECT_THAT(sink.heads, IsEmpty());
}

TEST_P(Get, AnErrorOfTheSinkAtTheBeginningIsTheResult) {
  remote_->put("k", {long_content()});
  KeepingSink sink;
  sink.failure_at_begin = Error(ErrorKind::local, "no room");
  const auto head = get(wanted("k"), sink);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind, ErrorKind::local);
  EXPECT_EQ(head.error().message, "no room");
  EXPECT_EQ(sink.body, "");
}

TEST_P(Get, AnErrorOfTheSinkInTheMiddleIsTheResult) {
  const std::string content = long_content();
  remote_->put("k", {content});
  for (const std::size_t after : {std::size_t{1}, std::size_t{300'000}, content.size()}) {
    KeepingSink sink;
    sink.failure_after = after;
    const auto head = get(wanted("k"), sink);
    ASSERT_FALSE(head) << after;
    EXPECT_EQ(head.error().kind, ErrorKind::local);
    EXPECT_EQ(head.error().message, "the disk is full");
    EXPECT_TRUE(content.starts_with(sink.body)) << "a correct beginning";
  }
}

TEST_P(Get, AChecksumComesWhenAskedForAndOnlyWithTheWhole) {
  remote_->put("k", with_checksum("hello"));
  store::GetRequest request = wanted("k");
  KeepingSink sink;
  EXPECT_THAT(get(request, sink).value().checksums, IsEmpty());

  request.want_checksum = true;
  const auto whole = get(request, sink);
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_THAT(whole->checksums, SizeIs(1));
  EXPECT_EQ(whole->checksums[0].digest.kind, DigestKind::crc32c);
  EXPECT_EQ(whole->checksums[0].digest.bytes, "\x9a\x71\xbb\x4c");
  EXPECT_TRUE(whole->checksums[0].full_object);

  request.range = ByteRange::make(1, 2);
  EXPECT_THAT(get(request, sink).value().checksums, IsEmpty());
}

TEST_P(Get, AnEncryptedObjectHasAnOpaqueETag) {
  Put put{"hello"};
  put.is_encrypted = true;
  remote_->put("k", put);
  KeepingSink sink;
  const auto got = get(wanted("k"), sink);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(got->opaque_etag);
  EXPECT_TRUE(head("k").value().opaque_etag);
}

TEST_P(Get, ManyAtOnceOnOneStore) {
  constexpr int kMany = 40;
  std::vector<store::GetRequest> requests;
  for (int i = 0; i < kMany; ++i) {
    const std::string key = "k" + std::to_string(100 + i);
    remote_->put(key, {std::string(static_cast<std::size_t>(i) * 5'000, 'x') + key});
    requests.push_back(wanted(key));
  }
  std::vector<KeepingSink> sinks(kMany);
  const auto one = [](store::ObjectStore& store, store::GetRequest& request, KeepingSink& sink,
                      int& succeeded) -> async::Task<void> {
    const auto head = co_await store.get(request, sink);
    if (head) ++succeeded;
  };
  const auto succeeded = call<int>([&](store::ObjectStore& store) -> async::Task<Result<int>> {
    int count = 0;
    std::vector<async::Task<void>> tasks;
    for (std::size_t i = 0; i < kMany; ++i)
      tasks.push_back(one(store, requests[i], sinks[i], count));
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await async::run_all(executor, std::move(tasks));
    co_return count;
  });
  EXPECT_EQ(succeeded.value(), kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(sinks[i].body.size(), i * 5'000 + 4);
    EXPECT_TRUE(sinks[i].body.ends_with(requests[i].key));
  }
}

// ---- head

TEST_P(Head, TellsTheVersion) {
  remote_->put("k", {"hello", kTime + 1'500});
  const auto found = head("k");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->version.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(found->version.size, 5u);
  EXPECT_EQ(found->version.modified_ms, kTime + 1'000) << "HTTP dates have whole seconds";
  EXPECT_FALSE(found->opaque_etag);
}

TEST_P(Head, OfAnEmptyObject) {
  remote_->put("k", {""});
  const auto found = head("k");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->version.size, 0u);
}

TEST_P(Head, OfAMissingKeyFails) {
  const auto found = head("k");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::missing_key) << found.error().message;
}

TEST_P(Head, AChecksumComesWhenAskedFor) {
  remote_->put("k", with_checksum("hello"));
  EXPECT_THAT(head("k").value().checksums, IsEmpty());
  const auto found = head("k", true);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(found->checksums, SizeIs(1));
  EXPECT_EQ(found->checksums[0].digest.bytes, "\x9a\x71\xbb\x4c");
}

TEST_P(Head, TellsThePartsOfAnUpload) {
  remote_->put("k", {.content = "hello world!", .part_bytes = 5});
  remote_->put("whole", {"hello"});
  const auto part = [this](const std::string& key, std::uint32_t number) {
    store::HeadRequest request;
    request.key = key;
    request.part = number;
    return call<store::ObjectHead>([&](store::ObjectStore& store) { return store.head(request); });
  };
  for (const std::uint32_t number : {1u, 3u}) {
    const auto found = part("k", number);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->version.size, 12u);
    EXPECT_EQ(found->version.etag, head("k").value().version.etag);
    ASSERT_TRUE(found->part);
    EXPECT_EQ(found->part->count, 3u);
    EXPECT_EQ(found->part->bytes, number == 3 ? 2u : 5u);
  }
  EXPECT_EQ(part("k", 4).error().http_status, 416);
  EXPECT_FALSE(part("whole", 1).value().part) << "it was not uploaded in parts";
}

// ---- is_gone

TEST_P(IsGone, OnlyWhatWasRemoved) {
  remote_->put("stays", {"x"});
  remote_->put("empty", {""});
  remote_->put("goes", {"x"});
  Put archived{"x"};
  archived.is_archived = true;
  remote_->put("archived", archived);
  remote_->remove("goes");
  for (const auto& [key, gone] : std::vector<std::pair<std::string, bool>>{{"stays", false},
                                                                           {"empty", false},
                                                                           {"archived", false},
                                                                           {"goes", true},
                                                                           {"never was", true}}) {
    const auto answer = is_gone(key);
    ASSERT_TRUE(answer) << key << ": " << answer.error().message;
    EXPECT_EQ(*answer, gone) << key;
  }
}

TEST_P(IsGone, AMissingBucketProvesNothing) {
  remote_->put("k", {"x"});
  remote_->remove_bucket();
  const auto answer = is_gone("k");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::missing_bucket) << answer.error().message;
}

}  // namespace
}  // namespace sluice::conformance
