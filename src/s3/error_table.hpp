#pragma once

#include "s3/errors.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::s3 {

/// What the client itself can do about an error, once a request, before it reports it.
enum class Correction : std::uint8_t {
  none,
  refresh_credentials,  ///< ask for new ones
  clock,                ///< sign with the server's time
  clock_if_far,  ///< the same, but only if the clocks differ so much that it may be the cause
  region,        ///< sign for, and go to, the right region
  drop_feature,  ///< without the optional parts of the request
};

/// Bits of the operations that a row is for.
using Operations = std::uint8_t;
constexpr Operations only(Operation operation) noexcept {
  return static_cast<Operations>(1U << static_cast<unsigned>(operation));
}
inline constexpr Operations kAnyOperation = 0xff;
inline constexpr Operations kObjectOperations =
    only(Operation::head) | only(Operation::get) | only(Operation::probe);

struct ErrorRow {
  int first_status;       ///< 0: any
  int last_status;        ///< inclusive
  std::string_view code;  ///< exact; `Abc*`: as prefix; `*`: any or none; empty: none at all
  Operations operations;
  ErrorKind kind;
  Correction correction;
};

/// In order: the first row that fits decides. The last fits everything.
std::span<const ErrorRow> error_table() noexcept;
const ErrorRow& error_row(int status, std::string_view code, Operation operation) noexcept;

}  // namespace sluice::s3
