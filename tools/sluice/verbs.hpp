#pragma once

#include "settings.hpp"
#include "signals.hpp"

namespace sluice::cli {

// One file a verb. Each answers with the exit status of the program.

int run_sync(const Settings& settings, Signals& signals);
int run_watch(const Settings& settings, Signals& signals);
/// Nothing needs to be put in order: a signal ends it at once.
int run_ls(const Settings& settings);

}  // namespace sluice::cli
