// Temporary credentials and tokens that this server has handed out and knows again.
#pragma once

#include "origin/sigv4.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::origin {

enum class TokenKind {
  instance,     // of a session with EC2 metadata
  sso_access,   // bearer token of single sign-on
  sso_refresh,  // what it is renewed with
};

// Keeps the newest thousand of each. Thread-safe.
class Issuer {
 public:
  // A key of its own for each call, refused with ExpiredToken from `expires_ms` on. `from` stands
  // in the access key, so that a log shows who gave it: "ASIASTS000000000007".
  Credential issue(std::string_view from, std::int64_t expires_ms);
  std::optional<Credential> find(std::string_view access_key) const;
  // All that was issued so far has had its time.
  void expire_all(std::int64_t now_ms);

  std::string issue_token(TokenKind kind, std::int64_t expires_ms);
  bool knows_token(TokenKind kind, std::string_view text, std::int64_t now_ms) const;

 private:
  struct Token {
    TokenKind kind;
    std::string text;
    std::int64_t expires_ms;
  };

  mutable std::mutex mutex_;
  std::deque<Credential> credentials_;
  std::deque<Token> tokens_;
  std::uint64_t issued_ = 0;
};

}  // namespace sluice::origin
