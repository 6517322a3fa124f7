#include "aws/profile_source.hpp"

#include "../crypto/vector_files.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>

namespace sluice::aws {
namespace {

SharedConfig config_of(std::map<std::string, Settings> profiles,
                       std::map<std::string, Settings> sso_sessions = {}) {
  SharedConfig config;
  config.profile = "A";
  config.config_path = "CONFIG";
  config.credentials_path = "CREDENTIALS";
  config.profiles = std::move(profiles);
  config.sso_sessions = std::move(sso_sessions);
  const auto found = config.profiles.find("A");
  config.profile_found = found != config.profiles.end();
  if (config.profile_found) config.settings = found->second;
  return config;
}

/// The chain in one line, from its base: "keys abc123, role ARN (session S, external E)".
std::string words_of(const ProfileSource& source) {
  std::string words;
  if (const auto* keys = std::get_if<StaticKeys>(&source.base))
    words = "keys " + keys->credentials.access_key + ' ' + keys->credentials.secret_key;
  if (const auto* program = std::get_if<ProgramSource>(&source.base))
    words = "program " + program->command_line;
  if (const auto* named = std::get_if<NamedSource>(&source.base))
    words = "named " + std::to_string(static_cast<int>(*named));
  if (const auto* identity = std::get_if<WebIdentitySource>(&source.base))
    words = "identity " + identity->token_file + ' ' + identity->role.arn + ' ' +
            identity->role.session_name;
  if (const auto* sso = std::get_if<SsoSource>(&source.base))
    words =
        "sso " + sso->start_url + ' ' + sso->region + ' ' + sso->account_id + ' ' + sso->role_name;
  for (const Role& role : source.roles) {
    words += ", role " + role.arn;
    if (!role.session_name.empty()) words += " session " + role.session_name;
    if (!role.external_id.empty()) words += " external " + role.external_id;
  }
  return words;
}

std::string found(const SharedConfig& config) {
  const auto source = profile_source(config);
  if (!source) return "error: " + source.error().message;
  return *source ? words_of(**source) : "(nothing)";
}

// ---- the vectors of the AWS SDK for Rust ----------------------------------------------------

std::map<std::string, Settings> sections(simdjson::dom::element element) {
  std::map<std::string, Settings> out;
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return out;
  for (const auto& [name, settings] : object) {
    Settings& section = out[std::string(name)];
    for (const auto& [key, value] : simdjson::dom::object(settings))
      section[std::string(key)] = std::string_view(value);
  }
  return out;
}

std::string text_at(simdjson::dom::element element, const char* name) {
  std::string_view text;
  return element[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::string expected_link(std::string_view kind, simdjson::dom::element link) {
  if (kind == "AccessKey")
    return "keys " + text_at(link, "access_key_id") + ' ' + text_at(link, "secret_access_key");
  if (kind == "NamedSource") return "named 1";  // the only one there is: Ec2InstanceMetadata
  if (kind == "WebIdentityToken")
    return "identity " + text_at(link, "web_identity_token_file") + ' ' +
           text_at(link, "role_arn") + ' ' + text_at(link, "role_session_name");
  if (kind == "Sso")
    return "sso " + text_at(link, "sso_start_url") + ' ' + text_at(link, "sso_region") + ' ' +
           text_at(link, "sso_account_id") + ' ' + text_at(link, "sso_role_name");
  std::string words = ", role " + text_at(link, "role_arn");
  const std::string session = text_at(link, "role_session_name");
  const std::string external = text_at(link, "external_id");
  if (!session.empty()) words += " session " + session;
  if (!external.empty()) words += " external " + external;
  return words;
}

/// Where we differ on purpose.
const std::map<std::string, std::string> kOtherwise = {
    {"profile only contains configuration", "the next source of the chain is asked"},
    {"missing root profile (should never happen in practice)", "likewise"},
    {"SSO token profile selected", "S3 takes no bearer tokens, only keys: refused"},
};

TEST(ProfileSource, CasesOfTheSdkForRust) {
  const auto path = sluice::tests::foreign_vectors("aws-config-chain/assume-role-tests.json");
  if (!path) GTEST_SKIP() << "SLUICE_VECTORS has no aws-config-chain";
  simdjson::dom::parser parser;
  const simdjson::padded_string text(sluice::tests::read_file(*path));
  std::size_t cases = 0;
  for (const simdjson::dom::element element : simdjson::dom::array(parser.parse(text))) {
    const std::string docs = text_at(element, "docs");
    SCOPED_TRACE(docs);
    ++cases;
    std::map<std::string, Settings> sessions;
    simdjson::dom::element given;
    if (element["input"]["sso_sessions"].get(given) == simdjson::SUCCESS)
      sessions = sections(given);
    const std::string words =
        found(config_of(sections(element["input"]["profiles"].value()), std::move(sessions)));
    simdjson::dom::array chain;
    if (kOtherwise.contains(docs)) {
      EXPECT_TRUE(words == "(nothing)" || words.starts_with("error: ")) << words;
    } else if (element["output"]["ProfileChain"].get(chain) == simdjson::SUCCESS) {
      std::string expected;
      for (const simdjson::dom::object link : chain)
        for (const auto& [kind, value] : link)
          expected += expected_link(kind, value);
      EXPECT_EQ(words, expected);
    } else {
      EXPECT_TRUE(words.starts_with("error: profile ")) << words;
    }
  }
  EXPECT_EQ(cases, 28u);
}

// ---- ours -----------------------------------------------------------------------------------

struct Row {
  const char* what;
  std::map<std::string, Settings> profiles;
  std::string expected;  ///< all of it, or with "error: " a part of it
};

const Settings kKeys = {{"aws_access_key_id", "K"}, {"aws_secret_access_key", "s"}};

Settings with(Settings a, const Settings& b) {
  a.insert(b.begin(), b.end());
  return a;
}

TEST(ProfileSource, Table) {
  const Settings role = {{"role_arn", "R"}, {"source_profile", "B"}};
  const Settings by_instance = {{"role_arn", "R"}, {"credential_source", "Ec2InstanceMetadata"}};
  const Settings identity = {{"role_arn", "R"}, {"web_identity_token_file", "F"}};
  const Settings sso = {
      {"sso_start_url", "U"}, {"sso_region", "r"}, {"sso_account_id", "1"}, {"sso_role_name", "N"}};
  const Settings program = {{"credential_process", "P"}};
  const Row rows[] = {
      {"no such profile", {{"B", kKeys}}, "(nothing)"},
      {"only a region", {{"A", {{"region", "r"}}}}, "(nothing)"},
      {"keys", {{"A", kKeys}}, "keys K s"},
      {"keys win over a program", {{"A", with(kKeys, program)}}, "keys K s"},
      {"sso wins over keys", {{"A", with(kKeys, sso)}}, "sso U r 1 N"},
      {"an identity wins over sso", {{"A", with(identity, sso)}}, "identity F R "},
      {"an identity wins over a source",
       {{"A", with(identity, role)}, {"B", kKeys}},
       "identity F R "},
      {"a program", {{"A", program}}, "program P"},
      {"a role with a program", {{"A", role}, {"B", program}}, "program P, role R"},
      {"a role with sso", {{"A", role}, {"B", sso}}, "sso U r 1 N, role R"},
      {"a role by the instance", {{"A", by_instance}}, "named 1, role R"},
      {"two roles by the instance",
       {{"A", role}, {"B", with(by_instance, {})}},
       "named 1, role R, role R"},
      {"a source that is no source",
       {{"A", {{"role_arn", "R"}, {"credential_source", "Moon"}}}},
       "error: has credential_source = Moon; it must be Environment"},
      {"MFA",
       {{"A", with(role, {{"mfa_serial", "M"}})}, {"B", kKeys}},
       "error: has mfa_serial, but nobody is there"},
      {"a duration",
       {{"A", with(role, {{"duration_seconds", "900"}})}, {"B", kKeys}},
       "keys K s, role R"},
      {"too short",
       {{"A", with(role, {{"duration_seconds", "899"}})}, {"B", kKeys}},
       "error: has duration_seconds = 899; it must be from 900"},
      {"too long",
       {{"A", with(role, {{"duration_seconds", "43201"}})}, {"B", kKeys}},
       "error: has duration_seconds = 43201"},
      {"itself without keys",
       {{"A", {{"role_arn", "R"}, {"source_profile", "A"}}}},
       "error: leads back to itself"},
      {"a circle that does not begin at the start",
       {{"A", role},
        {"B", {{"role_arn", "R"}, {"source_profile", "C"}}},
        {"C", {{"role_arn", "R"}, {"source_profile", "B"}}}},
       "error: leads back to itself"},
      {"login", {{"A", {{"login_session", "L"}}}}, "error: login_session, which is not supported"},
      {"an empty source", {{"A", role}, {"B", {{"region", "r"}}}}, "error: has no credentials"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const std::string words = found(config_of(row.profiles));
    if (row.expected.starts_with("error: ")) {
      EXPECT_TRUE(words.starts_with("error: profile ")) << words;
      EXPECT_NE(words.find(row.expected.substr(7)), std::string::npos) << words;
      EXPECT_NE(words.find("CONFIG"), std::string::npos) << "the file is named: " << words;
    } else {
      EXPECT_EQ(words, row.expected);
    }
  }
}

TEST(ProfileSource, AChainHasAnEnd) {
  std::map<std::string, Settings> profiles;
  for (int i = 0; i < 40; ++i)
    profiles[i == 0 ? "A" : "P" + std::to_string(i)] = {
        {"role_arn", "R"}, {"source_profile", "P" + std::to_string(i + 1)}};
  profiles["P40"] = kKeys;
  EXPECT_NE(found(config_of(profiles)).find("very long chain"), std::string::npos);
}

}  // namespace
}  // namespace sluice::aws
