#include "report/progress_line.hpp"

#include "base/units.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace sluice::report {
namespace {

/// Long enough to calm the digits, short enough to show a stall.
constexpr double kMemorySeconds = 5;
/// Beyond this an estimate says nothing.
constexpr double kLongestEtaSeconds = 100.0 * 3600;
constexpr unsigned kUnknownColumns = 80;

std::uint64_t finished(const Progress& progress) {
  std::uint64_t sum = 0;
  for (const What what : {What::kept, What::fetched, What::adopted, What::touched, What::vanished,
                          What::archived, What::refused, What::failed, What::local_kept})
    sum += progress.count(what);
  return sum;
}

/// "1.2 of 4.0 GiB": both in the unit of the larger one.
std::string bytes_of(std::uint64_t part, std::uint64_t whole, std::string_view more) {
  constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  double scale = 1;
  while (static_cast<double>(whole) / scale >= 1000 && unit + 1 < kUnits.size()) {
    scale *= 1024;
    ++unit;
  }
  const int decimals = unit == 0 ? 0 : 1;
  return fmt::format("{:.{}f} of {:.{}f}{} {}", static_cast<double>(part) / scale, decimals,
                     static_cast<double>(whole) / scale, decimals, more, kUnits[unit]);
}

/// What is done a second.
struct Rates {
  double keys = 0;  ///< of the listing
  double bytes = 0;
  double objects = 0;
};

/// Keys of the whole listing: while it goes on, as many as the last pass saw; nullopt if there was
/// none, or there are more now.
std::optional<std::uint64_t> expected_keys(const Progress& progress) {
  if (progress.listing_done) return progress.listed;
  if (progress.listed >= progress.listed_before) return std::nullopt;
  return progress.listed_before;
}

/// Whichever takes longest: the listing, the bytes as far as they are known, or the objects where
/// they are small. Objects are counted when they are published, in groups: at first nothing is
/// known of their pace.
std::optional<double> seconds_left(const Progress& progress, std::uint64_t done_objects,
                                   const Rates& rates) {
  const auto keys = expected_keys(progress);
  if (!keys) return std::nullopt;
  double seconds = 0;
  if (progress.listed < *keys) {
    if (rates.keys <= 0) return std::nullopt;
    seconds = static_cast<double>(*keys - progress.listed) / rates.keys;
  }
  const std::uint64_t here = progress.fetched_bytes + progress.resumed_bytes;
  if (here < progress.to_fetch_bytes) {
    if (rates.bytes <= 0) return std::nullopt;
    seconds = std::max(seconds, static_cast<double>(progress.to_fetch_bytes - here) / rates.bytes);
  }
  if (done_objects < *keys && rates.objects > 0)
    seconds = std::max(seconds, static_cast<double>(*keys - done_objects) / rates.objects);
  if (seconds <= 0 || seconds >= kLongestEtaSeconds) return std::nullopt;
  return seconds;
}

struct Segment {
  std::string text;
  int keep = 0;  ///< the lowest goes first
};

std::string fitted(std::vector<Segment> segments, unsigned columns) {
  for (;;) {
    std::string line;
    for (const Segment& segment : segments)
      line += "  " + segment.text;
    if (line.size() <= columns) return line;
    if (segments.size() <= 1) return line.substr(0, columns);
    segments.erase(
        std::min_element(segments.begin(), segments.end(),
                         [](const Segment& a, const Segment& b) { return a.keep < b.keep; }));
  }
}

}  // namespace

void RateMeter::add(std::uint64_t total, std::chrono::milliseconds at) {
  if (total < total_ || at < at_) *this = RateMeter{};
  const double seconds = std::chrono::duration<double>(at - at_).count();
  const double fade = std::exp(-seconds / kMemorySeconds);
  amount_ = amount_ * fade + static_cast<double>(total - total_);
  seconds_ = seconds_ * fade + seconds;
  total_ = total;
  at_ = at;
}

double RateMeter::per_second() const noexcept {
  return seconds_ > 0 ? amount_ / seconds_ : 0;
}

std::string ProgressLine::render(const Progress& progress, std::chrono::milliseconds elapsed,
                                 unsigned columns) {
  const std::uint64_t done = finished(progress);
  bytes_.add(progress.fetched_bytes, elapsed);
  objects_.add(done, elapsed);
  keys_.add(progress.listed, elapsed);

  const std::string_view more = progress.listing_done ? "" : "+";
  std::vector<Segment> segments;
  if (progress.listed == 0 && !progress.listing_done) {
    segments.push_back({"listing", 5});
  } else {
    const auto keys = expected_keys(progress);
    const std::string all =
        keys ? (progress.listing_done ? "" : "~") + grouped(*keys) : grouped(progress.listed) + '+';
    segments.push_back({fmt::format("{} of {} objects", grouped(done), all), 5});
  }
  if (progress.to_fetch_bytes > 0) {
    const std::uint64_t part =
        std::min(progress.fetched_bytes + progress.resumed_bytes, progress.to_fetch_bytes);
    segments.push_back({bytes_of(part, progress.to_fetch_bytes, more), 3});
    const auto rate = static_cast<std::uint64_t>(bytes_.per_second());
    segments.push_back({units::format_size(rate) + "/s", 2});
  }
  const Rates rates{keys_.per_second(), bytes_.per_second(), objects_.per_second()};
  if (const auto left = seconds_left(progress, done, rates)) {
    const std::chrono::seconds whole(static_cast<std::int64_t>(std::ceil(*left)));
    const std::string_view about = progress.listing_done ? "" : "~";
    segments.push_back({fmt::format("ETA {}{}", about, units::format_duration(whole)), 1});
  }
  if (const std::uint64_t errors = progress.count(What::failed); errors > 0)
    segments.push_back({counted(errors, "error"), 4});
  return fitted(std::move(segments), columns == 0 ? kUnknownColumns : columns);
}

}  // namespace sluice::report
