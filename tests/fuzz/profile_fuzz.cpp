// A shared configuration or credentials file.

#include "aws/config.hpp"
#include "base/text.hpp"
#include "property.hpp"

#include <algorithm>

namespace sluice::fuzz {
namespace {

using aws::ProfileFileKind;

void check_settings(const std::map<std::string, aws::Settings>& sections) {
  for (const auto& [section, settings] : sections) {
    for (const auto& [name, value] : settings) {
      require(!name.empty() && text::lower(name) == name, "names are in lower case");
      require(text::trimmed(value).size() == value.size() || value.find('\n') != std::string::npos,
              "values have no blanks around them");
      static_cast<void>(aws::nested_setting(settings, name, "addressing_style"));
    }
  }
}

void check(std::string_view text, ProfileFileKind kind) {
  const auto file = aws::parse_profile_file(text, kind, "FILE");
  // Lines may end as on Windows.
  if (text.find('\r') == std::string_view::npos) {
    std::string with_returns;
    for (const char c : text)
      with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
    const auto same = aws::parse_profile_file(with_returns, kind, "FILE");
    require(same.has_value() == file.has_value(), "the end of a line does not matter");
    if (file)
      require(same->profiles == file->profiles && same->sso_sessions == file->sso_sessions &&
                  same->services == file->services,
              "the end of a line does not matter");
  }
  if (!file) {
    require(file.error().kind == ErrorKind::usage, "a bad file is a usage error");
    require(file.error().message.find("FILE") != std::string::npos, "the file is named");
    require(file.error().message.find("SECRET") == std::string::npos, "nothing of it is quoted");
    return;
  }
  check_settings(file->profiles);
  check_settings(file->sso_sessions);
  check_settings(file->services);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sluice::fuzz::check(text, sluice::aws::ProfileFileKind::config);
  sluice::fuzz::check(text, sluice::aws::ProfileFileKind::credentials);
  return 0;
}
