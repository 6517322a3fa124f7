#pragma once

#include "settings.hpp"
#include "signals.hpp"

namespace sluice::cli {

// One file a verb. Each answers with the exit status of the program.

int run_sync(const Settings& settings, Signals& signals);
int run_watch(const Settings& settings, Signals& signals);
int run_bench(const Settings& settings, Signals& signals);
/// Nothing needs to be put in order in these: a signal ends them at once.
int run_ls(const Settings& settings);
int run_status(const Settings& settings);

}  // namespace sluice::cli
