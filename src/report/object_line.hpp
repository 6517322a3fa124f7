#pragma once

#include "sluice/observer.hpp"

#include <cstdint>
#include <string>

namespace sluice::report {

/// Who wants to know of an event.
///
/// | what                                       | line    |
/// |--------------------------------------------|---------|
/// | kept                                       | none    |
/// | fetched, adopted, touched, deleted         | result  |
/// | extraneous, forgotten, vanished            | detail  |
/// | archived, refused, local_kept              | warning |
/// | failed                                     | error   |
enum class Channel : std::uint8_t {
  none,     ///< never shown one by one
  result,   ///< the mirror changed: standard output
  detail,   ///< changed nothing: standard output, when asked for details
  warning,  ///< the mirror is incomplete because of it: the log
  error,    ///< the log
};
Channel channel_of(What what) noexcept;

enum class Wordiness : std::uint8_t { brief, with_reason };

/// One line without its end: `fetched a/b (1.2 MiB, md5)`, `would delete a/c`. Safe to print.
std::string object_line(const ObjectEvent& event, Wordiness wordiness);

/// "HTTP 403, AccessDenied, errno 13": what an Error knows besides its sentence and the sentence
/// does not already say. Empty if nothing.
std::string error_details(const Error& error);

}  // namespace sluice::report
