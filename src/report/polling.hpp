#pragma once

#include "sluice/summary.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// What it costs to ask a bucket again and again.
namespace sluice::report {

/// Of 1,000 requests, in whatever currency; HEAD counts as GET.
struct RequestPrices {
  double list = 0;
  double get = 0;

  bool operator==(const RequestPrices&) const = default;
};

/// Requests of a month (30 days), of which each pass makes so many and begins an interval after the
/// one before it.
std::uint64_t requests_a_month(std::uint64_t a_pass, std::chrono::milliseconds interval) noexcept;

/// What all of these have cost: "0.06".
std::string price_of(const RequestCounts& requests, const RequestPrices& prices);

/// What passes over an unchanged bucket ask for, one sentence: by the interval, or, if none is
/// given, by several.
std::string polling_text(std::uint64_t lists_a_pass,
                         std::optional<std::chrono::milliseconds> interval,
                         const std::optional<RequestPrices>& prices);

/// What a dry run says at its end: of its downloads, and of a watch. Lines with their ends.
std::string dry_run_costs(const PassSummary& summary, const std::optional<RequestPrices>& prices);

}  // namespace sluice::report
