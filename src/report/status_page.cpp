#include "report/status_page.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace sluice::report {

const std::string_view kPageScript = R"(// Takes the page's own <main> anew every 3 s.
'use strict';
setInterval(async () => {
  const note = document.getElementById('offline');
  try {
    const answer = await fetch('/', {cache: 'no-store'});
    const text = await answer.text();
    const main = new DOMParser().parseFromString(text, 'text/html').querySelector('main');
    if (!answer.ok || !main) throw new Error('no page');
    document.querySelector('main').replaceWith(main);
    note.hidden = true;
  } catch (error) {
    note.hidden = false;
  }
}, 3000);
)";

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#1c2329;--soft:#5c6873;--line:#e2e6ea;
--accent:#0b6e99;--fill:#0b6e9922;--good:#1a7f4b;--busy:#0b6e99;--bad:#b3261e;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--bg:#12171b;--card:#1a2127;--ink:#e4e9ed;--soft:#98a5b0;
--line:#2b343c;--accent:#5bb8e0;--fill:#5bb8e026;--good:#5fca93;--busy:#5bb8e0;--bad:#ff8a80;
--warn:#e6b450}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
main,.note,footer{max-width:1080px;margin:0 auto;padding:0 16px}
header{padding:28px 0 18px}
h1{font-size:22px;line-height:1.3;margin:0;font-weight:600;overflow-wrap:anywhere;
unicode-bidi:isolate}
h1 small{display:block;font-size:15px;font-weight:400;color:var(--soft)}
h2{font-size:13px;font-weight:600;margin:0 0 10px;color:var(--soft)}
.state{display:inline-block;margin-top:12px;font-weight:600}
.state::before{content:"";display:inline-block;width:10px;height:10px;border-radius:50%;
background:currentColor;margin-right:8px}
.good{color:var(--good)}.busy{color:var(--busy)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.soft{color:var(--soft)}
.next{color:var(--soft);margin-left:10px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;
margin:0 0 14px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;
margin:0 0 14px}
.facts .card{margin:0}
.facts b{display:block;font-size:18px;font-weight:600;font-variant-numeric:tabular-nums;
line-height:1.3;overflow-wrap:anywhere}
.facts span{color:var(--soft);font-size:13px}
svg{display:block;width:100%;height:110px}
.axis{display:flex;justify-content:space-between;color:var(--soft);font-size:13px;margin-top:6px}
progress{width:100%;height:8px;border:0;border-radius:4px;background:var(--line);
overflow:hidden;accent-color:var(--accent)}
progress::-webkit-progress-bar{background:var(--line)}
progress::-webkit-progress-value{background:var(--accent)}
progress::-moz-progress-bar{background:var(--accent)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:400;color:var(--soft);font-size:13px;padding:0 14px 4px 0;
white-space:nowrap}
td{padding:6px 14px 6px 0;border-top:1px solid var(--line);vertical-align:top}
td:last-child,th:last-child{padding-right:0}
td.n,th.n{text-align:right;white-space:nowrap}
td.t{width:1%;white-space:nowrap;color:var(--soft)}
.key{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:13px;overflow-wrap:anywhere;
unicode-bidi:isolate}
.key+span{font-size:13px}
.why{color:var(--soft);font-size:13px;overflow-wrap:anywhere;display:block;max-width:72ch}
.note{padding-top:12px;color:var(--bad)}
footer{color:var(--soft);font-size:13px;padding-bottom:32px}
footer a{color:var(--accent)}
@media(max-width:560px){.wide{display:none}h1{font-size:19px}.next{display:block;margin:2px 0 0}
.facts{grid-template-columns:1fr 1fr;gap:10px}
#passes :nth-child(4){padding-right:0}}
)";

/// As `when`, without the date if that is today's.
std::string when_of(std::int64_t unix_ms, std::int64_t now_ms) {
  std::string time = when(unix_ms);
  return time.substr(0, 10) == when(now_ms).substr(0, 10) ? time.substr(11) : time;
}

/// Seconds are enough for people.
std::string lasting(milliseconds duration) {
  if (duration >= std::chrono::seconds(10))
    duration = std::chrono::floor<std::chrono::seconds>(duration);
  return units::format_duration(duration);
}

std::string ago(std::int64_t then_ms, std::int64_t now_ms) {
  const milliseconds age(std::max<std::int64_t>(0, now_ms - then_ms));
  return age < std::chrono::seconds(1) ? "just now" : lasting(age) + " ago";
}

std::string_view colour_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete:
      return "good";
    case Outcome::incomplete:
    case Outcome::guarded:
      return "warn";
    case Outcome::failed:
      return "bad";
    case Outcome::interrupted:
      return "soft";
  }
  return "soft";
}

