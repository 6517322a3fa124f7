#pragma once

#include "sluice/bench.hpp"

#include <string>
#include <string_view>

namespace sluice::report {

/// The plot of `sluice bench` as an SVG document: a row for each setting, with its rate, CPU time
/// and latency, and one for each way to list. `title` may hold anything.
std::string bench_svg(const BenchReport& report, std::string_view title);

}  // namespace sluice::report
