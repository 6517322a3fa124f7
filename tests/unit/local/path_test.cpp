#include "local/path.hpp"

#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <string>

namespace sluice::local {
namespace {

using namespace std::string_view_literals;

std::string vectors_file(const std::string& name) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr || *folder == '\0') folder = std::getenv("SLUICE_TEST_DATA");
  return std::string(folder == nullptr ? "tests/data" : folder) + "/" + name;
}

/// The vectors call our own folder by a stand-in.
std::string with_reserved_name(std::string key) {
  constexpr std::string_view kStandIn = ".MIRRORSTATE";
  if (key.starts_with(kStandIn)) key.replace(0, kStandIn.size(), kReservedName);
  return key;
}

TEST(KeyPathVectors, EveryKeyMeetsItsVerdict) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.load(vectors_file("key-path-cases.json")).get(root), simdjson::SUCCESS);
  int written = 0, refused = 0, directories = 0;
  for (const auto one : root["single"].get_array()) {
    const std::string_view hex = one["key_hex"].get_string();
    const std::string key = with_reserved_name(text::from_hex(hex).value());
    const std::string_view verdict = one["verdict"].get_string();
    // A prefix changes nothing: what counts is the path below it.
    for (const auto prefix : {""sv, "some/prefix/"sv}) {
      if (!prefix.empty() && key.size() > 1000) continue;
      const auto path = RelativePath::from_key(std::string(prefix) + key, prefix);
      const std::string shown = text::escaped(key);
      if (verdict == "write") {
        ASSERT_TRUE(path) << shown << ": " << path.error().message;
        EXPECT_EQ(path->text(), key) << shown;
        EXPECT_FALSE(path->is_directory()) << shown;
        ++written;
      } else if (verdict == "directory-marker") {
        ASSERT_TRUE(path) << shown;
        EXPECT_EQ(path->text() + "/", key);
        EXPECT_TRUE(path->is_directory());
        ++directories;
      } else {
        ASSERT_FALSE(path) << shown;
        EXPECT_EQ(path.error().kind, ErrorKind::refused_key) << shown;
        EXPECT_FALSE(path.error().code.empty()) << shown;
        ++refused;
      }
    }
  }
  EXPECT_GE(written, 140);
  EXPECT_GE(refused, 40);
  EXPECT_GE(directories, 4);
}

std::string code_of(std::string_view key, std::string_view prefix = {}) {
  const auto path = RelativePath::from_key(key, prefix);
  return path ? "stored as " + path->text() : path.error().code;
}

TEST(RelativePath, NamesTheRuleThatRefuses) {
  EXPECT_EQ(code_of("a//b"), "empty-segment");
  EXPECT_EQ(code_of("/a"), "empty-segment");
  EXPECT_EQ(code_of("/"), "empty-segment");
  EXPECT_EQ(code_of("a//"), "empty-segment");
  EXPECT_EQ(code_of("a/../b"), "dot-segment");
  EXPECT_EQ(code_of("./"), "dot-segment");
  EXPECT_EQ(code_of("a/.."), "dot-segment");
  EXPECT_EQ(code_of("../"), "dot-segment");
  EXPECT_EQ(code_of("a\0b"sv), "nul");
  EXPECT_EQ(code_of("a/b\0"sv), "nul");
  EXPECT_EQ(code_of(""), "empty-name");
  EXPECT_EQ(code_of("p/", "p/"), "empty-name");
  EXPECT_EQ(code_of("p//", "p/"), "empty-segment");
  EXPECT_EQ(code_of("q/a", "p/"), "outside-prefix");
  EXPECT_EQ(code_of("p", "p/"), "outside-prefix");
  EXPECT_EQ(code_of(".sluice"), "reserved");
  EXPECT_EQ(code_of(".sluice/"), "reserved");
  EXPECT_EQ(code_of("p/.sluice/record.db", "p/"), "reserved");
}

TEST(RelativePath, OnlyTheRootsOwnFolderIsReserved) {
  EXPECT_EQ(code_of("a/.sluice"), "stored as a/.sluice");
  EXPECT_EQ(code_of(".sluice2/x"), "stored as .sluice2/x");
  EXPECT_EQ(code_of("sluice"), "stored as sluice");
  EXPECT_EQ(code_of(".sluice/x", ".sluice/"), "stored as x");
}

TEST(RelativePath, LimitsAreExact) {
  const std::string name(255, 'n');
  EXPECT_EQ(code_of(name), "stored as " + name);
  EXPECT_EQ(code_of(name + "n"), "name-too-long");
  EXPECT_EQ(code_of("a/" + name + "/b"), "stored as a/" + name + "/b");
  EXPECT_EQ(code_of("a/" + name + "n/b"), "name-too-long");
  EXPECT_EQ(code_of(name + "n/"), "name-too-long");
  std::string key;
  while (key.size() < 1024)
    key += "d/";
  key.back() = 'x';
  ASSERT_EQ(key.size(), 1024U);
  EXPECT_EQ(code_of(key), "stored as " + key);
  EXPECT_EQ(code_of(key + "x"), "key-too-long");
}

TEST(RelativePath, MessagesAreSafeToPrint) {
  const auto path = RelativePath::from_key("a\x1b[2J//b", "");
  ASSERT_FALSE(path);
  EXPECT_THAT(path.error().message, testing::HasSubstr("\"a\\x1b[2J//b\""));
  const auto huge = RelativePath::from_key(std::string(1 << 20, 'x'), "");
  ASSERT_FALSE(huge);
  EXPECT_LT(huge.error().message.size(), 4096U);
}

TEST(RelativePath, KnowsItsParts) {
  const auto deep = RelativePath::from_key("a/b/c", "").value();
  EXPECT_EQ(deep.parent(), "a/b");
  EXPECT_EQ(deep.name(), "c");
  const auto top = RelativePath::from_key("c/", "").value();
  EXPECT_EQ(top.parent(), "");
  EXPECT_EQ(top.name(), "c");
  EXPECT_TRUE(top.is_directory());
  EXPECT_NE(top, RelativePath::from_key("c", "").value());
}

TEST(RelativePath, NoTwoKeysShareAPath) {
  // Every key of up to five of these pieces: what is accepted is the key itself.
  const std::string_view pieces[] = {"a", "/", ".", "..", "\\", " "};
  for (std::size_t number = 0; number < 7 * 7 * 7 * 7 * 7; ++number) {
    std::string key;
    for (std::size_t rest = number; rest > 0; rest /= 7)
      if (rest % 7 > 0) key += pieces[rest % 7 - 1];
    const auto path = RelativePath::from_key(key, "");
    if (!path) continue;
    ASSERT_EQ(path->text() + (path->is_directory() ? "/" : ""), key);
  }
}

}  // namespace
}  // namespace sluice::local
