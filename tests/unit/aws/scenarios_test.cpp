// The scenarios of the AWS SDK for Rust: an environment, files, the traffic and what comes of it.

#include "../crypto/vector_files.hpp"
#include "aws/config.hpp"
#include "base/text.hpp"
#include "fake_services.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <set>

namespace sluice::aws {
namespace {

namespace dom = simdjson::dom;
using sluice::tests::read_file;
using std::filesystem::path;

/// Those that do not apply, and why.
const std::map<std::string, std::string> kLeftOut = {
    {"credential_process", "needs a shell (a pipe); we start programs without one, as botocore"},
    {"credential_process_account_id_fallback", "likewise; and S3 has no use for account ids"},
};
// Also left out as a whole: default-token-provider-chain and login-provider-test-cases.json. S3
// takes no bearer tokens, and `aws login` is not supported.

/// "METHOD scheme://host/path?sorted&query".
std::string comparable(std::string_view method, std::string_view uri) {
  std::string line = std::string(method) + ' ' + std::string(uri);
  const std::size_t host = line.find("://") + 3;
  if (line.find('/', host) == std::string::npos) line += '/';
  const std::size_t query = line.find('?');
  if (query == std::string::npos) return line;
  std::multiset<std::string> parameters;
  std::string parameter;
  for (const char c : line.substr(query + 1) + '&') {
    if (c != '&') parameter += c;
    if (c == '&') parameters.insert(std::exchange(parameter, {}));
  }
  line.resize(query);
  for (const std::string& each : parameters)
    line += '&' + each;
  return line;
}

class Scenario {
 public:
  Scenario(const path& folder, std::string profile)
      : folder_(folder), profile_(std::move(profile)) {
    read_environment();
    read_traffic();
  }

  void check() {
    const Result<std::optional<Credentials>> answer = ask();
    std::vector<std::string> requests;
    for (const auto& seen : services_.seen) {
      const bool of_instance = seen.line.find("//169.254.169.254") != std::string::npos;
      const std::size_t space = seen.line.find(' ');
      if (!of_instance)
        requests.push_back(
            comparable(seen.line.substr(0, space), std::string_view(seen.line).substr(space + 1)));
    }
    const simdjson::padded_string text(read_file(folder_ / "test-case.json"));
    dom::parser parser;
    const dom::element result = parser.parse(text)["result"];
    dom::object expected;
    if (result["Ok"].get(expected) != simdjson::SUCCESS) {
      EXPECT_FALSE(answer) << "expected: " << result;
      requests.resize(
          std::min(requests.size(), expected_.size()));  // how often is a matter of taste
      EXPECT_EQ(requests, expected_);
      return;
    }
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(requests, expected_);
    const Credentials& got = answer->value();
    EXPECT_EQ(got.access_key, text_of(expected, "access_key_id"));
    EXPECT_EQ(got.secret_key, text_of(expected, "secret_access_key"));
    EXPECT_EQ(got.session_token, text_of(expected, "session_token"));
    std::int64_t expiry = 0;
    const bool expires = expected["expiry"].get(expiry) == simdjson::SUCCESS;
    ASSERT_EQ(got.expires.has_value(), expires);
    if (expires) {
      EXPECT_EQ(*got.expires, WallTime(std::chrono::seconds(expiry)));
    }
  }

 private:
  static std::string text_of(const dom::object& object, const char* name) {
    std::string_view text;
    return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
  }

  void read_environment() {
    const simdjson::padded_string text(read_file(folder_ / "env.json"));
    dom::parser parser;
    for (const auto& [key, value] : dom::object(parser.parse(text))) {
      std::string here(std::string_view{value});
      if (key == "HOME" || key.ends_with("_FILE")) here = (folder_ / "fs").string() + here;
      variables_[std::string(key)] = here;
    }
  }

  void read_traffic() {
    const simdjson::padded_string text(read_file(folder_ / "http-traffic.json"));
    dom::parser parser;
    std::int64_t status = 0;
    std::string body;
    for (const dom::element event : dom::array(parser.parse(text)["events"])) {
      const dom::element action = event["action"];
      dom::element found;
      std::string_view direction;
      if (action["Request"]["request"].get(found) == simdjson::SUCCESS) {
        if (status != 0) services_.answer(static_cast<int>(status), std::exchange(body, {}));
        status = 0;
        expected_.push_back(comparable(found["method"], found["uri"]));
      } else if (action["Response"]["response"]["Ok"]["status"].get(found) == simdjson::SUCCESS) {
        status = found;
      } else if (action["Data"]["direction"].get(direction) == simdjson::SUCCESS &&
                 direction == "Response") {
        body += std::string_view(action["Data"]["data"]["Utf8"]);
      }
    }
    if (status != 0) services_.answer(static_cast<int>(status), body);
  }

  Result<std::optional<Credentials>> ask() {
    World world;
    world.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    world.exchange = services_.exchange();
    // Before all of the keys of the scenarios expire.
    world.now = [] { return WallTime(std::chrono::seconds(1'200'000'000)); };
    const auto config = load_shared_config(world.environment, profile_);
    if (!config) return config.error();
    const auto runtime =
        async::make_threaded_runtime({});  // programs are not waited for in virtual
    return tests::ask_on(*runtime, *default_chain(world, *config));
  }

  const path folder_;
  const std::string profile_;  ///< as of --profile; empty: not given
  std::map<std::string, std::string> variables_;
  std::vector<std::string> expected_;
  tests::FakeServices services_;
};

void check_all(const char* name, const char* profile, std::size_t expected) {
  const auto folder = sluice::tests::foreign_vectors(name);
  if (!folder) GTEST_SKIP() << "SLUICE_VECTORS has no " << name;
  std::size_t checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    SCOPED_TRACE(entry.path().filename());
    ++checked;
    if (!kLeftOut.contains(entry.path().filename().string()))
      Scenario(entry.path(), profile).check();
  }
  EXPECT_EQ(checked, expected);
}

TEST(Scenarios, Chain) {
  check_all("aws-config-chain/default-credential-provider-chain", "", 12);
}

// Made for the profile alone: the environment has other keys in some.
TEST(Scenarios, Profile) {
  check_all("aws-config-chain/profile-provider", "default", 18);
}

}  // namespace
}  // namespace sluice::aws
