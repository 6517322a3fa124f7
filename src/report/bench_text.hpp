#pragma once

#include "sluice/bench.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What `sluice bench` prints. Texts of several lines end in a line feed, single lines do not.
namespace sluice::report {

/// What will be done, and what it may cost.
std::string bench_plan_text(const BenchPlan& plan, std::string_view source);

std::string trial_header();
std::string trial_line(const BenchTrial& trial);
std::string listing_header();
std::string listing_line(const BenchListing& listing);

/// Plot, remarks, cost, and the flags at the end.
std::string bench_summary_text(const BenchReport& report);

/// `--transfers 64 --part-size 16MiB`: what is recommended, as flags of sync; may be empty.
std::string recommended_flags(const BenchAdvice& advice);

/// All of it as one JSON object.
std::string bench_json(const BenchReport& report, std::string_view bucket, std::string_view prefix);

/// A setting with the means of all its trials but the first of all.
struct BenchRow {
  BenchSetting setting;
  double rate = 0;         ///< bytes a second
  double cpu_per_gib = 0;  ///< seconds
  double first_byte_ms = 0;
  unsigned trials = 0;
  bool is_best = false;
};
/// By transfers, part size, threads; that of sluice by itself (0 transfers) comes first.
std::vector<BenchRow> bench_rows(const BenchReport& report);
/// "64 transfers, 8 MiB, 2 threads".
std::string setting_text(const BenchSetting& setting);

}  // namespace sluice::report
