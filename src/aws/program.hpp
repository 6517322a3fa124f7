#pragma once

#include "async/task.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Programs that print credentials. Private to aws.
namespace sluice::aws {

struct ProgramLimits {
  std::chrono::milliseconds time{60'000};  ///< then it is killed, with what it has started
  std::size_t output_bytes = 64 * 1024;    ///< more is a failure
  std::size_t error_bytes = 1024;          ///< the last of them are kept
};

struct ProgramOutcome {
  int status = 0;  ///< as of waitpid
  bool timed_out = false;
  bool too_much_output = false;
  std::string output;
  std::string errors;
};

/// Runs the program `words[0]` (searched in PATH) and waits for it. It reads nothing, inherits no
/// descriptor but the three, and has default signals and the environment. Cancelling kills it. An
/// Error only if it could not be started.
async::Task<Result<ProgramOutcome>> run_program(std::vector<std::string> words,
                                                ProgramLimits limits);

}  // namespace sluice::aws
