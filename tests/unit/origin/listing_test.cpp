#include "origin/listing.hpp"

#include "origin/memory_bucket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice::origin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::variant<ListPage, ListError> ask(Bucket& bucket, Query query, std::size_t page_size = 1000) {
  Route route;
  route.operation = Operation::list;
  route.bucket = "b";
  route.query = std::move(query);
  route.query.emplace("list-type", "2");
  ListOptions options;
  options.page_size = page_size;
  return list_page(bucket, route, options);
}

ListPage page_of(Bucket& bucket, Query query, std::size_t page_size = 1000) {
  return std::get<ListPage>(ask(bucket, std::move(query), page_size));
}

std::vector<std::string> keys_of(const ListPage& page) {
  std::vector<std::string> out;
  for (const ObjectInfo& info : page.objects)
    out.push_back(info.key);
  return out;
}

struct Listed {
  std::vector<std::string> keys;
  std::vector<std::string> prefixes;
  std::size_t pages = 0;
};

Listed list_all(Bucket& bucket, Query query, std::size_t page_size) {
  Listed all;
  while (true) {
    const ListPage page = page_of(bucket, query, page_size);
    ++all.pages;
    EXPECT_EQ(page.key_count, page.objects.size() + page.common_prefixes.size());
    EXPECT_LE(page.key_count, page_size);
    for (const ObjectInfo& info : page.objects)
      all.keys.push_back(info.key);
    for (const std::string& prefix : page.common_prefixes)
      all.prefixes.push_back(prefix);
    EXPECT_EQ(page.is_truncated.value(), page.next_token.has_value());
    if (!page.next_token) return all;
    query.insert_or_assign("continuation-token", *page.next_token);
  }
}

std::variant<ListPage, ListError> ask_v1(Bucket& bucket, Query query, Lists lists,
                                         std::size_t page_size = 2) {
  Route route;
  route.operation = Operation::list;
  route.bucket = "b";
  route.query = std::move(query);
  ListOptions options;
  options.page_size = page_size;
  options.lists = lists;
  return list_page(bucket, route, options);
}

TEST(Listing, Version1) {
  MemoryBucket bucket;
  for (const char* const key : {"a", "b/1", "b/2", "c", "d"})
    bucket.put(key, "");
  const auto page = [&bucket](Query query, Lists lists = Lists::version_1) {
    return std::get<ListPage>(ask_v1(bucket, std::move(query), lists));
  };
  EXPECT_THAT(keys_of(page({})), ElementsAre("a", "b/1"));
  EXPECT_FALSE(page({}).next_marker) << "only with a delimiter";
  EXPECT_THAT(to_xml(page({})), HasSubstr("<Marker></Marker>"));
  EXPECT_THAT(to_xml(page({})), testing::Not(HasSubstr("KeyCount")));
  EXPECT_THAT(keys_of(page({{"marker", "b/1"}})), ElementsAre("b/2", "c"));
  EXPECT_EQ(page({{"marker", "c"}}).is_truncated, false);

  const ListPage grouped = page({{"delimiter", "/"}});
  EXPECT_THAT(grouped.common_prefixes, ElementsAre("b/"));
  EXPECT_EQ(grouped.next_marker, "b/");
  EXPECT_THAT(keys_of(page({{"delimiter", "/"}, {"marker", "b/"}})), ElementsAre("c", "d"));

  const Query of_version_2 = {{"list-type", "2"}, {"start-after", "c"}};
  EXPECT_EQ(std::get<ListError>(ask_v1(bucket, of_version_2, Lists::version_1)).code,
            "NotImplemented");
  EXPECT_THAT(keys_of(page(of_version_2, Lists::version_1_whatever)), ElementsAre("a", "b/1"));
}

TEST(Listing, PagesAndPrefixes) {
  MemoryBucket bucket;
  for (const char* const key : {"a", "a/1", "a/2", "a0", "b/x/1", "b/x/2", "c"})
    bucket.put(key, "");
  EXPECT_THAT(list_all(bucket, {}, 2).keys,
              ElementsAre("a", "a/1", "a/2", "a0", "b/x/1", "b/x/2", "c"));
  EXPECT_EQ(list_all(bucket, {}, 2).pages, 4u);
  EXPECT_EQ(list_all(bucket, {}, 7).pages, 1u);
  EXPECT_THAT(list_all(bucket, {{"prefix", "a/"}}, 1).keys, ElementsAre("a/1", "a/2"));
  EXPECT_THAT(list_all(bucket, {{"start-after", "a/2"}}, 3).keys,
              ElementsAre("a0", "b/x/1", "b/x/2", "c"));
  EXPECT_THAT(list_all(bucket, {{"start-after", "a"}, {"prefix", "b"}}, 3).keys,
              ElementsAre("b/x/1", "b/x/2"));
  EXPECT_THAT(list_all(bucket, {{"start-after", "z"}, {"prefix", "b"}}, 3).keys, ElementsAre());
  const Listed folders = list_all(bucket, {{"delimiter", "/"}}, 1);
  EXPECT_THAT(folders.keys, ElementsAre("a", "a0", "c"));
  EXPECT_THAT(folders.prefixes, ElementsAre("a/", "b/"));
  EXPECT_THAT(list_all(bucket, {{"delimiter", "/"}, {"prefix", "b/"}}, 9).prefixes,
              ElementsAre("b/x/"));
}

