#include "origin/dates.hpp"

#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstring>
#include <ctime>

namespace sluice::origin {
namespace {

constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::int64_t floor_seconds(std::int64_t ms) {
  return ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
}

std::tm utc(std::int64_t ms) {
  const std::time_t seconds = floor_seconds(ms);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::optional<int> digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Refuses what timegm would quietly carry over (31 February, hour 24).
std::optional<std::int64_t> seconds_of(const std::tm& parts) {
  std::tm normal = parts;
  const std::time_t seconds = timegm(&normal);
  if (normal.tm_mday != parts.tm_mday || normal.tm_mon != parts.tm_mon ||
      normal.tm_hour != parts.tm_hour || normal.tm_min != parts.tm_min) {
    return std::nullopt;
  }
  return seconds;
}

}  // namespace

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Locale-free, unlike strftime's %a and %b.
std::string http_date(std::int64_t ms) {
  const std::tm t = utc(ms);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                     kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

std::optional<std::int64_t> parse_http_date_s(std::string_view text) {
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',') return std::nullopt;
  std::tm t{};
  const auto day = digits(text.substr(5, 2));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  if (!day || !year || !hour || !minute || !second) return std::nullopt;
  t.tm_mon = -1;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths[i]) t.tm_mon = static_cast<int>(i);
  }
  if (t.tm_mon < 0) return std::nullopt;
  t.tm_mday = *day;
  t.tm_year = *year - 1900;
  t.tm_hour = *hour;
  t.tm_min = *minute;
  t.tm_sec = *second;
  return seconds_of(t);
}

// A listing has one for each key, so without fmt.
std::string iso_date(std::int64_t ms) {
  const std::tm t = utc(ms);
  std::string out;
  const auto append = [&out](auto value, std::size_t width, char then) {
    append_digits(out, static_cast<std::uint64_t>(value), width);
    out += then;
  };
  append(t.tm_year + 1900, 4, '-');
  append(t.tm_mon + 1, 2, '-');
  append(t.tm_mday, 2, 'T');
  append(t.tm_hour, 2, ':');
  append(t.tm_min, 2, ':');
  append(t.tm_sec, 2, '.');
  append(ms - floor_seconds(ms) * 1000, 3, 'Z');
  return out;
}

std::string iso_second(std::int64_t ms) {
  std::string date = iso_date(ms);
  date.replace(date.size() - 5, 5, "Z");
  return date;
}

std::string amz_date(std::int64_t ms) {
  const std::tm t = utc(ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                     t.tm_hour, t.tm_min, t.tm_sec);
}

std::optional<std::int64_t> parse_amz_date_s(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(4, 2));
  const auto day = digits(text.substr(6, 2));
  const auto hour = digits(text.substr(9, 2));
  const auto minute = digits(text.substr(11, 2));
  const auto second = digits(text.substr(13, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::tm t{};
  t.tm_year = *year - 1900;
  t.tm_mon = *month - 1;
  t.tm_mday = *day;
  t.tm_hour = *hour;
  t.tm_min = *minute;
  t.tm_sec = *second;
  return seconds_of(t);
}

}  // namespace sluice::origin
