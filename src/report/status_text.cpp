#include "report/status_text.hpp"

#include "base/text.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "report/event_stream.hpp"
#include "report/json.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <chrono>
#include <vector>

namespace sluice::report {
namespace {

/// 2024-01-02 03:04:05
std::string when(std::int64_t unix_ms) {
  std::string time = dates::format_iso_ms(unix_ms).substr(0, 19);
  time[10] = ' ';
  return time;
}

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

std::string pass_text(const PassReport& pass) {
  if (pass.finished_ms == 0)
    return fmt::format("{}  not finished: it still runs, or was killed", when(pass.started_ms));
  const auto took = std::chrono::milliseconds(pass.finished_ms - pass.started_ms);
  return fmt::format("{}  {}; {}, {}", when(pass.started_ms), printable(pass.outcome),
                     units::format_duration(took), counts(pass));
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

std::string status_text(const MirrorStatus& status) {
  std::string out =
      fmt::format("{} mirrors {}\n  {}, {}", text::escaped(status.dir), source_text(status),
                  counted(status.objects, "object"), units::format_size(status.bytes));
  if (status.refused > 0) out += fmt::format("; {} refused", grouped(status.refused));
  out += '\n';
  if (status.passes.empty()) return out + "  no pass yet\n";
  out += fmt::format("Last passes, the newest first (UTC):\n");
  for (const PassReport& pass : status.passes)
    out += fmt::format("  {}\n", pass_text(pass));
  return out;
}

std::string status_json(const MirrorStatus& status) {
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
      .array("passes", passes);
  return out.str();
}

}  // namespace sluice::report
