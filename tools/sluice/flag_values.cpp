#include "flag_values.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "timetable.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace sluice::cli {

Error refusal(const Given& given, std::string_view rule) {
  return Error(ErrorKind::usage,
               fmt::format("{}: \"{}\" {}", given.where, text::escaped(given.value), rule));
}

Result<void> set_switch(bool& target, const Given& given) {
  for (const std::string_view yes : {"true", "1", "yes", "on"})
    if (text::iequals(given.value, yes)) return target = true, Result<void>();
  for (const std::string_view no : {"false", "0", "no", "off"})
    if (text::iequals(given.value, no)) return target = false, Result<void>();
  return refusal(given, "is neither true nor false");
}

Result<void> set_text(std::string& target, const Given& given) {
  if (given.value.find('\0') != std::string_view::npos) return refusal(given, "holds a NUL byte");
  target = given.value;
  return {};
}

Result<void> set_count(unsigned& target, const Given& given, const Count& range) {
  if (range.may_be_automatic && given.value == "auto") return target = 0, Result<void>();
  const auto number = text::parse_uint(given.value);
  if (!number || *number < range.least || *number > range.most)
    return refusal(
        given, fmt::format("is not a number from {} to {}{}; write for example {}", range.least,
                           range.most, range.may_be_automatic ? ", or auto" : "", range.sample));
  target = static_cast<unsigned>(*number);
  return {};
}

Result<void> set_size(std::uint64_t& target, const Given& given, const Size& range) {
  const auto bytes = units::parse_size(given.where, given.value);
  if (!bytes) return bytes.error();
  if (*bytes < range.least || *bytes > range.most)
    return refusal(given, fmt::format("is not a size from {} to {}; write for example {}",
                                      units::format_size(range.least),
                                      units::format_size(range.most), range.sample));
  target = *bytes;
  return {};
}

Result<void> set_max_delete(Settings& settings, const Given& given) {
  DeleteLimit limit;
  limit.percent.reset();
  std::string_view digits = given.value;
  const bool is_percentage = digits.ends_with('%');
  if (is_percentage) digits.remove_suffix(1);
  const auto number = text::parse_uint(digits);
  if (!number || (is_percentage && *number > 100))
    return refusal(given,
                   "is neither a number of files nor a percentage from 0% to 100%; write for "
                   "example 1000 or 10%");
  if (is_percentage)
    limit.percent = static_cast<unsigned>(*number);
  else
    limit.files = *number;
  settings.mirror.max_delete = limit;
  return {};
}

Result<void> add_filter(Settings& settings, FilterRule::Kind kind, const Given& given) {
  if (given.value.empty())
    return refusal(given, "is an empty pattern; write for example \"*.tmp\"");
  settings.add_filter(FilterRule{kind, std::string(given.value)});
  return {};
}

Result<void> set_owner(Settings& settings, const Given& given) {
  const bool is_id = given.value.size() == 12 &&
                     given.value.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_id) return refusal(given, "is no account id: write its 12 digits, without hyphens");
  settings.mirror.source.expected_bucket_owner = given.value;
  return {};
}

/// Its value may hold a password, so no message repeats it.
Result<void> set_proxy(Settings& settings, const Given& given) {
  const auto refuse = [&given](std::string_view why) {
    return Error(ErrorKind::usage, fmt::format("{}: {}", given.where, why));
  };
  if (given.value.find('\0') != std::string_view::npos) return refuse("it holds a NUL byte");
  if (given.where.starts_with("--") && given.value.find('@') != std::string_view::npos)
    return refuse(
        "a user and password on the command line can be seen by everybody on this machine; put "
        "the address into SLUICE_PROXY, https_proxy or the config file instead");
  settings.mirror.source.proxy = given.value;
  return {};
}

Result<void> set_duration(std::chrono::milliseconds& target, const Given& given,
                          std::string_view samples) {
  using namespace std::chrono_literals;
  constexpr auto kLongest = 24h * 365;
  const auto duration = units::parse_duration(given.where, given.value);
  if (!duration) return duration.error();
  if (*duration < 1ms || *duration > kLongest)
    return refusal(
        given, fmt::format("is not a duration from 1ms to 365d; write for example {}", samples));
  target = *duration;
  return {};
}

