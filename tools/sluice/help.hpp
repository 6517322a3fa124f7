#pragma once

#include "settings.hpp"

#include <string>

namespace sluice::cli {

std::string general_help();
std::string verb_help(Verb verb);

}  // namespace sluice::cli