// Against the plainest reading of the rules, over random buckets.
TEST(Listing, AgreesWithASimpleModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto word = [&random](std::size_t most) {
    std::string out;
    const std::size_t length = random() % (most + 1);
    const char letters[] = {'a', 'b', '/', '\x01', '\xff'};
    for (std::size_t i = 0; i < length; ++i)
      out += letters[random() % 5];
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    MemoryBucket bucket;
    std::set<std::string> keys;
    for (std::size_t i = random() % 40; i > 0; --i)
      keys.insert(word(5) + 'k');
    for (const std::string& key : keys)
      bucket.put(key, "", 1, {.etag = "\"e\""});
    Query query{{"prefix", word(2)}, {"start-after", word(3)}};
    if (random() % 2 == 0) query["delimiter"] = random() % 2 == 0 ? "/" : "a";
    Listed expected;
    for (const std::string& key : keys) {
      if (!key.starts_with(query["prefix"]) || key <= query["start-after"]) continue;
      const auto delimiter = query.find("delimiter");
      const std::size_t at = delimiter == query.end()
                                 ? std::string::npos
                                 : key.find(delimiter->second, query["prefix"].size());
      if (at == std::string::npos) {
        expected.keys.push_back(key);
      } else if (expected.prefixes.empty() || expected.prefixes.back() != key.substr(0, at + 1)) {
        expected.prefixes.push_back(key.substr(0, at + 1));
      }
    }
    const Listed listed = list_all(bucket, query, 1 + random() % 5);
    EXPECT_EQ(listed.keys, expected.keys);
    EXPECT_EQ(listed.prefixes, expected.prefixes);
  }
}

TEST(Listing, MaxKeys) {
  MemoryBucket bucket;
  for (int i = 0; i < 5; ++i)
    bucket.put(std::to_string(i), "");
  EXPECT_EQ(page_of(bucket, {{"max-keys", "2"}}).objects.size(), 2u);
  const ListPage none = page_of(bucket, {{"max-keys", "0"}});
  EXPECT_TRUE(none.objects.empty());
  EXPECT_FALSE(*none.is_truncated);
  EXPECT_EQ(page_of(bucket, {{"max-keys", "5000"}}).max_keys, 1000u);
  EXPECT_EQ(std::get<ListError>(ask(bucket, {{"max-keys", "x"}})).code, "InvalidArgument");
  EXPECT_EQ(std::get<ListError>(ask(bucket, {{"max-keys", "-1"}})).code, "InvalidArgument");
}

TEST(Listing, RefusesWhatItDoesNotKnow) {
  MemoryBucket bucket;
  EXPECT_EQ(std::get<ListError>(ask(bucket, {{"continuation-token", "abc"}})).code,
            "InvalidArgument");
  EXPECT_EQ(std::get<ListError>(ask(bucket, {{"encoding-type", "xml"}})).code, "InvalidArgument");
  EXPECT_EQ(std::get<ListError>(ask(bucket, {{"list-type", "1"}})).code, "NotImplemented");
}

TEST(Listing, KeysAddedBetweenPagesAppearIfTheyComeLater) {
  MemoryBucket bucket;
  for (const char* const key : {"b", "c", "d"})
    bucket.put(key, "");
  const ListPage first = page_of(bucket, {}, 2);
  EXPECT_THAT(keys_of(first), ElementsAre("b", "c"));
  bucket.put("a", "");
  bucket.put("c1", "");
  bucket.remove("d");
  EXPECT_THAT(keys_of(page_of(bucket, {{"continuation-token", *first.next_token}}, 2)),
              ElementsAre("c1"));
}

TEST(Listing, XmlAsS3WritesIt) {
  MemoryBucket bucket;
  bucket.put("a&b", "hello", 1'369'353'600'123,
             {.checksum = ChecksumAlgorithm::crc64nvme, .storage_class = "STANDARD_IA"});
  bucket.put("p/1", "");
  EXPECT_EQ(
      to_xml(page_of(bucket, {{"delimiter", "/"}})),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
      "<Prefix></Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter>"
      "<IsTruncated>false</IsTruncated><Contents><Key>a&amp;b</Key>"
      "<LastModified>2013-05-24T00:00:00.123Z</LastModified>"
      "<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>"
      "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
      "<Size>5</Size><StorageClass>STANDARD_IA</StorageClass></Contents>"
      "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>");
}

TEST(Listing, EncodingOnlyWhenAsked) {
  MemoryBucket bucket;
  bucket.put("a b\x01+", "");
  const std::string plain = to_xml(page_of(bucket, {}));
  EXPECT_THAT(plain, HasSubstr("<Key>a b&#x1;+</Key>"));
  EXPECT_THAT(plain, Not(HasSubstr("EncodingType")));
  const std::string url = to_xml(page_of(bucket, {{"encoding-type", "url"}, {"prefix", "a "}}));
  EXPECT_THAT(url, HasSubstr("<Key>a+b%01%2B</Key>"));
  EXPECT_THAT(url, HasSubstr("<Prefix>a+</Prefix>"));
  EXPECT_THAT(url, HasSubstr("<EncodingType>url</EncodingType>"));
}

}  // namespace
}  // namespace sluice::origin