Result<void> set_jitter(Settings& settings, const Given& given) {
  std::string_view digits = given.value;
  if (digits.ends_with('%')) digits.remove_suffix(1);
  const auto percent = text::parse_uint(digits);
  if (!percent || *percent > 100)
    return refusal(given, "is not a percentage from 0% to 100%; write for example 10%");
  settings.watch.jitter_percent = static_cast<unsigned>(*percent);
  return {};
}

Result<void> set_listen(Settings& settings, const Given& given) {
  auto address = parse_listen_address(given.value);
  if (!address)
    return refusal(given,
                   "is no address to listen at; write for example 127.0.0.1:9464, [::1]:9464 or "
                   "localhost:9464");
  settings.listen = *std::move(address);
  return {};
}

Result<void> set_journal(Settings& settings, const Given& given) {
  constexpr std::uint64_t kMostRows = 1'000'000'000;
  const auto rows = text::parse_uint(given.value);
  if (!rows || *rows > kMostRows)
    return refusal(given, "is not a number from 0 to 1000000000; write for example 100000");
  settings.mirror.journal_rows = *rows;
  return {};
}

Result<void> set_since(Settings& settings, const Given& given) {
  const auto seq = text::parse_uint(given.value);
  if (!seq || *seq > std::uint64_t{1} << 62U)
    return refusal(given, "is no number of a change; they stand before each line of the output");
  settings.changes.since = *seq;
  return {};
}

Result<void> set_once(Settings& settings, const Given& given) {
  bool once = false;
  const Result<void> read = set_switch(once, given);
  if (!read) return read;
  settings.watch.max_passes = once ? 1 : 0;
  return {};
}

Result<void> set_time_limit(Settings& settings, const Given& given) {
  using namespace std::chrono_literals;
  const auto limit = units::parse_duration(given.where, given.value);
  if (!limit) return limit.error();
  if (*limit < 1s || *limit > 24h)
    return refusal(given, "is not a duration from 1s to 24h; write for example 5m");
  settings.bench.time = *limit;
  return {};
}

Result<void> set_bandwidth(Settings& settings, const Given& given) {
  TuningOptions& tuning = settings.mirror.tuning;
  if (given.value.find(',') != std::string_view::npos) {
    auto slots = parse_timetable(given);
    if (!slots) return slots.error();
    tuning.timetable = *std::move(slots);
    return {};
  }
  const auto rate = parse_rate(given.where, given.value);
  if (!rate) return rate.error();
  tuning.timetable.clear();
  tuning.bytes_per_second = *rate;
  return {};
}

Result<void> set_verbosity(Settings& settings, const Given& given,
                           OutputSettings::Verbosity verbosity) {
  bool wanted = false;
  const Result<void> read = set_switch(wanted, given);
  if (!read) return read;
  settings.output.verbosity = wanted ? verbosity : OutputSettings::Verbosity::normal;
  return {};
}

Result<void> set_compare(Settings& settings, const Given& given, MirrorOptions::Compare compare) {
  bool wanted = false;
  const Result<void> read = set_switch(wanted, given);
  if (!read) return read;
  settings.mirror.compare = wanted ? compare : MirrorOptions::Compare::record;
  return {};
}

Result<void> set_prices(Settings& settings, const Given& given) {
  constexpr double kMost = 1'000'000;
  const std::size_t comma = given.value.find(',');
  report::RequestPrices prices;
  const auto read = [](std::string_view digits, double& price) {
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), price,
                                               std::chars_format::fixed);
    return failed == std::errc() && end == digits.data() + digits.size() && price >= 0 &&
           price <= kMost;
  };
  const bool has_get = comma != std::string_view::npos;
  if (!read(given.value.substr(0, comma), prices.list) ||
      (has_get && !read(given.value.substr(comma + 1), prices.get)))
    return refusal(given, "is no price, or two; write for example 0.005 or 0.005,0.0004");
  settings.prices = prices;
  return {};
}

Result<void> set_log_level(Settings& settings, const Given& given) {
  Level level = Level::info;
  const Result<void> read = set_choice(level, given,
                                       {{"error", Level::error},
                                        {"warning", Level::warning},
                                        {"info", Level::info},
                                        {"debug", Level::debug}});
  if (!read) return read;
  settings.output.log_level = level;
  return {};
}

}  // namespace sluice::cli
