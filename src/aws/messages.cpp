#include "aws/messages.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace sluice::aws {
namespace {

/// More would flood a log.
constexpr std::size_t kQuotedBytesMax = 300;

}  // namespace

Error credentials_error(std::string message) {
  return Error(ErrorKind::credentials, std::move(message));
}

Error while_asking(const std::string& what, Error error) {
  const bool may_pass = error.kind == ErrorKind::transient || error.kind == ErrorKind::throttled ||
                        error.kind == ErrorKind::unreachable;
  if (!may_pass) error.kind = ErrorKind::credentials;
  error.message = what + ": " + error.message;
  return error;
}

bool is_header_value(std::string_view value) noexcept {
  return !value.empty() &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string as_said(std::string_view words, std::initializer_list<std::string_view> secrets) {
  for (const std::string_view secret : secrets)
    if (!secret.empty() && words.find(secret) != std::string_view::npos)
      return "(withheld: it quotes our credentials)";
  const bool cut = words.size() > kQuotedBytesMax;
  return text::escaped(words.substr(0, kQuotedBytesMax)) + (cut ? "..." : "");
}

}  // namespace sluice::aws
