#include "report/object_line.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

namespace sluice::report {
namespace {

/// What happened, and what would have in a dry run.
std::string_view verb_of(What what, bool dry_run) noexcept {
  switch (what) {
    case What::kept:
      return dry_run ? "would keep" : "kept";
    case What::fetched:
      return dry_run ? "would fetch" : "fetched";
    case What::adopted:
      return dry_run ? "would adopt" : "adopted";
    case What::touched:
      return dry_run ? "would set the time of" : "set the time of";
    case What::deleted:
      return dry_run ? "would delete" : "deleted";
    case What::extraneous:
      return "extraneous";
    case What::local_kept:
      return dry_run ? "would leave alone" : "left alone";
    case What::forgotten:
      return dry_run ? "would forget" : "forgot";
    case What::vanished:
      return "vanished";
    case What::archived:
      return "archived";
    case What::refused:
      return "refused";
    case What::failed:
      return "failed";
  }
  return "unknown";
}

bool has_size(What what) noexcept {
  return what == What::fetched || what == What::adopted || what == What::archived;
}

/// "refused a/b: its place is taken". The engine's sentences mostly name the key; one that does
/// not still needs it.
std::string complaint(std::string_view verb, const std::string& key, std::string_view why) {
  const std::string sentence = printable(why);
  const bool names_key = sentence.find(key) != std::string::npos;
  if (verb.empty()) return names_key ? sentence : fmt::format("{}: {}", key, sentence);
  if (sentence.empty()) return fmt::format("{} {}", verb, key);
  if (names_key) return fmt::format("{}: {}", verb, sentence);
  return fmt::format("{} {}: {}", verb, key, sentence);
}

}  // namespace

Channel channel_of(What what) noexcept {
  switch (what) {
    case What::kept:
      return Channel::none;
    case What::fetched:
    case What::adopted:
    case What::touched:
    case What::deleted:
      return Channel::result;
    case What::extraneous:
    case What::forgotten:
    case What::vanished:
      return Channel::detail;
    case What::archived:
    case What::refused:
    case What::local_kept:
      return Channel::warning;
    case What::failed:
      return Channel::error;
  }
  return Channel::error;
}

std::string object_line(const ObjectEvent& event, Wordiness wordiness) {
  const std::string key = text::escaped(event.key);
  const std::string_view verb = verb_of(event.what, event.dry_run);
  const std::string_view why = event.error != nullptr ? event.error->message : event.reason;
  if (channel_of(event.what) == Channel::error && !why.empty()) return complaint("", key, why);
  if (channel_of(event.what) >= Channel::warning) return complaint(verb, key, why);

  std::string line = fmt::format("{} {}", verb, key);
  std::string notes;
  const auto note = [&notes](std::string_view text) {
    if (!notes.empty()) notes += ", ";
    notes += text;
  };
  if (has_size(event.what)) note(units::format_size(event.size));
  if (!event.proof.empty()) note(printable(event.proof));
  if (wordiness == Wordiness::with_reason && !event.reason.empty()) note(printable(event.reason));
  if (!notes.empty()) line += fmt::format(" ({})", notes);
  return line;
}

std::string error_details(const Error& error) {
  std::string out;
  const auto add = [&](const std::string& fact, const std::string& text) {
    if (error.message.find(fact) != std::string::npos) return;
    if (!out.empty()) out += ", ";
    out += text;
  };
  if (error.http_status != 0) {
    const std::string status = std::to_string(error.http_status);
    add(status, "HTTP " + status);
  }
  // The codes of these kinds are our own.
  const bool from_server = error.kind != ErrorKind::local && error.kind != ErrorKind::refused_key;
  if (from_server && !error.code.empty()) add(error.code, printable(error.code));
  return out;
}

}  // namespace sluice::report
