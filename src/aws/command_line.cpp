#include "aws/command_line.hpp"

#include "aws/messages.hpp"

#include <optional>
#include <utility>

namespace sluice::aws {
namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view command_line) {
  if (command_line.find('\0') != command_line.npos) return credentials_error("it has a NUL in it");
  std::vector<std::string> words;
  std::optional<std::string> word;  // "" is a word, nothing is none
  char quote = 0;
  for (std::size_t i = 0; i < command_line.size(); ++i) {
    const char c = command_line[i];
    if (quote == 0 && is_blank(c)) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
      continue;
    }
    if (!word) word.emplace();
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == command_line.size()) return credentials_error("it ends in a backslash");
      const char next = command_line[i + 1];
      if (quote == 0 || next == '"' || next == '\\') {
        *word += next;
        ++i;
      } else {
        *word += c;
      }
    } else {
      *word += c;
    }
  }
  if (quote != 0) return credentials_error("a quote in it is not closed");
  if (word) words.push_back(*std::move(word));
  if (words.empty() || words[0].empty()) return credentials_error("it names no program");
  return words;
}

}  // namespace sluice::aws
