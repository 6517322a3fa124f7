#include "report/event_stream.hpp"

#include "base/time.hpp"
#include "report/wording.hpp"

#include <array>
#include <chrono>

namespace sluice::report {
namespace {

constexpr std::array kEveryWhat = {
    What::kept,     What::fetched,    What::adopted,    What::touched,
    What::deleted,  What::extraneous, What::local_kept, What::forgotten,
    What::vanished, What::archived,   What::refused,    What::failed,
};
static_assert(kEveryWhat.size() == kWhatCount);

JsonObject begin(std::string_view event) {
  JsonObject out;
  out.text("event", event);
  return out;
}

JsonObject begin_now(std::string_view event) {
  JsonObject out = begin(event);
  out.integer("time_ms", unix_ms(WallClock::now()));
  return out;
}

/// Field names have no dashes.
std::string field_name(What what) {
  std::string name(to_string(what));
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

JsonObject counts_of(const Progress& progress) {
  JsonObject out;
  for (const What what : kEveryWhat)
    out.number(field_name(what), progress.count(what));
  return out;
}

JsonObject proofs_of(const ProofCounts& proofs) {
  JsonObject out;
  out.number("checksum", proofs.checksum)
      .number("md5", proofs.md5)
      .number("composite", proofs.composite)
      .number("length", proofs.length)
      .number("none", proofs.none);
  return out;
}

}  // namespace

JsonObject requests_json(const RequestCounts& requests) {
  JsonObject out;
  out.number("list", requests.list)
      .number("head", requests.head)
      .number("get", requests.get)
      .number("probe", requests.probe);
  return out;
}

JsonObject error_json(const Error& error) {
  JsonObject out;
  out.text("kind", to_string(error.kind)).text("message", error.message);
  if (!error.code.empty()) out.text("code", error.code);
  if (error.http_status != 0) out.integer("http_status", error.http_status);
  if (error.os_error != 0) out.integer("errno", error.os_error);
  return out;
}

JsonObject object_json(const ObjectEvent& event) {
  JsonObject out;
  out.text("what", to_string(event.what)).bytes("key", event.key).number("size_bytes", event.size);
  if (!event.reason.empty() && event.error == nullptr) out.text("reason", event.reason);
  if (!event.proof.empty()) out.text("proof", event.proof);
  if (event.error != nullptr) out.object("error", error_json(*event.error));
  if (event.dry_run) out.flag("dry_run", true);
  return out;
}

void EventStream::run_started(const RunFacts& facts) {
  JsonObject out = begin("run_started");
  out.number("v", kEventVersion)
      .integer("time_ms", unix_ms(WallClock::now()))
      .text("command", facts.command)
      .text("program_version", facts.program_version)
      .text("bucket", facts.source.bucket)
      .bytes("prefix", facts.source.prefix);
  if (!facts.dir.empty()) out.bytes("dir", facts.dir).flag("dry_run", facts.dry_run);
  print(out);
}

void EventStream::pass_started() {
  in_pass_ = true;
  JsonObject out = begin_now("pass_started");
  out.number("pass", ++passes_);
  print(out);
}

void EventStream::object(const ObjectEvent& event) {
  JsonObject out = begin_now("object");
  print(out.add(object_json(event)));
}

void EventStream::message(Level level, std::string_view text) {
  JsonObject out = begin_now("message");
  out.text("level", name_of(level)).text("text", text);
  print(out);
}

void EventStream::pass_finished(const PassSummary& summary, ExitStatus status) {
  if (!in_pass_.exchange(false)) return;
  const Progress& progress = summary.progress;
  JsonObject out = begin_now("pass_finished");
  out.number("pass", passes_)
      .integer("exit_status", static_cast<int>(status))
      .integer("elapsed_ms", summary.elapsed.count())
      .flag("interrupted", summary.interrupted)
      .flag("listing_complete", summary.listing_complete)
      .number("listed", progress.listed)
      .number("listed_bytes", progress.listed_bytes)
      .number("excluded", progress.excluded)
      .number("to_fetch", progress.to_fetch)
      .number("to_fetch_bytes", progress.to_fetch_bytes)
      .number("fetched_bytes", progress.fetched_bytes)
      .number("resumed_bytes", progress.resumed_bytes)
      .number("retries", progress.retries)
      .object("counts", counts_of(progress))
      .object("proofs", proofs_of(summary.proofs))
      .object("requests", requests_json(summary.requests));
  if (summary.failure) out.object("failure", error_json(*summary.failure));
  if (summary.guard) out.object("guard", error_json(*summary.guard));
  print(out);
}

void EventStream::listed(const ListEntry& entry) {
  JsonObject out = begin("listed");
  out.bytes("key", entry.key)
      .number("size_bytes", entry.size)
      .integer("modified_ms", entry.modified_ms)
      .text("etag", entry.etag);
  if (entry.archived) out.flag("archived", true);
  print(out);
}

void EventStream::list_finished(const ListTotals& totals) {
  JsonObject out = begin_now("list_finished");
  out.number("objects", totals.objects).number("size_bytes", totals.bytes);
  print(out);
}

void EventStream::run_finished(int exit_status, const Error* error) {
  JsonObject out = begin_now("run_finished");
  out.integer("exit_status", exit_status);
  if (error != nullptr) out.object("error", error_json(*error));
  print(out);
}

}  // namespace sluice::report
