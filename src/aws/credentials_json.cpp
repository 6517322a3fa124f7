#include "aws/credentials_json.hpp"

#include "aws/messages.hpp"
#include "base/text.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluice::aws {
namespace {

namespace dom = simdjson::dom;

/// A token that is good for longer (ten years) is a mistake.
constexpr std::int64_t kLifetimeSecondsMax = 315'360'000;

Error malformed(std::string what) {
  return Error(ErrorKind::credentials, std::move(what));
}

/// Owns what its elements point into.
class Document {
 public:
  static Result<Document> parse(std::string_view json) {
    Document document;
    const auto parsed = document.parser_->parse(json.data(), json.size());
    if (parsed.error() != simdjson::SUCCESS || parsed.get(document.object_) != simdjson::SUCCESS)
      return malformed("it is no JSON object");
    return document;
  }

  const dom::object& object() const noexcept { return object_; }

 private:
  std::unique_ptr<dom::parser> parser_ = std::make_unique<dom::parser>();
  dom::object object_;
};

/// Empty if absent or null.
Result<std::string> optional_text(const dom::object& object, std::string_view name) {
  dom::element element;
  if (object[name].get(element) != simdjson::SUCCESS || element.is_null()) return std::string();
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS)
    return malformed("its " + std::string(name) + " is no string");
  return std::string(text);
}

std::string text_or_nothing(const dom::object& object, std::string_view name) {
  const Result<std::string> text = optional_text(object, name);
  return text ? *text : std::string();
}

/// Keys and tokens end up in headers.
Result<std::string> secret_text(const dom::object& object, std::string_view name) {
  Result<std::string> text = optional_text(object, name);
  if (!text) return text.error();
  if (text->empty()) return malformed("it has no " + std::string(name));
  if (!is_header_value(*text))
    return malformed("its " + std::string(name) + " has characters that no key has");
  return text;
}

Result<std::optional<WallTime>> optional_time(const dom::object& object, std::string_view name) {
  Result<std::string> text = optional_text(object, name);
  if (!text) return text.error();
  if (text->empty()) return std::optional<WallTime>();
  // Version 1 of the AWS CLI wrote `2020-06-17T10:02:08UTC` into the cache of SSO.
  if (text->ends_with("UTC")) text->replace(text->size() - 3, 3, "Z");
  const std::optional<std::int64_t> unix_ms = dates::parse_iso_ms(*text);
  if (!unix_ms) return malformed("its " + std::string(name) + " is no date");
  return std::optional<WallTime>(std::chrono::milliseconds(std::min(*unix_ms, kLastUnixMs)));
}

struct Names {
  std::string_view access_key;
  std::string_view secret_key;
  std::string_view token;
};

Result<Credentials> read_keys(const dom::object& object, const Names& names) {
  Result<std::string> access_key = secret_text(object, names.access_key);
  if (!access_key) return access_key.error();
  Result<std::string> secret_key = secret_text(object, names.secret_key);
  if (!secret_key) return secret_key.error();
  Result<std::string> token = optional_text(object, names.token);
  if (!token) return token.error();
  if (!token->empty() && !is_header_value(*token))
    return malformed("its " + std::string(names.token) + " has characters that no token has");
  Credentials credentials;
  credentials.access_key = *std::move(access_key);
  credentials.secret_key = *std::move(secret_key);
  credentials.session_token = *std::move(token);
  return credentials;
}

Result<Credentials> read_keys_with_date(const dom::object& object, const Names& names) {
  Result<Credentials> credentials = read_keys(object, names);
  if (!credentials) return credentials;
  const Result<std::optional<WallTime>> expires = optional_time(object, "Expiration");
  if (!expires) return expires.error();
  credentials->expires = *expires;
  return credentials;
}

}  // namespace

Result<Credentials> parse_metadata_credentials(std::string_view json) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  const Result<std::string> code = optional_text(document->object(), "Code");
  if (!code) return code.error();
  if (!code->empty() && *code != "Success")
    return malformed("it says " + as_said(*code, {}) + " instead of giving any");
  return read_keys_with_date(document->object(), {"AccessKeyId", "SecretAccessKey", "Token"});
}

