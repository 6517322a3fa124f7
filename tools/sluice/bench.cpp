#include "sluice/bench.hpp"

#include "base/text.hpp"
#include "console.hpp"
#include "report/bench_svg.hpp"
#include "report/bench_text.hpp"
#include "verbs.hpp"

#include "sluice/summary.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace sluice::cli {
namespace {

std::string scratch_parent(const Settings& settings) {
  if (!settings.bench.scratch_dir.empty()) return settings.bench.scratch_dir;
  const char* tmpdir = std::getenv("TMPDIR");
  return tmpdir != nullptr && *tmpdir != '\0' ? tmpdir : "/tmp";
}

BenchOptions options_of(const Settings& settings) {
  BenchOptions options;
  options.source = settings.mirror.source;
  options.tuning = settings.mirror.tuning;
  options.keeps_part_bytes = settings.bench.keeps_part_bytes;
  options.filters = settings.mirror.filters;
  options.verify = settings.mirror.verify;
  options.scratch_dir = scratch_parent(settings);
  options.budget_bytes = settings.bench.budget_bytes;
  options.time = settings.bench.time;
  return options;
}

std::string source_text(const SourceOptions& source) {
  std::string uri = "s3://" + text::escaped(source.bucket);
  if (!source.prefix.empty()) uri += '/' + text::escaped(source.prefix);
  return uri;
}

/// The tables grow while it goes on.
BenchListener listener_of(Console& console, const std::string& source) {
  struct Shown {
    bool trials = false;
    bool listings = false;
  };
  const auto shown = std::make_shared<Shown>();
  BenchListener listener;
  listener.on_plan = [&console, source](const BenchPlan& plan) {
    console.print_text(report::bench_plan_text(plan, source));
  };
  listener.on_listing = [&console, shown](const BenchListing& listing) {
    if (!std::exchange(shown->listings, true)) console.print_text(report::listing_header());
    console.print_text(report::listing_line(listing));
  };
  listener.on_trial = [&console, shown](const BenchTrial& trial) {
    if (!std::exchange(shown->trials, true)) console.print_text(report::trial_header());
    console.print_text(report::trial_line(trial));
  };
  return listener;
}

Result<void> write_plot(const std::string& path, const std::string& svg) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return local_error("cannot write the plot to " + text::escaped(path), errno);
  const bool written = std::fwrite(svg.data(), 1, svg.size(), file) == svg.size();
  const int failed = written ? 0 : errno;
  if (std::fclose(file) == 0 && written) return {};
  return local_error("cannot write the plot to " + text::escaped(path),
                     failed != 0 ? failed : errno);
}

/// Whoever closed the pipe has seen enough.
int output_status(Console& console, int status) {
  const int os_error = console.terminal().out_error();
  if (os_error == 0 || os_error == EPIPE) return status;
  console.log().write(local_error("cannot write to standard output", os_error));
  return status == 0 ? static_cast<int>(ExitStatus::local) : status;
}

/// The scratch folder may hold many files.
constexpr std::chrono::minutes kMostToStop{1};

}  // namespace

int run_bench(const Settings& settings, Signals& signals) {
  auto opened = Console::open(settings.output, Verb::bench);
  if (!opened) {
    print_error(opened.error());
    return static_cast<int>(exit_status(opened.error()));
  }
  Console& console = **opened;
  const std::string source = source_text(settings.mirror.source);
  const bool is_text = !settings.output.json && !console.is_quiet();

  Bench bench(options_of(settings), console.observer());
  signals.on_first(
      [&console, &bench](int signal) {
        console.log().write(Level::info, stopping_text(signal));
        bench.stop();
      },
      kMostToStop);
  console.start([] { return std::optional<Console::Snapshot>(); });
  const BenchReport report = bench.run(is_text ? listener_of(console, source) : BenchListener{});

  int status = report.failure       ? static_cast<int>(exit_status(*report.failure))
               : report.interrupted ? signals.exit_status()
                                    : static_cast<int>(ExitStatus::equal);
  if (settings.output.json)
    console.print_text(
        report::bench_json(report, settings.mirror.source.bucket, settings.mirror.source.prefix));
  else if (is_text && report.plan)
    console.print_text(report::bench_summary_text(report));
  else if (!report.failure && !report.interrupted)
    console.print_text(report::recommended_flags(report.advice));  // quiet: for scripts
  if (report.failure) console.log().write(*report.failure);
  if (!settings.bench.plot_file.empty() && !report.trials.empty()) {
    const auto written = write_plot(settings.bench.plot_file, report::bench_svg(report, source));
    if (!written) console.log().write(written.error());
    if (!written && status == 0) status = static_cast<int>(ExitStatus::local);
  }
  console.stop();
  leave(output_status(console, status));
}

}  // namespace sluice::cli
