// A key, after a line that is the prefix asked for.

#include "base/text.hpp"
#include "local/path.hpp"
#include "property.hpp"

#include <algorithm>

namespace sluice::fuzz {
namespace {

void check(std::string_view key, std::string_view prefix) {
  const std::string shown = text::escaped(key);
  require(
      text::is_utf8(shown) &&
          std::all_of(shown.begin(), shown.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; }),
      "what is shown moves no terminal");
  require(text::is_utf8(text::json_escaped(key)), "JSON is UTF-8");

  const auto path = local::RelativePath::from_key(key, prefix);
  if (!path) {
    require(path.error().kind == ErrorKind::refused_key && !path.error().code.empty(),
            "a refusal names its rule");
    return;
  }
  const std::string& text = path->text();
  const std::string back = std::string(prefix) + text + (path->is_directory() ? "/" : "");
  require(back == key, "a key is stored under exactly its own bytes");
  require(text.find('\0') == std::string::npos, "a path has no NUL");
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    require(!name.empty() && name != "." && name != ".." && name.size() <= 255,
            "each name is one, and leads down");
    if (begin == 0) require(name != local::kReservedName, "our own folder is out of reach");
    if (end == text.size()) break;
    begin = end + 1;
  }
  const std::string parent(path->parent());
  require((parent.empty() ? "" : parent + "/") + std::string(path->name()) == text,
          "a path is its parent and its name");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::Input input(data, size);
  const std::string_view prefix = input.line();
  sluice::fuzz::check(input.rest(), prefix);
  sluice::fuzz::check(std::string(prefix) + std::string(input.rest()), prefix);
  return 0;
}
