#pragma once

#include "program.hpp"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace sluice::chaos {

inline constexpr const char* kAccessKey = "AKIDEXAMPLE";
inline constexpr const char* kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The program with these arguments, which reads no settings of the user's: `home` has none.
inline testing::ProgramOptions command_of(std::vector<std::string> arguments,
                                          const std::string& home, const std::string& endpoint) {
  testing::ProgramOptions options;
  options.path = std::getenv("SLUICE_BINARY");
  options.arguments = std::move(arguments);
  options.environment = {{"PATH", "/usr/bin:/bin"},
                         {"HOME", home},
                         {"AWS_ACCESS_KEY_ID", kAccessKey},
                         {"AWS_SECRET_ACCESS_KEY", kSecretKey},
                         {"AWS_EC2_METADATA_DISABLED", "true"},
                         {"AWS_ENDPOINT_URL", endpoint}};
  return options;
}

}  // namespace sluice::chaos
