#include "report/summary_text.hpp"

#include "base/units.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

namespace sluice::report {
namespace {

/// Items joined by commas.
class Sentence {
 public:
  void add(std::string item) {
    if (!text_.empty()) text_ += ", ";
    text_ += item;
  }
  void add_count(std::uint64_t number, std::string_view word) {
    if (number > 0) add(grouped(number) + ' ' + std::string(word));
  }
  bool empty() const noexcept { return text_.empty(); }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

std::string headline(const PassSummary& summary, Run run) {
  const Progress& progress = summary.progress;
  const std::string listed = fmt::format("{}{}, {}", counted(progress.listed, "object"),
                                         summary.listing_complete ? " in the bucket" : " listed",
                                         units::format_size(progress.listed_bytes));
  if (summary.interrupted) return "interrupted: the next run goes on from here; " + listed;
  if (summary.failure) return "failed: " + listed;
  if (run == Run::dry) return "dry run, nothing was changed: " + listed;
  if (summary.guard) return "deletion refused, the rest is done: " + listed;
  if (!shortcomings(summary).empty()) return "incomplete: " + listed;
  return "up to date: " + listed;
}

std::string fetched_item(const PassSummary& summary, Run run) {
  const Progress& progress = summary.progress;
  const std::uint64_t bytes = run == Run::dry ? progress.to_fetch_bytes : progress.fetched_bytes;
  std::string out =
      fmt::format("{} {} ({}", grouped(progress.count(What::fetched)),
                  run == Run::dry ? "to fetch" : "fetched", units::format_size(bytes));
  if (progress.resumed_bytes > 0)
    out += fmt::format(", and {} from a run that was cut short",
                       units::format_size(progress.resumed_bytes));
  return out + ")";
}

Sentence operations(const PassSummary& summary, Run run) {
  const Progress& progress = summary.progress;
  const bool dry = run == Run::dry;
  Sentence out;
  if (progress.count(What::fetched) > 0 || progress.fetched_bytes > 0)
    out.add(fetched_item(summary, run));
  out.add_count(progress.count(What::adopted), dry ? "to adopt" : "adopted");
  out.add_count(progress.count(What::touched), dry ? "to set the time of" : "with a new time");
  out.add_count(progress.count(What::deleted), dry ? "to delete" : "deleted");
  out.add_count(progress.count(What::kept), "unchanged");
  out.add_count(progress.excluded, "excluded");
  out.add_count(progress.count(What::vanished), "vanished meanwhile");
  return out;
}

std::string cost(const PassSummary& summary) {
  const double seconds = std::chrono::duration<double>(summary.elapsed).count();
  std::string out = units::format_duration(summary.elapsed);
  if (seconds > 0 && summary.progress.fetched_bytes > 0) {
    const double rate = static_cast<double>(summary.progress.fetched_bytes) / seconds;
    out += fmt::format(", {}/s", units::format_size(static_cast<std::uint64_t>(rate)));
  }
  Sentence requests;
  requests.add_count(summary.requests.list, "LIST");
  requests.add_count(summary.requests.head, "HEAD");
  requests.add_count(summary.requests.get, "GET");
  requests.add_count(summary.requests.probe, "probe GET");
  if (!requests.empty()) out += "; requests: " + requests.text();
  if (const std::uint64_t retries = summary.progress.retries; retries > 0)
    out += fmt::format("; {} {}", grouped(retries), retries == 1 ? "retry" : "retries");
  return out;
}

/// How sure we may be of what came.
std::string verification(const ProofCounts& proofs) {
  Sentence out;
  out.add_count(proofs.checksum, "by checksum");
  out.add_count(proofs.md5, "by MD5");
  out.add_count(proofs.composite, "by the checksum of their parts");
  out.add_count(proofs.length, "by length only (the server offers no checksum)");
  out.add_count(proofs.none, "taken over by size and time");
  return out.empty() ? "" : "verified: " + out.text();
}

}  // namespace

std::string shortcomings(const PassSummary& summary) {
  const Progress& progress = summary.progress;
  Sentence out;
  out.add_count(progress.count(What::failed), "failed");
  out.add_count(progress.count(What::refused), "refused");
  out.add_count(progress.count(What::archived), "archived");
  out.add_count(progress.count(What::local_kept), "modified locally and left alone");
  return out.text();
}

std::string summary_text(const PassSummary& summary, Run run) {
  std::string out = headline(summary, run) + '\n';
  const auto line = [&out](std::string_view text) {
    if (!text.empty()) out += fmt::format("  {}\n", text);
  };
  line(operations(summary, run).text());
  line(shortcomings(summary));
  if (const std::uint64_t extra = summary.progress.count(What::extraneous); extra > 0)
    line(fmt::format("{} here but gone from the bucket (--delete removes what is unmodified)",
                     counted(extra, "file")));
  line(verification(summary.proofs));
  line(cost(summary));
  return out;
}

bool is_eventful(const PassSummary& summary) noexcept {
  if (summary.failure || summary.guard) return true;
  for (const What what :
       {What::fetched, What::adopted, What::touched, What::deleted, What::forgotten, What::failed})
    if (summary.progress.count(what) > 0) return true;
  return false;
}

std::string pass_line(const PassSummary& summary) {
  Sentence out = operations(summary, Run::real);
  if (const std::string missing = shortcomings(summary); !missing.empty()) out.add(missing);
  out.add_count(summary.progress.count(What::extraneous), "extraneous");
  if (out.empty()) out.add("no objects");
  return fmt::format("{} in {}", out.text(), units::format_duration(summary.elapsed));
}

}  // namespace sluice::report
