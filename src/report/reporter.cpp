#include "report/reporter.hpp"

#include "report/object_line.hpp"

namespace sluice::report {

void Reporter::on_object(const ObjectEvent& event) {
  for (Observer* other : others_)
    other->on_object(event);
  if (options_.events != nullptr) options_.events->object(event);
  const Wordiness wordiness = options_.details ? Wordiness::with_reason : Wordiness::brief;
  switch (channel_of(event.what)) {
    case Channel::none:
      return;
    case Channel::result:
      return result(event, options_.results || event.dry_run, Level::info);
    case Channel::detail:
      return result(event, options_.details, Level::debug);
    case Channel::warning:
      return log_.write(Level::warning, object_line(event, wordiness), facts_of(event));
    case Channel::error:
      return log_.write(Level::error, object_line(event, wordiness), facts_of(event));
  }
}

void Reporter::on_message(Level level, std::string_view text) {
  for (Observer* other : others_)
    other->on_message(level, text);
  if (options_.events != nullptr && level >= event_level_) options_.events->message(level, text);
  log_.write(level, text);
}

void Reporter::on_pass_started() {
  if (options_.events != nullptr) options_.events->pass_started();
  for (Observer* other : others_)
    other->on_pass_started();
}

JsonObject Reporter::facts_of(const ObjectEvent& event) const {
  return log_.has_facts() ? object_json(event) : JsonObject();
}

void Reporter::result(const ObjectEvent& event, bool printed, Level level) {
  if (options_.events != nullptr) printed = false;
  const bool recorded = log_.records(level);
  if (!printed && !recorded) return;
  const Wordiness wordiness = options_.details ? Wordiness::with_reason : Wordiness::brief;
  const std::string line = object_line(event, wordiness);
  if (recorded) log_.record(level, line, facts_of(event));
  if (!printed) return;
  terminal_.print(options_.stamp == Stamp::utc ? utc_stamp() + ' ' + line : line);
}

}  // namespace sluice::report
