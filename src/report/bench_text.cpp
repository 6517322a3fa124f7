#include "report/bench_text.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/event_stream.hpp"
#include "report/json.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace sluice::report {
namespace {

constexpr double kGiB = static_cast<double>(units::GiB);
constexpr std::size_t kBar = 12;

std::string rate_text(double bytes_per_second) {
  return units::format_size(static_cast<std::uint64_t>(bytes_per_second)) + "/s";
}

double cpu_per_gib(const BenchTrial& trial) {
  return trial.bytes == 0 ? 0 : trial.cpu_seconds / static_cast<double>(trial.bytes) * kGiB;
}

std::string transfers_text(unsigned transfers) {
  return transfers == 0 ? "auto" : std::to_string(transfers);
}

std::string bar(double value, double most) {
  const double share = most > 0 ? value / most : 0;
  return std::string(static_cast<std::size_t>(std::lround(share * kBar)), '#');
}

std::string plot_text(const std::vector<BenchRow>& rows) {
  double rate = 0;
  double cpu = 0;
  double latency = 0;
  for (const BenchRow& row : rows) {
    rate = std::max(rate, row.rate);
    cpu = std::max(cpu, row.cpu_per_gib);
    latency = std::max(latency, row.first_byte_ms);
  }
  std::string out = fmt::format("\n  {:>5} {:>7} {:>3}  {:<24} {:<19} {}\n", "-j", "part", "thr",
                                "rate", "CPU s/GiB", "first byte ms");
  for (const BenchRow& row : rows)
    out += fmt::format("{} {:>5} {:>7} {:>3}  {:<12} {:>11} {:<12} {:>6.2f} {:<12} {:>6.1f}\n",
                       row.is_best ? '>' : ' ', transfers_text(row.setting.transfers),
                       units::format_size(row.setting.part_bytes), row.setting.threads,
                       bar(row.rate, rate), rate_text(row.rate), bar(row.cpu_per_gib, cpu),
                       row.cpu_per_gib, bar(row.first_byte_ms, latency), row.first_byte_ms);
  return out;
}

std::string listing_plot(const BenchReport& report) {
  double most = 0;
  for (const BenchListing& listing : report.listings)
    most = std::max(most, listing.keys_per_second());
  std::string out = "\n  listing\n";
  for (const BenchListing& listing : report.listings)
    out += fmt::format("{} {:>5} at once       {:<12} {:>9} keys/s\n",
                       report.advice.list_concurrency == listing.concurrency ? '>' : ' ',
                       listing.concurrency, bar(listing.keys_per_second(), most),
                       grouped(static_cast<std::uint64_t>(listing.keys_per_second())));
  return out;
}

/// Breaks at blanks; the first line begins with `first`, the others are indented as much.
std::string paragraph(std::string_view first, std::string_view text) {
  constexpr std::size_t kColumns = 80;
  const std::size_t width = kColumns - first.size();
  std::string out(first);
  while (text.size() > width) {
    std::size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut == 0) cut = width - 1;
    out += fmt::format("{}\n{:{}}", text.substr(0, cut), "", first.size());
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
  out += text;
  return out + '\n';
}

JsonObject setting_json(const BenchSetting& setting) {
  JsonObject out;
  out.number("transfers", setting.transfers)
      .number("part_bytes", setting.part_bytes)
      .number("threads", setting.threads);
  return out;
}

std::uint64_t micro(double value) {
  return static_cast<std::uint64_t>(std::llround(value * 1e6));
}

std::string_view name_of(BenchTrial::Kind kind) {
  switch (kind) {
    case BenchTrial::Kind::warm_up:
      return "warm-up";
    case BenchTrial::Kind::automatic:
      return "automatic";
    case BenchTrial::Kind::measured:
      break;
  }
  return "measured";
}

JsonObject trial_json(const BenchTrial& trial) {
  JsonObject out;
  out.text("kind", name_of(trial.kind))
      .object("setting", setting_json(trial.setting))
      .number("size_bytes", trial.bytes)
      .number("objects", trial.objects)
      .number("elapsed_us", micro(trial.seconds))
      .number("cpu_us", micro(trial.cpu_seconds))
      .number("first_byte_mean_us", micro(trial.first_byte.mean_ms / 1e3))
      .number("first_byte_p50_us", micro(trial.first_byte.p50_ms / 1e3))
      .number("first_byte_p99_us", micro(trial.first_byte.p99_ms / 1e3));
  return out;
}

JsonObject listing_json(const BenchListing& listing) {
  JsonObject out;
  out.number("list_concurrency", listing.concurrency)
      .number("keys", listing.keys)
      .number("requests", listing.requests)
      .number("elapsed_us", micro(listing.seconds))
      .number("cpu_us", micro(listing.cpu_seconds));
  return out;
}

JsonObject advice_json(const BenchAdvice& advice) {
  JsonObject out;
  if (advice.transfers) out.number("transfers", *advice.transfers);
  if (advice.part_bytes) out.number("part_bytes", *advice.part_bytes);
  if (advice.list_concurrency) out.number("list_concurrency", *advice.list_concurrency);
  if (advice.threads) out.number("threads", *advice.threads);
  return out;
}

std::string cost_text(const BenchReport& report) {
  std::string out =
      fmt::format("cost: {} of objects asked for", units::format_size(report.bytes_asked_for));
  const auto add = [&out](std::uint64_t number, std::string_view word) {
    if (number > 0) out += fmt::format(", {} {}", grouped(number), word);
  };
  add(report.requests.get, "GET");
  add(report.requests.head, "HEAD");
  add(report.requests.list, "LIST");
  return out;
}

}  // namespace

