// The documents that credentials come in, after a line that says which: of metadata services, of a
// program, of single sign-on (three), of STS; and the command line of a program.

#include "aws/command_line.hpp"
#include "aws/credentials_json.hpp"
#include "aws/messages.hpp"
#include "aws/sts.hpp"
#include "property.hpp"

#include <chrono>

namespace sluice::fuzz {
namespace {

using namespace std::chrono_literals;

void check_error(const Error& error) {
  require(error.kind == ErrorKind::credentials, "a bad document is a matter of credentials");
  require(!error.message.empty() && error.message.size() < 500, "one sentence says why");
  require(error.message.find("SECRET") == std::string::npos, "nothing of it is quoted");
}

void check_keys(const Result<aws::Credentials>& keys) {
  if (!keys) {
    check_error(keys.error());
    return;
  }
  require(aws::is_header_value(keys->access_key) && aws::is_header_value(keys->secret_key),
          "keys can be sent");
  require(keys->session_token.empty() || aws::is_header_value(keys->session_token),
          "a token can be sent");
  if (keys->expires) require(*keys->expires + 24h > *keys->expires, "times can be reckoned with");
}

void check_sso_token(std::string_view json) {
  const auto token = aws::parse_sso_token(json);
  if (!token) {
    check_error(token.error());
    return;
  }
  require(aws::is_header_value(token->access_token), "a token can be sent");
  aws::CreatedToken created;
  created.access_token = "NEW";
  created.lifetime = 1h;
  created.refresh_token = "NEXT";
  const WallTime expires(1'700'000'000s);
  const auto kept = aws::with_created_token(json, created, expires);
  require(kept.has_value(), "what was read can be renewed");
  const auto again = aws::parse_sso_token(*kept);
  require(again && again->access_token == "NEW" && again->expires == expires &&
              again->refresh_token == "NEXT" && again->client_id == token->client_id &&
              again->client_secret == token->client_secret,
          "a renewed token is read as it was written, and the rest is kept");
}

void check_created_token(std::string_view json) {
  const auto created = aws::parse_created_token(json);
  if (!created) {
    check_error(created.error());
    return;
  }
  require(created->lifetime > 0s, "it is good for a while");
  require(aws::is_header_value(created->access_token), "a token can be sent");
}

void check_sts(std::string_view xml) {
  for (const char* operation : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const auto answer = aws::parse_sts_answer(xml, operation);
    if (!answer) {
      check_error(answer.error());
    } else if (answer->error_code.empty()) {
      check_keys(answer->credentials);
      require(answer->credentials.expires.has_value(), "keys of STS expire");
    }
  }
}

void check_command_line(std::string_view line) {
  const auto words = aws::split_words(line);
  if (!words) {
    check_error(words.error());
    return;
  }
  require(!words->empty() && !words->front().empty(), "there is a program");
  std::string quoted;
  for (const std::string& word : *words) {
    quoted += '"';
    for (const char c : word) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    quoted += "\" ";
  }
  require(aws::split_words(quoted).value() == *words, "words that are quoted stay as they are");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const std::string_view which = input.line();
  const std::string_view rest = input.rest();
  if (which == "metadata") {
    const auto keys = aws::parse_metadata_credentials(rest);
    // Its Code is the one thing that is quoted.
    if (keys || keys.error().message.find("it says") == std::string::npos) fuzz::check_keys(keys);
  }
  if (which == "process") fuzz::check_keys(aws::parse_process_credentials(rest));
  if (which == "role") fuzz::check_keys(aws::parse_role_credentials(rest));
  if (which == "token") fuzz::check_sso_token(rest);
  if (which == "created") fuzz::check_created_token(rest);
  if (which == "sts") fuzz::check_sts(rest);
  if (which == "command") fuzz::check_command_line(rest);
  return 0;
}
