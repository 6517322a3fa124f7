#include "origin/directory_bucket.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/synthetic_bucket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace sluice::origin {
namespace {

using testing::ElementsAre;

std::vector<std::string> keys_from(Bucket& bucket, std::string_view from, std::size_t limit = 100) {
  std::vector<std::string> out;
  for (const ObjectInfo& info : bucket.list_from(from, limit))
    out.push_back(info.key);
  return out;
}

TEST(MemoryBucket, SortsByBytes) {
  MemoryBucket bucket;
  // U+FF5E sorts before U+10000 by bytes, after it by UTF-16 units.
  for (const char* const key : {"b", "\xF0\x90\x80\x80", "a/b", "\xEF\xBD\x9E", "a"}) {
    bucket.put(key, "x");
  }
  EXPECT_THAT(keys_from(bucket, ""),
              ElementsAre("a", "a/b", "b", "\xEF\xBD\x9E", "\xF0\x90\x80\x80"));
  EXPECT_THAT(keys_from(bucket, "a/", 2), ElementsAre("a/b", "b"));
}

TEST(MemoryBucket, RemembersEveryVersion) {
  MemoryBucket bucket;
  bucket.put("k", "one", 1000);
  bucket.put("k", "two", 2000);
  EXPECT_TRUE(bucket.remove("k"));
  EXPECT_FALSE(bucket.remove("k"));
  EXPECT_FALSE(bucket.find("k"));
  EXPECT_TRUE(bucket.was_ever("k", "one"));
  EXPECT_TRUE(bucket.was_ever("k", "two"));
  EXPECT_FALSE(bucket.was_ever("k", "three"));
  EXPECT_FALSE(bucket.was_ever("other", "one"));
  const auto versions = bucket.versions("k");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].info.modified_ms, 1000);
  EXPECT_EQ(read_all(*versions[1].content), "two");
  EXPECT_EQ(bucket.size(), 0u);
}

TEST(MemoryBucket, EtagsAndChecksums) {
  MemoryBucket bucket;
  bucket.put("plain", "hello");
  bucket.put("parts", "hello world", 0,
             {.checksum = ChecksumAlgorithm::crc32c,
              .checksum_type = ChecksumType::composite,
              .part_bytes = 4});
  bucket.put("given", "x", 0,
             {.etag = "W/odd", .checksum = ChecksumAlgorithm::sha1, .checksum_value = "wrong"});
  EXPECT_EQ(bucket.find("plain")->info.etag, "\"5d41402abc4b2a76b9719d911017c592\"");
  const ObjectInfo parts = bucket.find("parts")->info;
  EXPECT_TRUE(parts.etag.ends_with("-3\"")) << parts.etag;
  EXPECT_TRUE(parts.checksum->value.ends_with("-3")) << parts.checksum->value;
  EXPECT_EQ(bucket.find("given")->info.etag, "W/odd");
  EXPECT_EQ(bucket.find("given")->info.checksum->value, "wrong");
}

TEST(MemoryBucket, HoldsHugeObjects) {
  MemoryBucket bucket;
  bucket.put_generated("huge", std::uint64_t{5} << 30, 3, 0, {.etag = "\"opaque\""});
  EXPECT_EQ(bucket.list_from("", 1).at(0).size, std::uint64_t{5} << 30);
}

class DirectoryBucketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "origin-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  void write(const std::string& path, const std::string& bytes) {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << bytes;
  }

  std::filesystem::path root;
};

TEST_F(DirectoryBucketTest, ServesTheTree) {
  write("a/b", "one");
  write("a.txt", "two");
  write("a/c/d", "three");
  std::filesystem::create_directory(root / "empty");
  std::filesystem::create_symlink("/etc/passwd", root / "link");
  std::filesystem::create_directory_symlink("/etc", root / "dirlink");
  DirectoryBucket bucket(root);
  EXPECT_THAT(keys_from(bucket, ""), ElementsAre("a.txt", "a/b", "a/c/d"));
  EXPECT_EQ(read_all(*bucket.find("a/c/d")->content), "three");
  EXPECT_EQ(bucket.find("a/b")->info.etag, "\"f97c5d29941bfb1b2fdab0874906ab82\"");
  for (const char* const key : {"", "a", "a/", "a//b", "./a.txt", "a/../a.txt", "../x", "/a.txt",
                                "link", "dirlink/passwd", "nothing", "a.txt/x"}) {
    EXPECT_FALSE(bucket.find(key)) << key;
  }
  EXPECT_FALSE(bucket.find(std::string_view("a.txt\0b", 7)));
}

