#include "local/path.hpp"

#include "base/text.hpp"

#include <climits>

namespace sluice::local {
namespace {

/// What S3 allows for a key (API reference, "Object key naming guidelines"). Together with NAME_MAX
/// it keeps every path beneath the destination far below PATH_MAX.
constexpr std::size_t kLongestKey = 1024;

Error refused(std::string_view key, const char* code, std::string_view rule) {
  // A hostile server's key must not fill the log either.
  constexpr std::size_t kShown = 2 * kLongestKey;
  std::string message = "key \"";
  message += text::escaped(key.substr(0, kShown));
  message += key.size() > kShown ? "…\" " : "\" ";
  message += "cannot be stored under its own name: ";
  message += rule;
  Error error(ErrorKind::refused_key, std::move(message));
  error.code = code;
  return error;
}

}  // namespace

// The table of refusals. The order matters only for the message.
//
//   key without prefix      refused because (Error::code)
//   more than 1024 bytes    no S3 key is longer                          key-too-long
//   empty                   names the destination itself                 empty-name
//   NUL in it               no file name can hold it                     nul
//   "a//b", "/a", "a//"     would share a path with "a/b", "a", "a/"     empty-segment
//   "." or ".." segment     would share a path, or leave the destination dot-segment
//   segment > NAME_MAX      no file system holds it                      name-too-long
//   ".sluice", ".sluice/x"  our own folder                               reserved
//
// Everything else is stored byte for byte: control characters, backslashes, colons, names that
// Windows reserves, bytes that are not UTF-8.
Result<RelativePath> RelativePath::from_key(std::string_view key, std::string_view prefix) {
  if (key.size() > kLongestKey)
    return refused(key, "key-too-long", "it is longer than the 1024 bytes that S3 allows");
  if (!key.starts_with(prefix))
    return refused(key, "outside-prefix", "it does not begin with the prefix asked for");
  std::string_view path = key.substr(prefix.size());
  if (path.empty()) return refused(key, "empty-name", "nothing is left after the prefix");
  if (path.find('\0') != std::string_view::npos)
    return refused(key, "nul", "it contains a NUL byte");

  const bool directory = path.back() == '/';
  if (directory) path.remove_suffix(1);
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty())
      return refused(key, "empty-segment", "an empty folder name would share another key's path");
    if (segment == "." || segment == "..")
      return refused(key, "dot-segment", "it contains a \".\" or \"..\" folder");
    if (segment.size() > NAME_MAX)
      return refused(key, "name-too-long", "a name between slashes is longer than 255 bytes");
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (path.substr(0, path.find('/')) == kReservedName)
    return refused(key, "reserved", "\".sluice\" is the folder of sluice itself");
  return RelativePath(std::string(path), directory);
}

std::string_view RelativePath::parent() const noexcept {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(text_).substr(0, slash);
}

std::string_view RelativePath::name() const noexcept {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? std::string_view(text_)
                                    : std::string_view(text_).substr(slash + 1);
}

}  // namespace sluice::local