std::string headline(const WatchView& view) {
  const bool is_busy = view.state == WatchState::listing || view.state == WatchState::transferring;
  std::string_view colour = is_busy ? "busy" : "good";
  std::string words(to_string(view.state));
  std::string next;
  if (!is_healthy(view)) {
    colour = "bad";
    words = "stuck: the engine has not been heard of for " + lasting(view.silence);
  } else if (view.failures_in_a_row > 0) {
    colour = "bad";
    words += ", the last pass failed";
    if (view.failures_in_a_row > 1)
      words = fmt::format("{}, the last {} passes failed", to_string(view.state),
                          view.failures_in_a_row);
  } else if (view.state == WatchState::idle && !view.failures.empty()) {
    colour = "warn";
    words += ", " + counted(view.failures.size(), "object") + " not mirrored";
  } else if (view.state == WatchState::idle) {
    words = "idle, in step with the bucket";
  }
  if (view.next_pass_ms) {
    const milliseconds left(std::max<std::int64_t>(0, *view.next_pass_ms - view.now_ms));
    next = fmt::format("<span class=next>next pass in {}</span>", lasting(left));
  }
  return fmt::format("<span class=\"state {}\">{}</span>{}", colour, words, next);
}

std::string fact(std::string_view number, std::string_view name) {
  return fmt::format("<div class=card><b>{}</b><span>{}</span></div>", number, name);
}

std::string facts(const WatchView& view) {
  const Progress& total = view.telemetry.total;
  const milliseconds behind = view.staleness();
  std::string out = "<div class=facts>";
  out += fact(behind.count() == 0 ? "none" : lasting(behind), "oldest change not mirrored");
  out += fact(view.last_success_ms ? ago(*view.last_success_ms, view.now_ms) : "never",
              "last complete pass");
  out += fact(grouped(total.count(What::fetched)), "objects fetched");
  out += fact(units::format_size(total.fetched_bytes), "received");
  out += fact(grouped(view.pass.listed), "objects in the listing");
  out += fact(grouped(total.retries), "requests tried again");
  return out + "</div>";
}

/// The last hour, the newest at the right.
std::string chart(const Throughput& throughput) {
  constexpr std::size_t kWidth = 960;
  constexpr std::size_t kHeight = 110;
  const std::size_t slots = static_cast<std::size_t>(std::chrono::hours(1) / throughput.step);
  const std::size_t count = std::min(throughput.rates.size(), slots);
  const std::span<const std::uint64_t> rates = std::span(throughput.rates).last(count);
  std::uint64_t peak = 0;
  for (const std::uint64_t rate : rates)
    peak = std::max(peak, rate);
  std::string points;
  const double step = static_cast<double>(kWidth) / static_cast<double>(slots);
  double first = kWidth;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = kWidth - static_cast<double>(count - i) * step;
    const double part = peak == 0 ? 0 : static_cast<double>(rates[i]) / static_cast<double>(peak);
    const double y = kHeight - 2 - part * (kHeight - 8);
    if (i == 0) first = x;
    points += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ", x, y, x + step, y);
  }
  std::string out = fmt::format(
      "<section class=card><h2>Throughput, peak {}/s</h2>"
      "<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=none role=img "
      "aria-label=\"bytes received a second, last hour\">",
      units::format_size(peak), kWidth, kHeight);
  out += fmt::format("<line x1=0 y1={0} x2={1} y2={0} stroke=\"var(--line)\" stroke-width=1 />",
                     kHeight - 1, kWidth);
  if (count > 0) {
    out += fmt::format("<polygon points=\"{:.1f},{} {}{},{}\" fill=\"var(--fill)\" />", first,
                       kHeight - 1, points, kWidth, kHeight - 1);
    out += fmt::format(
        "<polyline points=\"{}\" fill=none stroke=\"var(--accent)\" stroke-width=1.5 "
        "stroke-linejoin=round vector-effect=non-scaling-stroke />",
        points);
  }
  const std::string now =
      rates.empty() ? "now" : fmt::format("now {}/s", units::format_size(rates.back()));
  return out + "</svg><div class=axis><span>1 h ago</span><span>" + now + "</span></div></section>";
}

