#include "../crypto/vector_files.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice::aws {
namespace {

using Profiles = std::map<std::string, Settings>;

Profiles parsed(std::string_view text, ProfileFileKind kind = ProfileFileKind::config) {
  const Result<ProfileFile> file = parse_profile_file(text, kind, "file");
  EXPECT_TRUE(file) << file.error().message;
  return file ? file->profiles : Profiles();
}

std::string problem(std::string_view text, ProfileFileKind kind = ProfileFileKind::config) {
  const Result<ProfileFile> file = parse_profile_file(text, kind, "~/.aws/config");
  if (file) return "(none)";
  EXPECT_EQ(file.error().kind, ErrorKind::usage);
  return file.error().message;
}

TEST(ProfileFile, SectionsOfBothFiles) {
  EXPECT_EQ(parsed("[default]\na=1\n[profile dev]\nb = 2\n[dev]\nc=3\n"),
            (Profiles{{"default", {{"a", "1"}}}, {"dev", {{"b", "2"}}}}));
  EXPECT_EQ(
      parsed("[default]\na=1\n[profile dev]\nb = 2\n[dev]\nc=3\n", ProfileFileKind::credentials),
      (Profiles{{"default", {{"a", "1"}}}, {"dev", {{"c", "3"}}}}));
}

TEST(ProfileFile, PrefixedDefaultWinsAsAWhole) {
  const Profiles expected{{"default", {{"b", "2"}}}};
  EXPECT_EQ(parsed("[default]\na=1\n[profile default]\nb=2"), expected);
  EXPECT_EQ(parsed("[profile default]\nb=2\n[default]\na=1"), expected);
}

TEST(ProfileFile, Comments) {
  EXPECT_EQ(
      parsed("# c\n; c\n[default] # c\na = 1 # c\nb = 2;c\nc = 3#c\n  # indented\nd =  # c\n"),
      (Profiles{{"default", {{"a", "1"}, {"b", "2;c"}, {"c", "3#c"}, {"d", ""}}}}));
}

TEST(ProfileFile, ContinuationsAndNestedSettings) {
  const Profiles profiles =
      parsed("[default]\na = 1\n  2\n\n\t3\ns3 =\n  Addressing_Style = path # c\n\n  x=1\nb=4");
  EXPECT_EQ(profiles.at("default").at("a"), "1\n2\n3");
  EXPECT_EQ(profiles.at("default").at("b"), "4");
  EXPECT_EQ(nested_setting(profiles.at("default"), "s3", "addressing_style"), "path");
  EXPECT_EQ(nested_setting(profiles.at("default"), "s3", "x"), "1");
  EXPECT_EQ(nested_setting(profiles.at("default"), "s3", "y"), "");
  EXPECT_EQ(nested_setting(profiles.at("default"), "s4", "x"), "");
}

TEST(ProfileFile, FilesOfOtherEditors) {
  EXPECT_EQ(parsed("\xef\xbb\xbf[default]\r\na = 1\r\n"), (Profiles{{"default", {{"a", "1"}}}}));
  EXPECT_EQ(parsed("[profile \"dev\"]\nA_b=1"), (Profiles{{"dev", {{"a_b", "1"}}}}));
}

TEST(ProfileFile, SkippedSectionsTakeTheirSettingsAlong) {
  EXPECT_EQ(
      parsed("[plugins]\na=1\n b\n[profile dev]\nin valid = 2\n more\nb=3\n[profile x y]\nc=4"),
      (Profiles{{"dev", {{"b", "3"}}}}));
}

TEST(ProfileFile, OtherSectionsOfConfig) {
  const auto file = parse_profile_file(
      "[sso-session corp]\nsso_region = eu-west-1\n[services minio]\ns3 =\n  endpoint_url = "
      "http://h\n",
      ProfileFileKind::config, "file");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sso_sessions, (Profiles{{"corp", {{"sso_region", "eu-west-1"}}}}));
  EXPECT_EQ(nested_setting(file->services.at("minio"), "s3", "endpoint_url"), "http://h");
  EXPECT_TRUE(file->profiles.empty());
}

