// The grammar of ~/.aws/config and ~/.aws/credentials, as the AWS SDKs share it ("Shared config and
// credentials files", AWS SDKs and Tools reference guide; tests/unit/aws/profile_file_test.cpp).
//
//     # comment                     a comment also follows a section, or a value after a blank
//     [profile name]                in config; `[default]`, `[sso-session x]`, `[services x]` too
//     [name]                        in credentials
//     key = value
//      continuation                 appended to the value with a newline
//     s3 =
//       nested = value              the value is "\nnested = value"
//
// Sections and settings with names that are no identifiers are skipped, other mistakes are errors.

#include "aws/config.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace sluice::aws {
namespace {

constexpr std::string_view kBlanks = " \t";

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}
constexpr bool starts_comment(char c) noexcept {
  return c == '#' || c == ';';
}

bool is_identifier(std::string_view name) noexcept {
  constexpr std::string_view kPunctuation = "-_/.%@:+";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPunctuation.find(c) != std::string_view::npos;
  });
}

/// Cuts off ` # …` and ` ; …`: within a value a comment needs a blank before it.
std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t i = 1; i < line.size(); ++i)
    if (starts_comment(line[i]) && is_blank(line[i - 1])) return line.substr(0, i);
  return line;
}

/// `aws configure` quotes profile names.
std::string_view unquoted(std::string_view name) noexcept {
  if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') &&
      name.back() == name.front())
    return name.substr(1, name.size() - 2);
  return name;
}

class Parser {
 public:
  explicit Parser(ProfileFileKind kind) : kind_(kind) {}

  /// What is wrong with the line, or empty.
  std::string_view take(std::string_view line) {
    const std::string_view content = text::trimmed(line);
    // Indented or not: the AWS CLI reads it so, and nobody means to continue a value by a comment.
    if (content.empty() || starts_comment(content.front())) return {};
    if (is_blank(line.front())) return take_continuation(content);
    if (content.front() == '[') return take_section(content);
    return take_property(content);
  }

  ProfileFile finish() && {
    // `[profile default]` wins over `[default]` as a whole, wherever it stands.
    if (prefixed_default_) plain_default_ = std::move(prefixed_default_);
    if (plain_default_) file_.profiles["default"] = std::move(*plain_default_);
    return std::move(file_);
  }

 private:
  std::string_view take_section(std::string_view line) {
    const std::size_t end = line.find(']');
    if (end == std::string_view::npos) return "Profile definition must end with ']'";
    const std::string_view rest = text::trimmed(line.substr(end + 1));
    if (!rest.empty() && !starts_comment(rest.front()))
      return "Profile definition must end with ']'";
    value_ = nullptr;
    settings_ = &section(text::trimmed(line.substr(1, end - 1)));
    return {};
  }

  Settings& section(std::string_view name) {
    if (kind_ == ProfileFileKind::config) return config_section(name);
    return is_identifier(name) ? file_.profiles[std::string(name)] : skipped();
  }

  Settings& config_section(std::string_view name) {
    if (name == "default") return present(plain_default_);
    const std::size_t blank = name.find_first_of(kBlanks);
    if (blank == std::string_view::npos) return skipped();
    const std::string_view type = name.substr(0, blank);
    const std::string_view own = unquoted(text::trimmed(name.substr(blank)));
    if (!is_identifier(own)) return skipped();
    if (type == "profile")
      return own == "default" ? present(prefixed_default_) : file_.profiles[std::string(own)];
    if (type == "sso-session") return file_.sso_sessions[std::string(own)];
    if (type == "services") return file_.services[std::string(own)];
    return skipped();
  }

  static Settings& present(std::optional<Settings>& settings) {
    if (!settings) settings.emplace();
    return *settings;
  }

  Settings& skipped() {
    skipped_.clear();
    return skipped_;
  }

  std::string_view take_property(std::string_view line) {
    if (settings_ == nullptr) return "Expected a profile definition";
    line = without_comment(line);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return "Expected an '=' sign defining a property";
    const std::string_view name = text::trimmed(line.substr(0, equals));
    if (name.empty()) return "Property did not have a name";
    Settings& target = is_identifier(name) ? *settings_ : skipped_;
    value_ = &target[text::lower(name)];
    *value_ = text::trimmed(line.substr(equals + 1));
    is_parent_ = value_->empty();
    return {};
  }

  std::string_view take_continuation(std::string_view content) {
    if (settings_ == nullptr) return "Expected a profile definition";
    if (value_ == nullptr) return "Expected a property definition, found continuation";
    if (is_parent_) {
      const std::size_t equals = content.find('=');
      if (equals == std::string_view::npos) return "Expected an '=' sign defining a sub-property";
      if (text::trimmed(content.substr(0, equals)).empty())
        return "Sub-property did not have a name";
    }
    *value_ += '\n';
    *value_ += content;
    return {};
  }

  const ProfileFileKind kind_;
  ProfileFile file_;
  std::optional<Settings> plain_default_;
  std::optional<Settings> prefixed_default_;
  Settings skipped_;              ///< takes what is not wanted
  Settings* settings_ = nullptr;  ///< of the current section
  std::string* value_ = nullptr;  ///< of the last property, while it may go on
  bool is_parent_ = false;        ///< that property had no value: nested ones follow
};

}  // namespace

Result<ProfileFile> parse_profile_file(std::string_view text, ProfileFileKind kind,
                                       std::string_view file_name) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Parser parser(kind);
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view problem = parser.take(line);
    if (!problem.empty()) {
      std::string message(file_name);
      message += " line " + std::to_string(number) + ": ";
      message += problem;
      return Error(ErrorKind::usage, std::move(message));
    }
  }
  return std::move(parser).finish();
}

std::string nested_setting(const Settings& settings, const std::string& parent,
                           std::string_view name) {
  const auto found = settings.find(parent);
  if (found == settings.end()) return {};
  std::string_view rest = found->second;
  std::string value;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = without_comment(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos &&
        text::iequals(text::trimmed(line.substr(0, equals)), name))
      value = text::trimmed(line.substr(equals + 1));
  }
  return value;
}

}  // namespace sluice::aws
