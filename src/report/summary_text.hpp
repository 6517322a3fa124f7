#pragma once

#include "sluice/summary.hpp"

#include <cstdint>
#include <string>

namespace sluice::report {

enum class Run : std::uint8_t { real, dry };

/// The end of a one-shot run, for a person: several lines, each with its end. What stopped the pass
/// (`failure`, `guard`) is not in it: errors go to the log.
std::string summary_text(const PassSummary& summary, Run run);

/// One line for a pass of many, without its end: "3 fetched (1.2 MiB), 10,000 kept in 1.2s".
std::string pass_line(const PassSummary& summary);

/// Whether the pass did or met anything worth a line.
bool is_eventful(const PassSummary& summary) noexcept;

/// Why the exit status is not 0 although the pass ended: "2 failed, 1 refused". Empty if nothing.
std::string shortcomings(const PassSummary& summary);

}  // namespace sluice::report
