#include "origin/issuer.hpp"

#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace sluice::origin {
namespace {

constexpr std::size_t kKeptMax = 1000;

std::string random_bytes(std::size_t count) {
  std::random_device random;
  std::string bytes;
  while (bytes.size() < count)
    bytes += static_cast<char>(random());
  return bytes;
}

}  // namespace

Credential Issuer::issue(std::string_view from, std::int64_t expires_ms) {
  const std::lock_guard lock(mutex_);
  Credential credential;
  credential.access_key =
      fmt::format("ASIA{}{:0>{}}", from, ++issued_, 16 - static_cast<int>(from.size()));
  credential.secret_key = base64_encode(random_bytes(30));
  credential.session_token = base64_encode(random_bytes(90));
  credential.expires_ms = expires_ms;
  credentials_.push_back(credential);
  if (credentials_.size() > kKeptMax) credentials_.pop_front();
  return credential;
}

std::optional<Credential> Issuer::find(std::string_view access_key) const {
  const std::lock_guard lock(mutex_);
  // From the newest on: that is the one in use.
  const auto found =
      std::find_if(credentials_.rbegin(), credentials_.rend(),
                   [access_key](const Credential& c) { return c.access_key == access_key; });
  if (found == credentials_.rend()) return std::nullopt;
  return *found;
}

void Issuer::expire_all(std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  for (Credential& credential : credentials_)
    credential.expires_ms = now_ms;
}

std::string Issuer::issue_token(TokenKind kind, std::int64_t expires_ms) {
  const std::lock_guard lock(mutex_);
  tokens_.push_back({kind, base64_encode(random_bytes(48)), expires_ms});
  if (tokens_.size() > kKeptMax) tokens_.pop_front();
  return tokens_.back().text;
}

bool Issuer::knows_token(TokenKind kind, std::string_view text, std::int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token& token) {
    return token.kind == kind && token.text == text && token.expires_ms > now_ms;
  });
}

}  // namespace sluice::origin
