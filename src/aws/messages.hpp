#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// What all providers check and say in the same way. Private to aws.
namespace sluice::aws {

/// An Error of kind `credentials`.
Error credentials_error(std::string message);

/// `error` with `what` put in front. A failure that asking again would not mend becomes
/// `credentials`; one of the network or the service stays what it is.
Error while_asking(const std::string& what, Error error);

/// Whether `value` may stand in a header: printable ASCII and not empty.
bool is_header_value(std::string_view value) noexcept;

/// What a service said for itself, made fit for a message: cut, escaped, and left out if it quotes
/// one of `secrets`.
std::string as_said(std::string_view words, std::initializer_list<std::string_view> secrets);

/// In the year 2255: later times would overflow the clock, which counts nanoseconds.
inline constexpr std::int64_t kLastUnixMs = 9'000'000'000'000;

}  // namespace sluice::aws
