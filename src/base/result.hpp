#pragma once

#include "sluice/error.hpp"

#include <boost/system/result.hpp>

#include <exception>
#include <utility>

namespace sluice {

/// A value or an Error. Failures are values; only cancellation and bugs are exceptions.
template <class T = void>
using Result = boost::system::result<T, Error>;

/// Thrown by Result::value() on a failure: only a bug, or a test, lets that happen.
class ResultError : public std::exception {
 public:
  explicit ResultError(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// Found by argument-dependent look-up from boost::system::result.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw ResultError(error);
}

/// "No space left on device; free some space there": an errno, and what to do about it.
std::string explained(int os_error);

/// An Error of kind `local` from an errno: "what: " and what `explained` says.
Error local_error(std::string_view what, int os_error);

}  // namespace sluice