/// What waits, in the order in which it goes through them.
std::string queues(const WatchView& view) {
  constexpr std::array<std::string_view, kQueueCount> kNames = {
      "pages of the listing", "files to compare", "parts to fetch", "files to put in place"};
  std::string out;
  for (std::size_t i = 0; i < kQueueCount; ++i) {
    const QueueDepth& queue = view.work.queues[i];
    out += fmt::format("{}{} of {} {}", out.empty() ? "waiting: " : ", ", grouped(queue.waiting),
                       grouped(queue.limit), kNames[i]);
  }
  return fmt::format("<div class=soft id=queues>{}</div>", out);
}

std::string current_pass(const WatchView& view) {
  if (view.state != WatchState::listing && view.state != WatchState::transferring) return {};
  const Progress& pass = view.pass;
  std::string out = "<section class=card><h2>This pass</h2>";
  const std::string about = !pass.listing_done && pass.listed_before > pass.listed
                                ? fmt::format(" of about {}", grouped(pass.listed_before))
                                : std::string();
  out += fmt::format("<div>{}{} listed{}, {} of {} fetched, {} of {}</div>", grouped(pass.listed),
                     about, pass.listing_done ? "" : " so far", grouped(pass.count(What::fetched)),
                     grouped(pass.to_fetch), units::format_size(pass.fetched_bytes),
                     units::format_size(pass.to_fetch_bytes));
  if (pass.to_fetch_bytes > 0)
    out += fmt::format("<progress max={} value={}></progress>", pass.to_fetch_bytes,
                       std::min(pass.to_fetch_bytes, pass.fetched_bytes + pass.resumed_bytes));
  return out + queues(view) + "</section>";
}

std::string transfers(const WatchView& view) {
  const std::vector<ActiveTransfer>& shown = view.work.oldest;
  if (shown.empty()) return {};
  std::string out =
      "<section class=card><h2>On their way</h2><div class=scroll><table id=transfers>";
  for (const ActiveTransfer& transfer : shown)
    out += fmt::format(
        "<tr><td><span class=key>{}</span><td class=wide><progress max={} value={}></progress>"
        "<td class=n>{} of {}<td class=n>{}",
        html_escaped(transfer.key), std::max<std::uint64_t>(1, transfer.size_bytes),
        transfer.received_bytes, units::format_size(transfer.received_bytes),
        units::format_size(transfer.size_bytes), lasting(transfer.age));
  out += "</table></div>";
  if (view.work.transfers > shown.size())
    out += fmt::format("<div class=soft>and {} more</div>",
                       grouped(view.work.transfers - shown.size()));
  return out + "</section>";
}

std::string failures(const WatchView& view) {
  if (view.failures.empty()) return {};
  std::string out =
      "<section class=card><h2>Not mirrored</h2><div class=scroll><table id=failures>";
  for (const ObjectView& failure : view.failures)
    out += fmt::format(
        "<tr><td class=t>{}<td><span class=key>{}</span> <span class=bad>{}</span>"
        "<span class=why>{}</span>",
        when_of(failure.time_ms, view.now_ms), html_escaped(failure.key), to_string(failure.what),
        html_escaped(printable(failure.reason)));
  return out + "</table></div></section>";
}

