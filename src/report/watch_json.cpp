#include "report/watch_json.hpp"

#include "base/time.hpp"
#include "report/json.hpp"

namespace sluice::report {
namespace {

JsonObject progress_json(const Progress& progress) {
  JsonObject counts;
  for (std::size_t i = 0; i < kWhatCount; ++i)
    counts.number(to_string(static_cast<What>(i)), progress.counts[i]);
  JsonObject out;
  out.flag("listing_done", progress.listing_done)
      .number("listed", progress.listed)
      .number("listed_before", progress.listed_before)
      .number("to_fetch", progress.to_fetch)
      .number("to_fetch_bytes", progress.to_fetch_bytes)
      .number("fetched_bytes", progress.fetched_bytes)
      .number("retries", progress.retries)
      .number("throttles", progress.throttles)
      .object("objects", counts);
  return out;
}

JsonObject pass_json(const PassView& pass) {
  JsonObject out;
  out.text("ended", dates::format_iso_ms(pass.ended_ms))
      .integer("elapsed_ms", pass.took.count())
      .text("outcome", to_string(pass.outcome));
  if (!pass.reason.empty()) out.text("reason", pass.reason);
  out.object("progress", progress_json(pass.progress));
  return out;
}

JsonObject object_json(const ObjectView& object) {
  JsonObject out;
  out.text("time", dates::format_iso_ms(object.time_ms))
      .text("what", to_string(object.what))
      .bytes("key", object.key)
      .number("size", object.size);
  if (!object.reason.empty()) out.text("reason", object.reason);
  return out;
}

JsonObject transfer_json(const ActiveTransfer& transfer) {
  JsonObject out;
  out.bytes("key", transfer.key)
      .number("size", transfer.size_bytes)
      .number("received_bytes", transfer.received_bytes)
      .integer("age_ms", transfer.age.count());
  return out;
}

template <class View>
std::vector<JsonObject> all(const std::vector<View>& views, JsonObject (*json)(const View&)) {
  std::vector<JsonObject> out;
  for (const View& view : views)
    out.push_back(json(view));
  return out;
}

}  // namespace

std::string watch_json(const WatchView& view) {
  JsonObject requests;
  for (std::size_t i = 0; i < kRequestKindCount; ++i)
    requests.number(kRequestKindNames[i], view.telemetry.requests[i].sent);
  JsonObject passes;
  for (std::size_t i = 0; i < kOutcomeCount; ++i)
    passes.number(to_string(static_cast<Outcome>(i)), view.passes[i]);
  JsonObject limits;
  limits.integer("interval_ms", view.interval.count())
      .number("bytes_per_second", view.bytes_per_second)
      .number("requests_per_second", view.requests_per_second);
  JsonObject queues;
  for (const QueueDepth& queue : view.work.queues)
    queues.object(queue.name,
                  JsonObject().number("waiting", queue.waiting).number("limit", queue.limit));
  JsonObject polling;
  polling.number("list_requests_a_pass", view.lists_a_pass)
      .number("list_requests_a_month", requests_a_month(view.lists_a_pass, view.interval));
  const std::string not_ready = why_not_ready(view);

  JsonObject out;
  out.text("version", view.version)
      .bytes("source", view.source)
      .bytes("dir", view.dir)
      .text("time", dates::format_iso_ms(view.now_ms))
      .text("started", dates::format_iso_ms(view.started_ms))
      .text("state", to_string(view.state))
      .flag("healthy", is_healthy(view))
      .flag("ready", not_ready.empty());
  if (!not_ready.empty()) out.text("not_ready", not_ready);
  if (view.last_success_ms) out.text("last_success", dates::format_iso_ms(*view.last_success_ms));
  if (view.next_pass_ms) out.text("next_pass", dates::format_iso_ms(*view.next_pass_ms));
  out.number("failures_in_a_row", view.failures_in_a_row)
      .integer("freshness_ms", view.staleness().count())
      .object("pass", progress_json(view.pass))
      .object("total", progress_json(view.telemetry.total))
      .object("passes", passes)
      .object("requests", requests)
      .object("limits", limits)
      .object("polling", polling)
      .object("queues", queues)
      .number("transfers_running", view.work.transfers)
      .array("transfers", all(view.work.oldest, &transfer_json))
      .array("last_passes", all(view.last_passes, &pass_json))
      .array("failures", all(view.failures, &object_json))
      .array("last_changes", all(view.last_changes, &object_json));
  return out.str() + '\n';
}

}  // namespace sluice::report
