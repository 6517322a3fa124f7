#include "conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace sluice::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using List = Conformance;
SLUICE_ON_ALL_REMOTES(List);

std::vector<std::string> keys_of(const ListPage& page) {
  std::vector<std::string> keys;
  for (const ListedObject& object : page.objects)
    keys.emplace_back(object.key);
  return keys;
}

store::ListRequest with_prefix(std::string prefix) {
  store::ListRequest request;
  request.prefix = std::move(prefix);
  return request;
}

TEST_P(List, AnEmptyBucketIsOneEmptyPage) {
  const auto page = list({});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->objects, IsEmpty());
  EXPECT_FALSE(page->truncated);
  EXPECT_EQ(page->next_token, "");
}

TEST_P(List, APrefixWithoutKeysIsOneEmptyPage) {
  remote_->put("a", {"1"});
  const auto page = list(with_prefix("b/"));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->objects, IsEmpty());
  EXPECT_FALSE(page->truncated);
}

TEST_P(List, OfAMissingBucketFails) {
  remote_->remove_bucket();
  const auto page = list({});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::missing_bucket) << page.error().message;
}

TEST_P(List, SaysOfEachObjectWhatIsKnown) {
  remote_->put("plain", {"hello", 1'700'000'001'234});
  remote_->put("weak", {"hello", 1'700'000'002'000, /*is_weak=*/true});
  Put archived{"x"};
  archived.is_archived = true;
  remote_->put("archived", archived);
  Put checked{"y"};
  checked.has_crc32c = true;
  remote_->put("checked", checked);
  const auto page = list({});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_THAT(keys_of(*page), ElementsAre("archived", "checked", "plain", "weak"));
  EXPECT_EQ(page->objects[0].storage, StorageClass::archived);
  EXPECT_FALSE(page->objects[0].has_checksum);
  EXPECT_TRUE(page->objects[1].has_checksum);
  EXPECT_TRUE(page->objects[1].full_object_checksum);
  const ListedObject& plain = page->objects[2];
  EXPECT_EQ(plain.etag, "5d41402abc4b2a76b9719d911017c592") << "without its quotes";
  EXPECT_EQ(plain.size, 5u);
  EXPECT_EQ(plain.modified_ms, 1'700'000'001'234);
  EXPECT_EQ(plain.storage, StorageClass::readable);
  EXPECT_EQ(page->objects[3].etag, "") << "a weak ETag counts as none";
}

TEST_P(List, PagesFollowEachOtherByToken) {
  std::vector<std::string> expected;
  for (int i = 100; i < 125; ++i)
    expected.push_back("k/" + std::to_string(i));
  for (const std::string& key : expected)
    remote_->put(key, {"x"});
  remote_->put("l", {"outside"});
  remote_->set_page_keys(10);
  std::vector<std::string> seen;
  std::vector<std::size_t> sizes;
  store::ListRequest request = with_prefix("k/");
  for (int pages = 0; pages < 9; ++pages) {
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().message;
    sizes.push_back(page->objects.size());
    for (std::string& key : keys_of(*page))
      seen.push_back(std::move(key));
    EXPECT_EQ(page->truncated, !page->next_token.empty());
    if (!page->truncated) break;
    request.token = page->next_token;
  }
  EXPECT_EQ(seen, expected);
  EXPECT_THAT(sizes, ElementsAre(10, 10, 5));
}

TEST_P(List, AFullLastPageIsTheLast) {
  for (const char* key : {"a", "b", "c", "d"})
    remote_->put(key, {"x"});
  remote_->set_page_keys(2);
  const auto first = list({});
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->truncated);
  store::ListRequest request;
  request.token = first->next_token;
  const auto second = list(request);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(keys_of(*second), ElementsAre("c", "d"));
  EXPECT_FALSE(second->truncated);
}

TEST_P(List, MaxKeysMakesPagesSmaller) {
  for (const char* key : {"a", "b", "c"})
    remote_->put(key, {"x"});
  store::ListRequest request;
  request.max_keys = 1;
  const auto page = list(request);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(keys_of(*page), ElementsAre("a"));
  EXPECT_TRUE(page->truncated);
}

TEST_P(List, StartAfterIsExclusiveAndNeedNotExist) {
  for (const char* key : {"a", "b", "b/1", "c"})
    remote_->put(key, {"x"});
  store::ListRequest request;
  request.start_after = "b";
  EXPECT_THAT(keys_of(list(request).value()), ElementsAre("b/1", "c"));
  request.start_after = "b/";
  EXPECT_THAT(keys_of(list(request).value()), ElementsAre("b/1", "c"));
  request.start_after = "zzz";
  EXPECT_THAT(keys_of(list(request).value()), IsEmpty());
}

TEST_P(List, StartAfterMayLieOutsideThePrefix) {
  for (const char* key : {"a", "p/1", "p/2", "q"})
    remote_->put(key, {"x"});
  store::ListRequest request = with_prefix("p/");
  request.start_after = "a";
  EXPECT_THAT(keys_of(list(request).value()), ElementsAre("p/1", "p/2"));
  request.start_after = "p/1";
  EXPECT_THAT(keys_of(list(request).value()), ElementsAre("p/2"));
  request.start_after = "q";
  EXPECT_THAT(keys_of(list(request).value()), IsEmpty());
}

