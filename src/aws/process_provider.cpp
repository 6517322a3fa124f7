#include "aws/command_line.hpp"
#include "aws/credentials_json.hpp"
#include "aws/messages.hpp"
#include "aws/program.hpp"
#include "aws/providers.hpp"
#include "base/text.hpp"

#include <sys/wait.h>

namespace sluice::aws {
namespace {

/// Says how it ended and what it wrote to standard error; never what it wrote to standard output,
/// where secrets are expected.
std::string ending(const ProgramOutcome& outcome, const ProgramLimits& limits) {
  std::string text;
  if (outcome.timed_out) {
    text = "it did not end within " + std::to_string(limits.time.count() / 1000) + " s";
  } else if (outcome.too_much_output) {
    text = "it wrote more than " + std::to_string(limits.output_bytes) + " bytes";
  } else if (WIFSIGNALED(outcome.status)) {
    text = "it was ended by signal " + std::to_string(WTERMSIG(outcome.status));
  } else {
    text = "it ended with status " + std::to_string(WEXITSTATUS(outcome.status));
  }
  std::string_view errors = outcome.errors;
  while (!errors.empty() && (errors.back() == '\n' || errors.back() == '\r'))
    errors.remove_suffix(1);
  if (!errors.empty()) text += " and said: " + text::escaped(errors);
  return text;
}

}  // namespace

async::Task<Result<Credentials>> credentials_from_program(std::string command_line,
                                                          std::string where) {
  Result<std::vector<std::string>> words = split_words(command_line);
  if (!words) co_return while_asking(where, words.error());
  // Arguments may be secrets.
  const std::string who = where + ": the program " + text::escaped((*words)[0]) + " failed: ";
  const ProgramLimits limits;
  const Result<ProgramOutcome> outcome = co_await run_program(*std::move(words), limits);
  if (!outcome) co_return while_asking(where, outcome.error());
  if (outcome->timed_out || outcome->too_much_output || outcome->status != 0)
    co_return credentials_error(who + ending(*outcome, limits));
  Result<Credentials> credentials = parse_process_credentials(outcome->output);
  if (!credentials)
    co_return credentials_error(who + "its output is not usable: " + credentials.error().message);
  co_return credentials;
}

}  // namespace sluice::aws