std::string passes(const WatchView& view) {
  if (view.last_passes.empty()) return {};
  std::string out =
      "<section class=card><h2>Last passes</h2><div class=scroll><table id=passes>"
      "<tr><th>Ended<th>Outcome<th class=n>Took<th class=n>Fetched<th class=\"n wide\">Bytes"
      "<th class=\"n wide\">Deleted<th class=\"n wide\">Failed<th class=\"n wide\">Unchanged";
  for (const PassView& pass : view.last_passes) {
    const std::string why = pass.reason.empty() ? std::string()
                                                : fmt::format("<span class=why>{}</span>",
                                                              html_escaped(printable(pass.reason)));
    out += fmt::format(
        "<tr><td class=t>{}<td><span class={}>{}</span>{}<td class=n>{}<td class=n>{}"
        "<td class=\"n wide\">{}<td class=\"n wide\">{}<td class=\"n wide\">{}"
        "<td class=\"n wide\">{}",
        when_of(pass.ended_ms, view.now_ms), colour_of(pass.outcome), to_string(pass.outcome), why,
        lasting(pass.took), grouped(pass.progress.count(What::fetched)),
        units::format_size(pass.progress.fetched_bytes),
        grouped(pass.progress.count(What::deleted)), grouped(pass.progress.count(What::failed)),
        grouped(pass.progress.count(What::kept)));
  }
  return out + "</table></div></section>";
}

std::string changes(const WatchView& view) {
  if (view.last_changes.empty()) return {};
  std::string out = "<section class=card><h2>Last changes</h2><div class=scroll><table>";
  for (const ObjectView& change : view.last_changes)
    out += fmt::format(
        "<tr><td class=t>{}<td><span class=key>{}</span> <span class=soft>{}</span><td class=n>{}",
        when_of(change.time_ms, view.now_ms), html_escaped(change.key), to_string(change.what),
        units::format_size(change.size));
  return out + "</table></div></section>";
}

std::string limits(const WatchView& view) {
  const std::string bytes = view.bytes_per_second == 0
                                ? "no limit of bytes"
                                : units::format_size(view.bytes_per_second) + "/s";
  const std::string requests = view.requests_per_second == 0
                                   ? "no limit of requests"
                                   : grouped(view.requests_per_second) + " requests/s";
  return fmt::format("A pass every {}, {}, {}. Watching since {} UTC; all times are UTC.",
                     units::format_duration(view.interval), bytes, requests, when(view.started_ms));
}

/// What it costs to ask.
std::string costs(const WatchView& view) {
  RequestCounts sent;
  sent.list = view.telemetry.requests[0].sent;
  sent.head = view.telemetry.requests[1].sent;
  sent.get = view.telemetry.requests[2].sent;
  sent.probe = view.telemetry.requests[3].sent;
  std::string out = fmt::format("Asked for since then: {} LIST, {} GET and HEAD{}",
                                grouped(sent.list), grouped(sent.head + sent.get + sent.probe),
                                view.prices ? " (" + price_of(sent, *view.prices) + ")" : "");
  if (view.lists_a_pass > 0)
    out += "; " + polling_text(view.lists_a_pass, view.interval, view.prices);
  return out + '.';
}

}  // namespace

std::string html_escaped(std::string_view bytes) {
  std::string out;
  for (const char c : text::escaped(bytes)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string status_page(const WatchView& view) {
  std::string out =
      "<!doctype html><html lang=en><head><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
      "<noscript><meta http-equiv=refresh content=10></noscript>"
      "<link rel=icon href=\"data:,\">";
  out +=
      fmt::format("<title>sluice: {}</title><style>{}</style>", html_escaped(view.source), kStyle);
  out +=
      "<script src=\"/live.js\" defer></script></head><body>"
      "<div class=note id=offline hidden>This page is not current: sluice does not answer.</div>"
      "<main>";
  out += fmt::format("<header><h1>{}<small>into {}</small></h1>{}</header>",
                     html_escaped(view.source), html_escaped(view.dir), headline(view));
  out += facts(view) + current_pass(view) + transfers(view) + failures(view) +
         chart(view.throughput) + passes(view) + changes(view);
  out += fmt::format(
      "<footer>{}<br>{}<br>sluice {} &middot; <a href=\"/status\">status</a> &middot; "
      "<a href=\"/metrics\">metrics</a></footer></main></body></html>\n",
      limits(view), costs(view), html_escaped(view.version));
  return out;
}

}  // namespace sluice::report
