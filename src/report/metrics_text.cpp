#include "report/metrics_text.hpp"

#include <fmt/format.h>

namespace sluice::report {
namespace {

/// Writes families one after the other: HELP, TYPE, then samples.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <class Number>
  void sample(Number value, std::string_view labels = {}, std::string_view suffix = {}) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) text_ += fmt::format("{{{}}}", labels);
    text_ += fmt::format(" {}\n", value);
  }
  template <class Number>
  void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

std::string label(std::string_view name, std::string_view value) {
  return fmt::format("{}=\"{}\"", name, label_escaped(value));
}

double seconds(std::int64_t milliseconds) {
  return static_cast<double>(milliseconds) / 1e3;
}

void passes(Exposition& out, const WatchView& view) {
  out.family("sluice_passes_total", "counter", "Passes that have ended, by what they came to.");
  for (std::size_t i = 0; i < kOutcomeCount; ++i)
    out.sample(view.passes[i], label("outcome", to_string(static_cast<Outcome>(i))));
  out.single("sluice_consecutive_failed_passes", "gauge", "Passes in a row that failed until now.",
             view.failures_in_a_row);
  const bool runs = view.state == WatchState::listing || view.state == WatchState::transferring;
  out.single("sluice_pass_running", "gauge", "1 while a pass runs, else 0.", runs ? 1 : 0);
  if (!view.last_passes.empty())
    out.single("sluice_last_pass_duration_seconds", "gauge", "How long the last pass took.",
               seconds(view.last_passes.front().took.count()));
  if (view.last_success_ms)
    out.single("sluice_last_success_timestamp_seconds", "gauge",
               "When the last complete pass ended. Absent until there is one.",
               seconds(*view.last_success_ms));
  if (view.next_pass_ms)
    out.single("sluice_next_pass_timestamp_seconds", "gauge",
               "When the next pass begins. Absent while one runs.", seconds(*view.next_pass_ms));
  out.single("sluice_freshness_seconds", "gauge",
             "Age of the oldest change that a listing has shown and that is not mirrored yet; 0 if "
             "there is none. By LastModified; deletions do not count.",
             seconds(view.staleness().count()));
}

void objects(Exposition& out, const WatchView& view) {
  const Progress& total = view.telemetry.total;
  out.family("sluice_objects_total", "counter",
             "Objects by what became of them, over all passes; kept ones count in each pass.");
  for (std::size_t i = 0; i < kWhatCount; ++i)
    out.sample(total.counts[i], label("outcome", to_string(static_cast<What>(i))));
  out.single("sluice_listed_objects_total", "counter", "Keys seen in listings.", total.listed);
  out.single("sluice_received_bytes_total", "counter", "Bytes of objects received.",
             total.fetched_bytes);
  out.single("sluice_retries_total", "counter", "Requests that were tried again.", total.retries);
  out.single("sluice_throttles_total", "counter",
             "Of the retries, those that the server asked for (SlowDown, 429, 503).",
             total.throttles);
  out.single("sluice_pass_to_fetch_objects", "gauge",
             "Objects that the pass, the one that runs or the last, has decided to fetch.",
             view.pass.to_fetch);
  out.single("sluice_pass_to_fetch_bytes", "gauge", "Their size.", view.pass.to_fetch_bytes);
}

void work(Exposition& out, const WatchView& view) {
  out.family("sluice_queue_items", "gauge", "What waits between two stages of the pass.");
  for (const QueueDepth& queue : view.work.queues)
    out.sample(queue.waiting, label("queue", queue.name));
  out.family("sluice_queue_limit_items", "gauge", "How much may wait there.");
  for (const QueueDepth& queue : view.work.queues)
    out.sample(queue.limit, label("queue", queue.name));
  out.single("sluice_active_transfers", "gauge", "Objects of which bytes are on their way.",
             view.work.transfers);
}

void latency(Exposition& out, std::string_view kind, const LatencyCounts& counts) {
  const std::string of_kind = label("kind", kind);
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < kLatencyBoundsUs.size(); ++i) {
    so_far += counts.buckets[i];
    const double bound = static_cast<double>(kLatencyBoundsUs[i]) / 1e6;
    out.sample(so_far, fmt::format("{},le=\"{}\"", of_kind, bound), "_bucket");
  }
  // From one snapshot, so that the buckets never exceed the count.
  const std::uint64_t all = counts.count();
  out.sample(all, of_kind + ",le=\"+Inf\"", "_bucket");
  out.sample(static_cast<double>(counts.sum_us) / 1e6, of_kind, "_sum");
  out.sample(all, of_kind, "_count");
}

void requests(Exposition& out, const WatchView& view) {
  constexpr std::array<std::string_view, kStatusClassCount> kClasses = {"none", "1xx", "2xx",
                                                                        "3xx",  "4xx", "5xx"};
  out.family("sluice_requests_total", "counter", "Requests sent to the bucket, by kind.");
  for (std::size_t i = 0; i < kRequestKindCount; ++i)
    out.sample(view.telemetry.requests[i].sent, label("kind", kRequestKindNames[i]));
  out.family("sluice_answers_total", "counter",
             "Requests that have ended, by kind and class of the status; none: without an answer.");
  for (std::size_t i = 0; i < kRequestKindCount; ++i) {
    for (std::size_t digit = 0; digit < kStatusClassCount; ++digit) {
      if (digit == 1) continue;  // never the last word
      out.sample(view.telemetry.requests[i].ended[digit],
                 label("kind", kRequestKindNames[i]) + ',' + label("class", kClasses[digit]));
    }
  }
  out.family("sluice_request_first_byte_seconds", "histogram",
             "From sending a request, a new connection included, until the head of its answer.");
  for (std::size_t i = 0; i < kRequestKindCount; ++i)
    latency(out, kRequestKindNames[i], view.telemetry.requests[i].first_byte);
}

void process(Exposition& out, const WatchView& view) {
  out.single("sluice_resident_memory_bytes", "gauge", "Memory of the process.",
             view.resident_bytes);
  out.single("sluice_open_descriptors", "gauge", "Descriptors that the process has open.",
             view.open_descriptors);
  out.single("sluice_open_sockets", "gauge",
             "Of those, sockets: connections to the bucket, and what this page is served by.",
             view.open_sockets);
  out.single("sluice_start_timestamp_seconds", "gauge", "When the watch began.",
             seconds(view.started_ms));
  out.family("sluice_build_info", "gauge", "1, with the version of sluice.");
  out.sample(1, label("version", view.version));
}

}  // namespace

std::string label_escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string metrics_text(const WatchView& view) {
  Exposition out;
  passes(out, view);
  objects(out, view);
  work(out, view);
  requests(out, view);
  process(out, view);
  return out.take();
}

}  // namespace sluice::report
