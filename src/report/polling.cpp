#include "report/polling.hpp"

#include "base/units.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

namespace sluice::report {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds kMonth = 24h * 30;

std::string money(double amount) {
  if (amount > 0 && amount < 0.005) return "less than 0.01";
  return fmt::format("{:.2f}", amount);
}

double price(std::uint64_t requests, double of_thousand) {
  return static_cast<double>(requests) / 1000 * of_thousand;
}

std::string month_text(std::uint64_t a_pass, milliseconds interval, std::string_view name,
                       const std::optional<RequestPrices>& prices) {
  const std::uint64_t requests = requests_a_month(a_pass, interval);
  const std::string cost =
      prices ? fmt::format(" ({})", money(price(requests, prices->list))) : std::string();
  return fmt::format("{}{} every {}", grouped(requests), cost, name);
}

}  // namespace

std::uint64_t requests_a_month(std::uint64_t a_pass, milliseconds interval) noexcept {
  if (interval.count() <= 0) return 0;
  const double passes = static_cast<double>(kMonth.count()) / static_cast<double>(interval.count());
  return static_cast<std::uint64_t>(static_cast<double>(a_pass) * passes + 0.5);
}

std::string price_of(const RequestCounts& requests, const RequestPrices& prices) {
  const std::uint64_t gets = requests.get + requests.head + requests.probe;
  return money(price(requests.list, prices.list) + price(gets, prices.get));
}

std::string polling_text(std::uint64_t lists_a_pass, std::optional<milliseconds> interval,
                         const std::optional<RequestPrices>& prices) {
  std::string out =
      fmt::format("a watch asks for {} LIST a pass; in a month: ", grouped(lists_a_pass));
  if (interval)
    return out + month_text(lists_a_pass, *interval, units::format_duration(*interval), prices);
  return out + fmt::format("{}, {}, {}", month_text(lists_a_pass, 60s, "60s", prices),
                           month_text(lists_a_pass, 5min, "5m", prices),
                           month_text(lists_a_pass, 15min, "15m", prices));
}

std::string dry_run_costs(const PassSummary& summary, const std::optional<RequestPrices>& prices) {
  if (!summary.listing_complete || summary.interrupted || summary.failure) return {};
  std::string out;
  if (prices && summary.progress.to_fetch > 0)
    out += fmt::format("  to fetch them asks for {} GET or more ({})\n",
                       grouped(summary.progress.to_fetch),
                       money(price(summary.progress.to_fetch, prices->get)));
  return out + fmt::format("  {}\n", polling_text(summary.requests.list, std::nullopt, prices));
}

}  // namespace sluice::report