TEST_P(List, APrefixIsNoFolder) {
  for (const char* key : {"log", "log/", "log/1", "logs", "lo"})
    remote_->put(key, {"x"});
  EXPECT_THAT(keys_of(list(with_prefix("log")).value()),
              ElementsAre("log", "log/", "log/1", "logs"));
  EXPECT_THAT(keys_of(list(with_prefix("log/")).value()), ElementsAre("log/", "log/1"));
}

TEST_P(List, ADelimiterGathersKeys) {
  for (const char* key : {"a/1", "a/2", "b", "c/d/1", "e"})
    remote_->put(key, {"x"});
  store::ListRequest request;
  request.delimiter = "/";
  auto page = list(request);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(keys_of(*page), ElementsAre("b", "e"));
  EXPECT_THAT(page->common_prefixes, ElementsAre("a/", "c/"));

  request.prefix = "c/";
  page = list(request);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->objects, IsEmpty());
  EXPECT_THAT(page->common_prefixes, ElementsAre("c/d/"));
}

TEST_P(List, CommonPrefixesCountForThePage) {
  for (const char* key : {"a/1", "a/2", "b", "c/1", "d"})
    remote_->put(key, {"x"});
  store::ListRequest request;
  request.delimiter = "/";
  request.max_keys = 2;
  const auto first = list(request);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(keys_of(*first), ElementsAre("b"));
  EXPECT_THAT(first->common_prefixes, ElementsAre("a/"));
  ASSERT_TRUE(first->truncated);
  request.token = first->next_token;
  const auto second = list(request);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(keys_of(*second), ElementsAre("d"));
  EXPECT_THAT(second->common_prefixes, ElementsAre("c/"));
  EXPECT_FALSE(second->truncated);
}

/// Keys that break clients which decode too often, too little, or not as bytes.
const std::vector<std::string>& odd_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out = {" ",
                                    "a b",
                                    "a+b",
                                    "a%2Fb",
                                    "a%20b",
                                    "a%",
                                    "tab\tkey",
                                    "quote\"",
                                    "apos'",
                                    "amp&lt;",
                                    "semi;c",
                                    "question?x",
                                    "hash#key",
                                    "line\nfeed",
                                    "cr\rlf",
                                    "at@colon:",
                                    "back\\slash",
                                    "star*",
                                    "ünïcödé",
                                    "😀",
                                    "//",
                                    "a//b",
                                    "./a",
                                    "../a",
                                    "a/",
                                    "\x01\x1f",
                                    "\x7f",
                                    "<key>",
                                    "not utf-8 \xff\xfe"};
    std::sort(out.begin(), out.end());
    return out;
  }();
  return keys;
}

TEST_P(List, OddKeysComeBackByteForByteAndInTheirOrder) {
  for (const std::string& key : odd_keys())
    remote_->put(key, {key});
  remote_->set_page_keys(7);
  std::vector<std::string> seen;
  store::ListRequest request;
  for (int pages = 0; pages < 9; ++pages) {
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().message;
    for (std::string& key : keys_of(*page))
      seen.push_back(std::move(key));
    if (!page->truncated) break;
    request.token = page->next_token;
  }
  EXPECT_EQ(seen, odd_keys());
}

TEST_P(List, OddKeysCanBeAskedFor) {
  for (const std::string& key : odd_keys())
    remote_->put(key, {"content of " + key});
  for (const std::string& key : odd_keys()) {
    store::ListRequest request;
    request.start_after = key;
    request.max_keys = 1;
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().message;
    const auto next = std::upper_bound(odd_keys().begin(), odd_keys().end(), key);
    EXPECT_EQ(keys_of(*page), next == odd_keys().end() ? std::vector<std::string>{}
                                                       : std::vector<std::string>{*next});

    KeepingSink sink;
    const auto got = get(wanted(key), sink);
    ASSERT_TRUE(got) << key << ": " << got.error().message;
    EXPECT_EQ(sink.body, "content of " + key);
    EXPECT_EQ(is_gone(key).value(), false) << key;
  }
}

TEST_P(List, KeysMayComeAndGoBetweenPages) {
  for (const char* key : {"a", "c", "e", "g"})
    remote_->put(key, {"x"});
  remote_->set_page_keys(2);
  const auto first = list({});
  ASSERT_TRUE(first) << first.error().message;
  remote_->remove("c");
  remote_->remove("e");
  remote_->put("b", {"before the page"});
  remote_->put("f", {"behind it"});
  store::ListRequest request;
  request.token = first->next_token;
  const auto second = list(request);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(keys_of(*second), ElementsAre("f", "g"));
}

TEST_P(List, APageMayBeMoved) {
  for (const char* key : {"k/1", "k/2"})
    remote_->put(key, {"x"});
  auto page = list({});
  ASSERT_TRUE(page) << page.error().message;
  const ListPage moved = *std::move(page);
  EXPECT_THAT(keys_of(moved), ElementsAre("k/1", "k/2"));
}

}  // namespace
}  // namespace sluice::conformance
