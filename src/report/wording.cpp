#include "report/wording.hpp"

#include "base/text.hpp"
#include "base/time.hpp"

namespace sluice::report {

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3; i -= 3)
    out.insert(i - 3, 1, ',');
  return out;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  std::string out = grouped(number);
  out += ' ';
  out += noun;
  if (number != 1) out += 's';
  return out;
}

std::string when(std::int64_t unix_ms) {
  std::string time = dates::format_iso_ms(unix_ms).substr(0, 19);
  time[10] = ' ';
  return time;
}

std::string_view name_of(Level level) noexcept {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string printable(std::string_view sentence) {
  std::string out;
  out.reserve(sentence.size());
  for (;;) {
    const std::size_t backslash = sentence.find('\\');
    out += text::escaped(sentence.substr(0, backslash));
    if (backslash == std::string_view::npos) return out;
    out += '\\';
    sentence.remove_prefix(backslash + 1);
  }
}

}  // namespace sluice::report
