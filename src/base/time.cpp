#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::dates {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

/// Reads a fixed form from the front; any mismatch makes it false for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int number(std::size_t digits) noexcept {
    if (!ok_ || text_.size() < digits) return fail();
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return fail();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }

  void literal(std::string_view expected) noexcept {
    if (begins_with(expected))
      text_.remove_prefix(expected.size());
    else
      ok_ = false;
  }

  /// The index of the name that the text begins with.
  template <std::size_t N>
  int name(const std::array<std::string_view, N>& names) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      if (!begins_with(names[i])) continue;
      text_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    return fail();
  }

  char peek() const noexcept { return text_.empty() ? '\0' : text_.front(); }
  bool at_end() const noexcept { return ok_ && text_.empty(); }

 private:
  /// Byte by byte: the names are so short that a call to compare them costs more.
  bool begins_with(std::string_view expected) const noexcept {
    if (text_.size() < expected.size()) return false;
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (text_[i] != expected[i]) return false;
    return true;
  }

  int fail() noexcept {
    ok_ = false;
    text_ = {};
    return 0;
  }

  std::string_view text_;
  bool ok_ = true;
};

/// Days since 1970 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date
/// algorithms"); plain integers, since std::chrono::year ends at 32767.
std::int64_t days_from_civil(std::int64_t year, int month, int day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

int days_in_month(int year, int month) noexcept {
  constexpr std::array<int, 12> kDaysIn = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDaysIn[static_cast<std::size_t>(month - 1)];
}

/// nullopt for a date or time that no calendar has. A leap second is refused as well: S3 never
/// sends one, and Unix time cannot hold it.
std::optional<std::int64_t> to_seconds(const Fields& at) noexcept {
  if (at.month < 1 || at.month > 12 || at.day < 1 || at.day > days_in_month(at.year, at.month) ||
      at.hour > 23 || at.minute > 59 || at.second > 59)
    return std::nullopt;
  return days_from_civil(at.year, at.month, at.day) * kSecondsPerDay + at.hour * 3600 +
         at.minute * 60 + at.second;
}

void read_time(Reader& in, Fields& at) noexcept {
  at.hour = in.number(2);
  in.literal(":");
  at.minute = in.number(2);
  in.literal(":");
  at.second = in.number(2);
}

/// With zeros to its left. `sluice ls` shows a date for each key: printf was 18 % of its time.
void append_padded(std::string& out, int value, int width, char then) {
  char digits[16];
  if (value < 0 || value > 9999) {
    out.append(digits, static_cast<std::size_t>(
                           std::snprintf(digits, sizeof digits, "%0*d", width, value)));
  } else {
    for (int i = width - 1; i >= 0; --i) {
      digits[i] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    out.append(digits, static_cast<std::size_t>(width));
  }
  out += then;
}

struct Broken {
  Fields at;
  std::size_t weekday = 0;
};

/// Beyond years 0 to 9999 no fixed form exists: such times are shown as the nearest end.
Broken broken_down(std::int64_t seconds) noexcept {
  seconds = std::clamp<std::int64_t>(seconds, -62'167'219'200, 253'402'300'799);
  std::int64_t days = seconds / kSecondsPerDay;
  std::int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Broken out;
  out.at.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  out.at.month = static_cast<int>(month_from_march + (month_from_march < 10 ? 3 : -9));
  out.at.year = static_cast<int>(year_of_era + era * 400 + (out.at.month <= 2 ? 1 : 0));
  out.at.hour = static_cast<int>(rest / 3600);
  out.at.minute = static_cast<int>(rest / 60 % 60);
  out.at.second = static_cast<int>(rest % 60);
  out.weekday = static_cast<std::size_t>(((days + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_http(std::string_view text) noexcept {
  Fields at;
  Reader in(text);
  const std::size_t comma = text.find(',');
  if (comma == 3) {  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
    in.name(kDays);
    in.literal(", ");
    at.day = in.number(2);
    in.literal(" ");
    at.month = in.name(kMonths) + 1;
    in.literal(" ");
    at.year = in.number(4);
    in.literal(" ");
    read_time(in, at);
    in.literal(" GMT");
  } else if (comma != std::string_view::npos) {  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
    in.name(kLongDays);
    in.literal(", ");
    at.day = in.number(2);
    in.literal("-");
    at.month = in.name(kMonths) + 1;
    in.literal("-");
    // A fixed pivot keeps this pure; the sliding rule of RFC 9110 agrees for every date from 1970
    // to now.
    at.year = in.number(2);
    at.year += at.year < 70 ? 2000 : 1900;
    in.literal(" ");
    read_time(in, at);
    in.literal(" GMT");
  } else {  // asctime: Sun Nov  6 08:49:37 1994
    in.name(kDays);
    in.literal(" ");
    at.month = in.name(kMonths) + 1;
    in.literal(" ");
    if (in.peek() == ' ') {
      in.literal(" ");
      at.day = in.number(1);
    } else {
      at.day = in.number(2);
    }
    in.literal(" ");
    read_time(in, at);
    in.literal(" ");
    at.year = in.number(4);
  }
  if (!in.at_end()) return std::nullopt;
  return to_seconds(at);
}

std::optional<std::int64_t> parse_iso_ms(std::string_view text) noexcept {
  Fields at;
  Reader in(text);
  at.year = in.number(4);
  in.literal("-");
  at.month = in.number(2);
  in.literal("-");
  at.day = in.number(2);
  in.literal("T");
  read_time(in, at);
  std::int64_t ms = 0;
  if (in.peek() == '.') {
    in.literal(".");
    std::int64_t weight = 100;
    do {
      ms += in.number(1) * weight;
      weight /= 10;
    } while (in.peek() >= '0' && in.peek() <= '9');
  }
  std::int64_t offset = 0;
  if (const char sign = in.peek(); sign == '+' || sign == '-') {
    in.literal(std::string_view(&sign, 1));
    const int hours = in.number(2);
    in.literal(":");
    const int minutes = in.number(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = (hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
  } else {
    in.literal("Z");
  }
  if (!in.at_end()) return std::nullopt;
  const auto seconds = to_seconds(at);
  if (!seconds) return std::nullopt;
  return (*seconds - offset) * 1000 + ms;
}

std::string format_http(std::int64_t seconds) {
  const Broken t = broken_down(seconds);
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[t.weekday].data(),
                t.at.day, kMonths[static_cast<std::size_t>(t.at.month - 1)].data(), t.at.year,
                t.at.hour, t.at.minute, t.at.second);
  return out;
}

std::string format_iso_ms(std::int64_t unix_ms) {
  std::int64_t seconds = unix_ms / 1000;
  std::int64_t ms = unix_ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  const Fields at = broken_down(seconds).at;
  std::string out;
  append_padded(out, at.year, 4, '-');
  append_padded(out, at.month, 2, '-');
  append_padded(out, at.day, 2, 'T');
  append_padded(out, at.hour, 2, ':');
  append_padded(out, at.minute, 2, ':');
  append_padded(out, at.second, 2, '.');
  append_padded(out, static_cast<int>(ms), 3, 'Z');
  return out;
}

std::string format_amz(std::int64_t seconds) {
  const Fields at = broken_down(seconds).at;
  char out[64];
  std::snprintf(out, sizeof out, "%04d%02d%02dT%02d%02d%02dZ", at.year, at.month, at.day, at.hour,
                at.minute, at.second);
  return out;
}

}  // namespace sluice::dates