Result<Credentials> parse_process_credentials(std::string_view json) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  std::int64_t version = 0;
  if (document->object()["Version"].get(version) != simdjson::SUCCESS)
    return malformed("it has no Version");
  if (version != 1) return malformed("its Version is not 1");
  return read_keys_with_date(document->object(),
                             {"AccessKeyId", "SecretAccessKey", "SessionToken"});
}

Result<Credentials> parse_role_credentials(std::string_view json) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  dom::object role;
  if (document->object()["roleCredentials"].get(role) != simdjson::SUCCESS)
    return malformed("it has no roleCredentials");
  Result<Credentials> credentials =
      read_keys(role, {"accessKeyId", "secretAccessKey", "sessionToken"});
  if (!credentials) return credentials;
  std::int64_t unix_ms = 0;
  if (role["expiration"].get(unix_ms) != simdjson::SUCCESS || unix_ms < 0 || unix_ms > kLastUnixMs)
    return malformed("its expiration is no time");
  credentials->expires = WallTime(std::chrono::milliseconds(unix_ms));
  return credentials;
}

Result<SsoToken> parse_sso_token(std::string_view json) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  const dom::object& object = document->object();
  SsoToken token;
  Result<std::string> access_token = secret_text(object, "accessToken");
  if (!access_token) return access_token.error();
  token.access_token = *std::move(access_token);
  const Result<std::optional<WallTime>> expires = optional_time(object, "expiresAt");
  if (!expires) return expires.error();
  if (!*expires) return malformed("it has no expiresAt");
  token.expires = **expires;

  // A token that is still good must not fail for what only a renewal needs.
  const Result<std::optional<WallTime>> registration =
      optional_time(object, "registrationExpiresAt");
  if (registration) token.registration_expires = *registration;
  token.refresh_token = text_or_nothing(object, "refreshToken");
  token.client_id = text_or_nothing(object, "clientId");
  token.client_secret = text_or_nothing(object, "clientSecret");
  return token;
}

Result<CreatedToken> parse_created_token(std::string_view json) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  const dom::object& object = document->object();
  CreatedToken created;
  Result<std::string> access_token = secret_text(object, "accessToken");
  if (!access_token) return access_token.error();
  created.access_token = *std::move(access_token);
  std::int64_t seconds = 0;
  if (object["expiresIn"].get(seconds) != simdjson::SUCCESS || seconds <= 0 ||
      seconds > kLifetimeSecondsMax)
    return malformed("its expiresIn is no number of seconds");
  created.lifetime = std::chrono::seconds(seconds);
  Result<std::string> refresh_token = optional_text(object, "refreshToken");
  if (!refresh_token) return refresh_token.error();
  created.refresh_token = *std::move(refresh_token);
  return created;
}

Result<std::string> with_created_token(std::string_view json, const CreatedToken& created,
                                       WallTime expires) {
  const Result<Document> document = Document::parse(json);
  if (!document) return document.error();
  const auto unix_s =
      std::chrono::duration_cast<std::chrono::seconds>(expires.time_since_epoch()).count();
  std::string date = dates::format_iso_ms(unix_s * 1000);
  date.replace(date.rfind('.'), std::string::npos, "Z");  // the AWS CLI reads whole seconds only
  std::string out = "{\"accessToken\": \"" + text::json_escaped(created.access_token) +
                    "\", \"expiresAt\": \"" + date + '"';
  if (!created.refresh_token.empty())
    out += ", \"refreshToken\": \"" + text::json_escaped(created.refresh_token) + '"';
  for (const auto& [name, value] : document->object()) {
    if (name == "accessToken" || name == "expiresAt") continue;
    if (name == "refreshToken" && !created.refresh_token.empty()) continue;
    out += ", \"" + text::json_escaped(name) + "\": " + simdjson::minify(value);
  }
  return out + "}\n";
}

}  // namespace sluice::aws
