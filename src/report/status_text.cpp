#include "report/status_text.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/event_stream.hpp"
#include "report/json.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace sluice::report {
namespace {

std::string counts(const PassReport& pass) {
  std::string out = fmt::format("{} listed", grouped(pass.listed));
  const auto add = [&out](std::uint64_t number, std::string_view word) {
    if (number > 0) out += fmt::format(", {} {}", grouped(number), word);
  };
  if (pass.fetched > 0 || pass.fetched_bytes > 0)
    out += fmt::format(", {} fetched ({})", grouped(pass.fetched),
                       units::format_size(pass.fetched_bytes));
  add(pass.kept, "unchanged");
  add(pass.deleted, "deleted");
  add(pass.failed, "failed");
  add(pass.refused, "refused");
  return out;
}

/// In whole seconds, which is enough for people.
std::string lasting(std::int64_t ms) {
  const auto duration = std::chrono::milliseconds(std::max<std::int64_t>(0, ms));
  return units::format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

bool is_in_pass(const MirrorStatus& status) {
  return status.process && !status.passes.empty() && status.passes.front().finished_ms == 0;
}

std::string process_text(const MirrorStatus& status, const StatusFacts& facts) {
  if (!status.process) return {};
  const std::string process =
      *status.process == 0 ? "a process" : fmt::format("process {}", *status.process);
  std::string out;
  if (!facts.watch) {
    out = fmt::format("  {} is at work on it\n", process);
  } else {
    const LiveWatch& watch = *facts.watch;
    out = fmt::format("  {} has watched it every {} since {} UTC", process,
                      units::format_duration(watch.interval), when(watch.started_ms));
    if (!watch.url.empty()) out += "; see " + printable(watch.url);
    out += fmt::format("\n  last sign of life {} ago", lasting(facts.now_ms - watch.heard_ms));
    if (watch.next_pass_ms)
      out += fmt::format(", next pass in {}", lasting(*watch.next_pass_ms - facts.now_ms));
    out += '\n';
  }
  if (is_in_pass(status))
    out += fmt::format("  a pass has been running for {}\n",
                       lasting(facts.now_ms - status.passes.front().started_ms));
  return out;
}

/// What a pass over all of it asks for: as the watch has counted, else for each 1,000 keys of the
/// last complete pass one (the most that S3 answers at once). 0: nothing is known.
std::uint64_t lists_a_pass(const MirrorStatus& status, const StatusFacts& facts) {
  constexpr std::uint64_t kPageKeys = 1000;
  if (facts.watch && facts.watch->list_requests > 0) return facts.watch->list_requests;
  for (const PassReport& pass : status.passes)
    if (pass.outcome == kPassComplete)
      return std::max<std::uint64_t>(1, (pass.listed + kPageKeys - 1) / kPageKeys);
  return 0;
}

std::optional<std::chrono::milliseconds> interval_of(const StatusFacts& facts) {
  if (!facts.watch || facts.watch->interval.count() <= 0) return std::nullopt;
  return facts.watch->interval;
}

JsonObject process_json(std::uint64_t pid, const std::optional<LiveWatch>& watch) {
  JsonObject out;
  if (pid != 0) out.number("pid", pid);
  out.flag("watches", watch.has_value());
  if (!watch) return out;
  out.integer("started_ms", watch->started_ms)
      .integer("heard_ms", watch->heard_ms)
      .integer("interval_ms", watch->interval.count());
  if (watch->next_pass_ms) out.integer("next_pass_ms", *watch->next_pass_ms);
  if (!watch->url.empty()) out.text("url", watch->url);
  return out;
}

JsonObject polling_json(std::uint64_t lists, std::optional<std::chrono::milliseconds> interval) {
  JsonObject out;
  out.number("list_requests_a_pass", lists);
  if (interval) out.number("list_requests_a_month", requests_a_month(lists, *interval));
  return out;
}

std::string pass_text(const PassReport& pass) {
  if (pass.finished_ms == 0)
    return fmt::format("{}  not finished: it still runs, or was killed", when(pass.started_ms));
  const auto took = std::chrono::milliseconds(pass.finished_ms - pass.started_ms);
  // "failed: why": why has a line of its own.
  const std::string_view outcome = pass.outcome;
  const std::string_view verdict = outcome.substr(0, outcome.find(": "));
  std::string out = fmt::format("{}  {} after {}: {}", when(pass.started_ms), printable(verdict),
                                units::format_duration(took), counts(pass));
  if (verdict.size() < outcome.size())
    out += fmt::format("\n      {}", printable(outcome.substr(verdict.size() + 2)));
  return out;
}

std::string source_text(const MirrorStatus& status) {
  std::string uri = "s3://" + text::escaped(status.bucket);
  if (!status.prefix.empty()) uri += '/' + text::escaped(status.prefix);
  return fmt::format("{} at {}", uri, printable(status.endpoint_host));
}

JsonObject pass_json(const PassReport& pass) {
  JsonObject out;
  out.integer("started_ms", pass.started_ms).flag("finished", pass.finished_ms != 0);
  if (pass.finished_ms != 0)
    out.integer("finished_ms", pass.finished_ms).text("outcome", pass.outcome);
  out.number("listed", pass.listed)
      .number("kept", pass.kept)
      .number("fetched", pass.fetched)
      .number("fetched_bytes", pass.fetched_bytes)
      .number("deleted", pass.deleted)
      .number("failed", pass.failed)
      .number("refused", pass.refused);
  return out;
}

}  // namespace

std::string status_text(const MirrorStatus& status, const StatusFacts& facts) {
  std::string out =
      fmt::format("{} mirrors {}\n  {}, {}", text::escaped(status.dir), source_text(status),
                  counted(status.objects, "object"), units::format_size(status.bytes));
  if (status.refused > 0) out += fmt::format("; {} refused", grouped(status.refused));
  if (status.partial_downloads > 0)
    out += fmt::format("; {} to go on with", counted(status.partial_downloads, "partial download"));
  out += '\n' + process_text(status, facts);
  if (const std::uint64_t lists = lists_a_pass(status, facts); lists > 0)
    out += fmt::format("  {}\n", polling_text(lists, interval_of(facts), facts.prices));
  if (status.passes.empty()) return out + "  no pass yet\n";
  out += fmt::format("Last passes, the newest first (UTC):\n");
  for (const PassReport& pass : status.passes) {
    const bool runs = &pass == status.passes.data() && is_in_pass(status);
    out += fmt::format("  {}\n", runs ? when(pass.started_ms) + "  runs" : pass_text(pass));
  }
  return out;
}

std::string status_json(const MirrorStatus& status, const StatusFacts& facts) {
  std::vector<JsonObject> passes;
  for (const PassReport& pass : status.passes)
    passes.push_back(pass_json(pass));
  JsonObject out;
  out.text("event", "status")
      .number("v", kEventVersion)
      .bytes("dir", status.dir)
      .text("endpoint_host", status.endpoint_host)
      .text("bucket", status.bucket)
      .bytes("prefix", status.prefix)
      .number("objects", status.objects)
      .number("size_bytes", status.bytes)
      .number("refused", status.refused)
      .number("partial_downloads", status.partial_downloads);
  if (status.process) out.object("process", process_json(*status.process, facts.watch));
  if (const std::uint64_t lists = lists_a_pass(status, facts); lists > 0)
    out.object("polling", polling_json(lists, interval_of(facts)));
  out.array("passes", passes);
  return out.str();
}

}  // namespace sluice::report
