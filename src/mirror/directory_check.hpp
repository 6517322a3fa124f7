#pragma once

#include "sluice/doctor.hpp"

#include <string>

namespace sluice::mirror {

/// Whether `dir` can be a destination: is it there or can it be made, may we write, how much room
/// is there, which file system is it and how files are made durable on it, does it fold names, does
/// somebody else work on it. Makes nothing that stays.
Check check_directory(const std::string& dir);

}  // namespace sluice::mirror