TEST_F(DirectoryBucketTest, SeesChangesAtTheNextListing) {
  write("a", "one");
  DirectoryBucket bucket(root);
  const std::string before = bucket.list_from("", 10).at(0).etag;
  write("b", "new");
  write("a.new", "two");
  std::filesystem::rename(root / "a.new", root / "a");
  EXPECT_EQ(read_all(*bucket.find("a")->content), "two");
  bucket.refresh();
  const auto after = bucket.list_from("", 10);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_NE(after[0].etag, before);
}

TEST_F(DirectoryBucketTest, AVanishedFileEndsNoListing) {
  for (const char* const key : {"a", "b", "c"})
    write(key, key);
  DirectoryBucket bucket(root);
  std::filesystem::remove(root / "a");
  std::filesystem::remove(root / "b");
  EXPECT_THAT(keys_from(bucket, "", 2), ElementsAre("c"));
  EXPECT_THAT(keys_from(bucket, "d", 2), ElementsAre());
}

TEST_F(DirectoryBucketTest, AnswersEndWhereAShrunkFileEnds) {
  write("a", std::string(100'000, 'x'));
  DirectoryBucket bucket(root);
  const auto object = bucket.find("a");
  std::filesystem::resize_file(root / "a", 10);
  char bytes[100];
  EXPECT_EQ(object->content->read(0, bytes, 100), 10u);
}

TEST(DirectoryBucket, MissingRoot) {
  EXPECT_THROW(DirectoryBucket("/nonexistent-directory"), std::system_error);
}

class SyntheticBucketTest : public testing::TestWithParam<const char*> {};

TEST_P(SyntheticBucketTest, IsSortedUniqueAndSearchable) {
  SyntheticBucket bucket(parse_synthetic_spec(std::string(GetParam()) + ":20000:0-3K"));
  std::string last;
  for (std::uint64_t i = 0; i < bucket.count(); ++i) {
    const std::string key = bucket.key_at(i);
    ASSERT_LT(last, key) << i;
    last = key;
  }
  const std::string key = bucket.key_at(12'345);
  EXPECT_EQ(keys_from(bucket, key, 1).at(0), key);
  EXPECT_EQ(keys_from(bucket, key + '\0', 1).at(0), bucket.key_at(12'346));
  EXPECT_FALSE(bucket.find(key + "x"));
  const auto object = bucket.find(key);
  ASSERT_TRUE(object);
  EXPECT_LE(object->info.size, 3u * 1024);
  EXPECT_EQ(object->info.etag, bucket.list_from(key, 1).at(0).etag);
  EXPECT_EQ(object->info.etag, md5_etag(*object->content));
  EXPECT_EQ(object->info.size, read_all(*object->content).size());
}

INSTANTIATE_TEST_SUITE_P(KeySets, SyntheticBucketTest,
                         testing::Values("uniform-hex", "date-tree", "counter", "cjk"));

TEST(SyntheticBucket, ListsAMillionKeysWithoutStoringThem) {
  SyntheticBucket bucket(parse_synthetic_spec("uniform-hex:1000000:1M:opaque"));
  std::size_t count = 0;
  std::string from;
  while (true) {
    const auto page = bucket.list_from(from, 1000);
    if (page.empty()) break;
    count += page.size();
    from = page.back().key + '\0';
  }
  EXPECT_EQ(count, 1'000'000u);
}

TEST(SyntheticBucket, Specs) {
  const SyntheticSpec spec = parse_synthetic_spec("date-tree:5K:1K-16M:opaque");
  EXPECT_EQ(spec.keys, KeySet::date_tree);
  EXPECT_EQ(spec.count, 5120u);
  EXPECT_EQ(spec.size_min, 1024u);
  EXPECT_EQ(spec.size_max, 16u << 20);
  EXPECT_FALSE(spec.md5_etags);
  for (const char* const bad : {"", "counter", "what:5", "counter:x", "counter:5:9T",
                                "counter:5:2-1", "counter:5:1:md5", "counter:5:1:opaque:1"}) {
    EXPECT_THROW(parse_synthetic_spec(bad), std::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace sluice::origin