std::string setting_text(const BenchSetting& setting) {
  return fmt::format("{} transfers, {}, {}", transfers_text(setting.transfers),
                     units::format_size(setting.part_bytes), counted(setting.threads, "thread"));
}

std::string bench_plan_text(const BenchPlan& plan, std::string_view source) {
  std::string sample = fmt::format(
      "{}: of the first {}, {}, each trial fetches {}", source, counted(plan.keys_seen, "key"),
      units::format_size(plan.bytes_seen), counted(plan.distinct, "object"));
  if (plan.objects > plan.distinct)
    sample += fmt::format(", again and again: {} times in all", grouped(plan.objects));
  sample += fmt::format(", {}", units::format_size(plan.bytes));
  if (plan.cut_short == plan.distinct)
    sample += "; of each only the beginning, checked by length only";
  else if (plan.cut_short > 0)
    sample +=
        fmt::format("; of {} only the beginning, checked by length only", grouped(plan.cut_short));
  std::string cost =
      fmt::format("at most {}: {} of a budget of {}, {} GET", counted(plan.most_trials, "trial"),
                  units::format_size(plan.bytes * plan.most_trials),
                  units::format_size(plan.budget_bytes), grouped(plan.most_gets));
  if (plan.most_listings > 0)
    cost += fmt::format("; {}, about {} LIST", counted(plan.most_listings, "listing"),
                        grouped(plan.most_lists));
  cost += fmt::format("; no longer than {}", units::format_duration(plan.time));
  const std::string scratch =
      fmt::format("into {}, which is removed at the end", text::escaped(plan.scratch));
  return paragraph("", sample) + paragraph("", cost) + paragraph("", scratch);
}

std::string trial_header() {
  return fmt::format("\n{:>9} {:>8} {:>7} {:>11} {:>9} {:>9}  {}", "transfers", "part", "threads",
                     "rate", "objects/s", "CPU s/GiB", "first byte ms (p50, p99)");
}

std::string trial_line(const BenchTrial& trial) {
  std::string out = fmt::format(
      "{:>9} {:>8} {:>7} {:>11} {:>9} {:>9.2f} {:>7.1f} ({:.1f}, {:.1f})",
      transfers_text(trial.setting.transfers), units::format_size(trial.setting.part_bytes),
      trial.setting.threads, rate_text(trial.bytes_per_second()),
      grouped(static_cast<std::uint64_t>(
          trial.seconds > 0 ? static_cast<double>(trial.objects) / trial.seconds : 0)),
      cpu_per_gib(trial), trial.first_byte.mean_ms, trial.first_byte.p50_ms,
      trial.first_byte.p99_ms);
  if (trial.kind == BenchTrial::Kind::warm_up) out += "  warm-up";
  if (trial.kind == BenchTrial::Kind::automatic) out += "  no flags";
  return out;
}

std::string listing_header() {
  return fmt::format("\n{:>14} {:>9} {:>9} {:>9} {:>11}", "lists at once", "keys/s", "keys",
                     "requests", "CPU us/key");
}

std::string listing_line(const BenchListing& listing) {
  const double per_key =
      listing.keys == 0 ? 0 : listing.cpu_seconds * 1e6 / static_cast<double>(listing.keys);
  return fmt::format("{:>14} {:>9} {:>9} {:>9} {:>11.1f}", listing.concurrency,
                     grouped(static_cast<std::uint64_t>(listing.keys_per_second())),
                     grouped(listing.keys), grouped(listing.requests), per_key);
}

