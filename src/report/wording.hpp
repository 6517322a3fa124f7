#pragma once

#include "sluice/observer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The small change of sentences for people.
namespace sluice::report {

std::string grouped(std::uint64_t number);  ///< "1,234,567"
std::string when(std::int64_t unix_ms);     ///< "2024-01-02 03:04:05", UTC

/// "1 object", "1,234 objects"; `noun` forms its plural with an s.
std::string counted(std::uint64_t number, std::string_view noun);

/// For sentences that others wrote, whose names are already escaped: what could deceive a terminal
/// becomes `\xNN` as in text::escaped, but backslashes stay single.
std::string printable(std::string_view sentence);

/// As --log-level has it.
std::string_view name_of(Level level) noexcept;

}  // namespace sluice::report
