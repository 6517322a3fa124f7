#include "report/diagnosis_text.hpp"

#include "base/text.hpp"
#include "report/event_stream.hpp"
#include "report/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

namespace sluice::report {
namespace {

/// Where details begin.
constexpr std::size_t kIndent = 24;

std::string_view label(CheckState state) noexcept {
  switch (state) {
    case CheckState::passed:
      return "ok";
    case CheckState::noted:
      return "note";
    case CheckState::failed:
      return "FAILED";
    case CheckState::skipped:
      return "-";
  }
  return "";
}

/// Words in lines of `width` at most, each after the first indented.
std::string wrapped(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty()) continue;
    if (used > 0 && used + 1 + word.size() > width) {
      out += '\n' + std::string(kIndent, ' ');
      used = 0;
    }
    if (used > 0) out += ' ';
    out += word;
    used += word.size() + (used > 0 ? 1 : 0);
  }
  return out;
}

}  // namespace

std::string check_text(const Check& check, unsigned columns) {
  const std::size_t width = columns == 0 ? std::numeric_limits<std::size_t>::max()
                                         : std::max<std::size_t>(columns, kIndent + 40) - kIndent;
  std::string out = fmt::format("  {:<7} {:<13} {}\n", label(check.state), check.name,
                                wrapped(check.detail, width));
  if (!check.advice.empty()) out += std::string(kIndent, ' ') + wrapped(check.advice, width) + '\n';
  return out;
}

std::string verdict_text(const Diagnosis& diagnosis) {
  std::string out;
  if (!diagnosis.policy.empty())
    out += "\nA policy that allows what a mirror needs:\n\n" + diagnosis.policy;
  const auto count = [&diagnosis](CheckState state) {
    return std::count_if(diagnosis.checks.begin(), diagnosis.checks.end(),
                         [state](const Check& check) { return check.state == state; });
  };
  const auto failed = count(CheckState::failed);
  const auto noted = count(CheckState::noted);
  if (failed == 0 && noted == 0) return out + "\nAll is well.\n";
  if (failed == 0) return out + "\nIt works; mind what is noted.\n";
  return out + fmt::format("\n{} of {} checks failed; begin with the first.\n", failed,
                           diagnosis.checks.size());
}

std::string diagnosis_json(const Diagnosis& diagnosis, ExitStatus status) {
  std::vector<JsonObject> checks;
  for (const Check& check : diagnosis.checks) {
    JsonObject one;
    one.text("name", check.name).text("state", to_string(check.state)).text("detail", check.detail);
    if (!check.advice.empty()) one.text("advice", check.advice);
    if (check.error) one.object("error", error_json(*check.error));
    checks.push_back(std::move(one));
  }
  JsonObject out;
  out.text("event", "diagnosis")
      .number("v", kEventVersion)
      .integer("exit_status", static_cast<int>(status))
      .array("checks", checks);
  if (!diagnosis.policy.empty()) out.text("policy", diagnosis.policy);
  return out.str();
}

}  // namespace sluice::report