std::vector<BenchRow> bench_rows(const BenchReport& report) {
  std::vector<BenchRow> rows;
  for (const BenchTrial& trial : report.trials) {
    if (trial.kind == BenchTrial::Kind::warm_up) continue;
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const BenchRow& known) { return known.setting == trial.setting; });
    if (row == rows.end()) row = rows.insert(rows.end(), BenchRow{trial.setting});
    row->rate += trial.bytes_per_second();
    row->cpu_per_gib += cpu_per_gib(trial);
    row->first_byte_ms += trial.first_byte.mean_ms;
    ++row->trials;
  }
  for (BenchRow& row : rows) {
    row.rate /= row.trials;
    row.cpu_per_gib /= row.trials;
    row.first_byte_ms /= row.trials;
    row.is_best = report.best == row.setting;
  }
  std::sort(rows.begin(), rows.end(), [](const BenchRow& a, const BenchRow& b) {
    const auto order = [](const BenchSetting& s) {
      return std::tuple(s.transfers, s.part_bytes, s.threads);
    };
    return order(a.setting) < order(b.setting);
  });
  return rows;
}

std::string recommended_flags(const BenchAdvice& advice) {
  std::string out;
  const auto add = [&out](std::string_view flag, const std::string& value) {
    out += fmt::format("{}--{} {}", out.empty() ? "" : " ", flag, value);
  };
  if (advice.transfers) add("transfers", std::to_string(*advice.transfers));
  if (advice.part_bytes) {
    const bool whole = *advice.part_bytes % units::MiB == 0;
    add("part-size", whole ? fmt::format("{}MiB", *advice.part_bytes / units::MiB)
                           : std::to_string(*advice.part_bytes));
  }
  if (advice.list_concurrency) add("list-concurrency", std::to_string(*advice.list_concurrency));
  if (advice.threads) add("threads", std::to_string(*advice.threads));
  return out;
}

std::string bench_summary_text(const BenchReport& report) {
  std::string out;
  if (const auto rows = bench_rows(report); !rows.empty()) out += plot_text(rows);
  if (!report.listings.empty()) out += listing_plot(report);
  out += '\n';
  for (const std::string& remark : report.remarks)
    out += paragraph("- ", printable(remark));
  out += paragraph("", cost_text(report));
  if (report.failure) return out;
  if (report.interrupted)
    return out + "interrupted before everything was tried: nothing is recommended\n";
  const std::string flags = recommended_flags(report.advice);
  if (flags.empty()) return out + "recommended: no flags\n";
  if (report.best)
    out += fmt::format("rates within {:.0f} % count as equal; of those the cheapest is\n",
                       report.tolerance * 100);
  return out + fmt::format("recommended: {}\n", flags);
}

std::string bench_json(const BenchReport& report, std::string_view bucket,
                       std::string_view prefix) {
  std::vector<JsonObject> trials;
  for (const BenchTrial& trial : report.trials)
    trials.push_back(trial_json(trial));
  std::vector<JsonObject> listings;
  for (const BenchListing& listing : report.listings)
    listings.push_back(listing_json(listing));
  std::vector<JsonObject> remarks;
  for (const std::string& remark : report.remarks) {
    JsonObject one;
    one.text("text", remark);
    remarks.push_back(one);
  }
  JsonObject out;
  out.text("event", "bench")
      .number("v", kEventVersion)
      .text("bucket", bucket)
      .bytes("prefix", prefix)
      .array("trials", trials)
      .array("listings", listings)
      .number("tolerance_permille", micro(report.tolerance / 1e3))
      .array("remarks", remarks)
      .number("asked_for_bytes", report.bytes_asked_for)
      .object("requests", requests_json(report.requests))
      .flag("interrupted", report.interrupted);
  if (report.plan) {
    JsonObject sample;
    sample.number("keys_seen", report.plan->keys_seen)
        .number("seen_bytes", report.plan->bytes_seen)
        .number("objects", report.plan->objects)
        .number("distinct", report.plan->distinct)
        .number("cut_short", report.plan->cut_short)
        .number("size_bytes", report.plan->bytes)
        .number("budget_bytes", report.plan->budget_bytes);
    out.object("sample", sample);
  }
  if (report.failure || report.interrupted) return out.str();
  if (report.best) out.object("best", setting_json(*report.best));
  out.object("recommended", advice_json(report.advice))
      .text("flags", recommended_flags(report.advice));
  return out.str();
}

}  // namespace sluice::report