TEST(ProfileFile, ProblemsNameFileAndLineAndQuoteNothing) {
  EXPECT_EQ(problem("[default]\n\n# c\nsecret stuff"),
            "~/.aws/config line 4: Expected an '=' sign defining a property");
  EXPECT_EQ(problem("a=1"), "~/.aws/config line 1: Expected a profile definition");
  EXPECT_EQ(problem(" a"), "~/.aws/config line 1: Expected a profile definition");
  EXPECT_EQ(problem("[default"), "~/.aws/config line 1: Profile definition must end with ']'");
  EXPECT_EQ(problem("[default] x"), "~/.aws/config line 1: Profile definition must end with ']'");
  EXPECT_EQ(problem("[default]\n=1"), "~/.aws/config line 2: Property did not have a name");
  EXPECT_EQ(problem("[default]\n a"),
            "~/.aws/config line 2: Expected a property definition, found continuation");
  EXPECT_EQ(problem("[default]\ns3=\n a"),
            "~/.aws/config line 3: Expected an '=' sign defining a sub-property");
  EXPECT_EQ(problem("[default]\ns3=\n =a"),
            "~/.aws/config line 3: Sub-property did not have a name");
}

TEST(ProfileFile, EveryPrefixOfAFileParsesOrNamesALine) {
  const std::string text =
      "\xef\xbb\xbf# c\r\n[profile \"dev\"] ; c\r\na = 1 # c\r\n  2\r\ns3 =\r\n  x = y\r\n[x "
      "y]\nb==\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    for (const ProfileFileKind kind : {ProfileFileKind::config, ProfileFileKind::credentials}) {
      const auto file = parse_profile_file(std::string_view(text).substr(0, size), kind, "file");
      if (!file) {
        EXPECT_TRUE(file.error().message.starts_with("file line ")) << size;
      }
    }
  }
}

/// The cross-SDK cases, through the files of a home directory so that merging is seen too.
class ProfileFileVectors : public tests::SharedFiles {
 protected:
  static Profiles profiles_of(simdjson::dom::element object) {
    Profiles profiles;
    for (const auto& [name, settings] : simdjson::dom::object(object)) {
      Settings& own = profiles[std::string(name)];
      for (const auto& [key, value] : simdjson::dom::object(settings))
        own[std::string(key)] = std::string_view(value);
    }
    return profiles;
  }

  void check(simdjson::dom::element test) {
    std::string_view text;
    std::filesystem::remove(config());
    std::filesystem::remove(credentials());
    if (test["input"]["configFile"].get(text) == simdjson::SUCCESS) write_config(std::string(text));
    if (test["input"]["credentialsFile"].get(text) == simdjson::SUCCESS)
      write_credentials(std::string(text));
    const Result<SharedConfig> loaded = load();
    if (test["output"]["errorContaining"].get(text) == simdjson::SUCCESS) {
      ASSERT_FALSE(loaded);
      EXPECT_NE(loaded.error().message.find(text), std::string::npos) << loaded.error().message;
      return;
    }
    ASSERT_TRUE(loaded) << loaded.error().message;
    const simdjson::dom::element expected = test["output"]["config"];
    EXPECT_EQ(loaded->profiles, profiles_of(expected["profiles"]));
    simdjson::dom::element sessions;
    if (expected["sso_sessions"].get(sessions) == simdjson::SUCCESS) {
      EXPECT_EQ(loaded->sso_sessions, profiles_of(sessions));
    }
  }
};

TEST_F(ProfileFileVectors, CrossSdkCases) {
  const auto folder = sluice::tests::foreign_vectors("aws-profile-tests");
  if (!folder) GTEST_SKIP() << "SLUICE_VECTORS has no aws-profile-tests";
  simdjson::dom::parser parser;
  const simdjson::padded_string text(
      sluice::tests::read_file(*folder / "profile-parser-tests.json"));
  const simdjson::dom::element root = parser.parse(text);
  std::size_t seen = 0;
  for (simdjson::dom::element test : simdjson::dom::array(root["tests"])) {
    SCOPED_TRACE(std::string(std::string_view(test["name"])));
    check(test);
    ++seen;
  }
  EXPECT_EQ(seen, 65u);
}

}  // namespace
}  // namespace sluice::aws
