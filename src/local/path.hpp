#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace sluice::local {

/// Our own folder in the destination; keys under it are refused.
inline constexpr std::string_view kReservedName = ".sluice";

/// A path that may be used beneath the destination: one or more non-empty segments joined by `/`,
/// none of them `.` or `..`, no NUL, no segment longer than NAME_MAX (255), none `.sluice` at the
/// root. Cannot be made otherwise.
class RelativePath {
 public:
  /// The rule of the key-path catalogue: stored under exactly its own bytes or refused
  /// (`refused_key`, naming the rule). `key` begins with `prefix`, which is cut off first.
  /// A key that ends in `/` names a directory: is_directory().
  static Result<RelativePath> from_key(std::string_view key, std::string_view prefix);

  const std::string& text() const noexcept { return text_; }  ///< without a trailing slash
  bool is_directory() const noexcept { return directory_; }
  std::string_view parent() const noexcept;  ///< empty at the top
  std::string_view name() const noexcept;
  bool operator==(const RelativePath&) const = default;

 private:
  RelativePath(std::string text, bool directory) : text_(std::move(text)), directory_(directory) {}

  std::string text_;
  bool directory_ = false;
};

}  // namespace sluice::local
