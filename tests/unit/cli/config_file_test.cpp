#include "config_file.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

std::vector<ConfigEntry> entries(std::string_view content) {
  auto parsed = parse_config("f.toml", content);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *std::move(parsed) : std::vector<ConfigEntry>{};
}

std::string mistake(std::string_view content) {
  const auto parsed = parse_config("f.toml", content);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().kind, ErrorKind::usage);
  return parsed.error().message;
}

std::vector<std::string> values(std::string_view value) {
  const auto parsed = entries("k = " + std::string(value) + "\n");
  return parsed.size() == 1 ? parsed[0].values : std::vector<std::string>{"(none)"};
}

using Values = std::vector<std::string>;

TEST(ConfigFile, ReadsEveryKindOfValue) {
  EXPECT_EQ(values("8"), Values{"8"});
  EXPECT_EQ(values("10_000"), Values{"10000"});
  EXPECT_EQ(values("true"), Values{"true"});
  EXPECT_EQ(values("\"8MiB\" # comment"), Values{"8MiB"});
  EXPECT_EQ(values("\"\""), Values{""});
  EXPECT_EQ(values(R"('C:\raw\"x"')"), Values{R"(C:\raw\"x")"});
  EXPECT_EQ(values(R"("a#b, [c] = \"d\" \\ \t \u00e9\U0001F600")"),
            Values{"a#b, [c] = \"d\" \\ \t \xc3\xa9\xf0\x9f\x98\x80"});
  EXPECT_EQ(values("[]"), Values{});
  EXPECT_EQ(values("[\"a,b\", 'c', 1, true,]"), (Values{"a,b", "c", "1", "true"}));
  EXPECT_EQ(values("[ # first\n  \"a\", # a\n\n  \"]\"\r\n]"), (Values{"a", "]"}));
}

TEST(ConfigFile, KeepsSectionsLinesAndOrder) {
  const auto parsed = entries(
      "\xEF\xBB\xBF# head\r\n\r\nb = 1\n\"a\"=2\n[ sync ] # x\n  delete = true\n[ls]\n c = 3");
  ASSERT_EQ(parsed.size(), 4U);
  EXPECT_EQ(parsed[0].name, "b");
  EXPECT_EQ(parsed[0].line, 3U);
  EXPECT_EQ(parsed[0].section, "");
  EXPECT_EQ(parsed[1].name, "a");
  EXPECT_EQ(parsed[2].section, "sync");
  EXPECT_EQ(parsed[2].line, 6U);
  EXPECT_EQ(parsed[3].section, "ls");
  EXPECT_TRUE(entries("").empty());
  EXPECT_TRUE(entries("# only").empty());
}

TEST(ConfigFile, NamesTheLineOfAMistake) {
  const std::string_view broken[] = {"k",
                                     "k =",
                                     "k = \n",
                                     "= 1",
                                     "k 1",
                                     "k = 8MiB",
                                     "k = -1",
                                     "k = 1.5",
                                     "k = \"a",
                                     "k = 'a\n'",
                                     "k = \"a\" b",
                                     "k = [1",
                                     "k = [1 2]",
                                     "k = [1,,2]",
                                     "k = {a = 1}",
                                     "[sync",
                                     "[[sync]]",
                                     "[]",
                                     "k = \"\\q\"",
                                     "k = \"\\u12\"",
                                     "k = \"\\ud800\"",
                                     "k = \"\"\"a\"\"\"",
                                     "a.b = 1",
                                     "k = 1 l = 2"};
  for (const std::string_view text : broken)
    EXPECT_TRUE(mistake("x = 1\n" + std::string(text)).starts_with("f.toml:2: the line ") ||
                mistake("x = 1\n" + std::string(text)).starts_with("f.toml:3: the line "))
        << text << " -> " << mistake("x = 1\n" + std::string(text));
  EXPECT_NE(mistake("k = 1\nk = 2\n").find("again, after line 1"), std::string::npos);
  EXPECT_EQ(mistake("k = 1\n[sync]\nk = 2\n"), "");
}

TEST(ConfigFile, SaysWhyItCannotBeRead) {
  const auto parsed = read_config("/nonexistent/site.toml");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message,
            "cannot read the config file /nonexistent/site.toml: No such file or directory");
  EXPECT_FALSE(read_config("/"));  // a folder
}

}  // namespace
}  // namespace sluice::cli
