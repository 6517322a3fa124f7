#include "config_file.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace sluice::cli {
namespace {

constexpr std::size_t kLargestFile = 1U << 20;

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// Appends a code point as UTF-8; false if there is none such.
bool append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&out](std::uint32_t bits) { out += static_cast<char>(0x80 | (bits & 0x3F)); };
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(code);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(code >> 6);
    tail(code);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(code >> 12);
    tail(code >> 6);
    tail(code);
  }
  return true;
}

/// Reads from the front; the first mistake is kept and ends the reading.
class Reader {
 public:
  Reader(std::string_view file, std::string_view text) : file_(file), text_(text) {}

  Result<std::vector<ConfigEntry>> read() {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    while (!failed_ && !at_end()) {
      skip_blanks();
      if (peek() == '[')
        read_section();
      else if (!at_line_end())
        read_entry();
      if (!failed_) end_line();
    }
    if (failed_) return std::move(error_);
    return std::move(entries_);
  }

 private:
  bool at_end() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }
  bool at_line_end() const {
    return text_.empty() || peek() == '\n' || peek() == '#' || text_.starts_with("\r\n");
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t')
      take();
  }
  void skip_comment() {
    if (peek() != '#') return;
    while (!at_end() && peek() != '\n')
      take();
  }
  void end_line() {
    skip_blanks();
    skip_comment();
    if (text_.starts_with("\r\n")) take();
    if (at_end()) return;
    if (peek() == '\n')
      take();
    else
      fail("has something after the value");
  }
  /// Between the items of an array.
  void skip_blank_lines() {
    for (;;) {
      skip_blanks();
      skip_comment();
      if (at_end() || (peek() != '\n' && !text_.starts_with("\r\n"))) return;
      take();
    }
  }

  void fail(std::string_view what) {
    if (failed_) return;
    failed_ = true;
    error_ = Error(ErrorKind::usage,
                   fmt::format("{}:{}: the line {}", text::escaped(file_), line_, what));
  }

  std::string read_name() {
    if (peek() == '"' || peek() == '\'') return read_string();
    std::string name;
    while (!at_end() && is_bare(peek()))
      name += take();
    if (name.empty()) fail("is not of the form name = value");
    return name;
  }

  void read_section() {
    take();
    skip_blanks();
    std::string name = read_name();
    skip_blanks();
    if (failed_) return;
    if (peek() != ']') return fail("is not of the form [section]");
    take();
    section_ = std::move(name);
  }

  void read_entry() {
    ConfigEntry entry;
    entry.line = line_;
    entry.section = section_;
    entry.name = read_name();
    skip_blanks();
    if (failed_) return;
    if (peek() != '=') return fail("is not of the form name = value");
    take();
    skip_blanks();
    if (peek() == '[')
      read_array(entry.values);
    else
      entry.values.push_back(read_value());
    if (failed_) return;
    for (const ConfigEntry& other : entries_)
      if (other.section == entry.section && other.name == entry.name)
        return fail(
            fmt::format("sets {} again, after line {}", text::escaped(entry.name), other.line));
    entries_.push_back(std::move(entry));
  }

  void read_array(std::vector<std::string>& values) {
    take();
    for (;;) {
      skip_blank_lines();
      if (peek() == ']') break;
      if (at_end()) return fail("ends within an array");
      values.push_back(read_value());
      skip_blank_lines();
      if (failed_) return;
      if (peek() == ',')
        take();
      else if (peek() != ']')
        return fail("lacks a comma or ] in its array");
    }
    take();
  }

  std::string read_value() {
    if (peek() == '"' || peek() == '\'') return read_string();
    std::string word;
    while (!at_line_end() && peek() != ',' && peek() != ']' && peek() != ' ' && peek() != '\t')
      word += take();
    if (word == "true" || word == "false") return word;
    std::string digits;
    for (const char c : word)
      if (c != '_') digits += c;  // 10_000
    if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos)
      return digits;
    if (word.empty())
      fail("lacks a value");
    else
      fail(fmt::format("has a value that needs quotes: \"{}\"", text::escaped(word)));
    return {};
  }

  std::string read_string() {
    const char quote = take();
    if (text_.starts_with(quote == '"' ? "\"\"" : "''")) {
      fail("uses a multi-line string; write it on one line");
      return {};
    }
    std::string out;
    while (!at_line_end() || peek() == '#') {
      const char c = take();
      if (c == quote) return out;
      if (c == '\\' && quote == '"')
        read_escape(out);
      else
        out += c;
      if (failed_) return {};
    }
    fail("lacks a closing quote");
    return {};
  }

  void read_escape(std::string& out) {
    const char c = at_end() ? '\0' : take();
    switch (c) {
      case 'b':
        out += '\b';
        return;
      case 't':
        out += '\t';
        return;
      case 'n':
        out += '\n';
        return;
      case 'f':
        out += '\f';
        return;
      case 'r':
        out += '\r';
        return;
      case '"':
        out += '"';
        return;
      case '\\':
        out += '\\';
        return;
      case 'u':
        return read_code(out, 4);
      case 'U':
        return read_code(out, 8);
      default:
        return fail("has an unknown escape in a string; write \\\\ for a backslash");
    }
  }

  void read_code(std::string& out, unsigned digits) {
    std::uint32_t code = 0;
    for (unsigned n = 0; n < digits; ++n) {
      const std::string_view hex = "0123456789abcdef";
      const std::size_t value = hex.find(text::lower(text_.substr(0, 1)));
      if (at_end() || value == std::string_view::npos)
        return fail("has a broken \\u escape in a string");
      take();
      code = code << 4 | static_cast<std::uint32_t>(value);
    }
    if (!append_utf8(out, code)) fail("has a \\u escape for no character");
  }

  std::string_view file_;
  std::string_view text_;
  unsigned line_ = 1;
  std::string section_;
  std::vector<ConfigEntry> entries_;
  bool failed_ = false;
  Error error_;
};

Error unreadable(const std::string& path, int os_error) {
  return Error(ErrorKind::usage, fmt::format("cannot read the config file {}: {}",
                                             text::escaped(path), std::strerror(os_error)));
}

}  // namespace

Result<std::vector<ConfigEntry>> parse_config(std::string_view file, std::string_view content) {
  return Reader(file, content).read();
}

Result<std::vector<ConfigEntry>> read_config(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return unreadable(path, errno);
  std::string content(kLargestFile + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(path, errno);
  if (content.size() > kLargestFile) return unreadable(path, EFBIG);
  return parse_config(path, content);
}

}  // namespace sluice::cli
