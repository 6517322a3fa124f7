#pragma once

#include "sluice/doctor.hpp"
#include "sluice/summary.hpp"

#include <string>

namespace sluice::report {

/// One line of the table, "FAILED   list           403 AccessDenied", and below it the advice,
/// broken at `columns` (0: not at all). With its ends.
std::string check_text(const Check& check, unsigned columns);

/// What comes after the table: the policy, and how it went.
std::string verdict_text(const Diagnosis& diagnosis);

/// The whole as the one event of `doctor --json` (docs/events.md), without its end.
std::string diagnosis_json(const Diagnosis& diagnosis, ExitStatus status);

}  // namespace sluice::report
