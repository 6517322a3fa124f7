#pragma once

#include "base/result.hpp"
#include "settings.hpp"
#include "signals.hpp"

#include <functional>

namespace sluice::cli {

// One file a verb. Each answers with the exit status of the program.

int run_sync(const Settings& settings, Signals& signals);
/// `read_again` reads command line, environment and config file once more, for SIGHUP.
int run_watch(const Settings& settings, Signals& signals,
              std::function<Result<Settings>()> read_again);
int run_bench(const Settings& settings, Signals& signals);
/// Nothing needs to be put in order in these: a signal ends them at once.
int run_ls(const Settings& settings);
int run_status(const Settings& settings);
int run_changes(const Settings& settings);
int run_doctor(const Settings& settings);

}  // namespace sluice::cli
