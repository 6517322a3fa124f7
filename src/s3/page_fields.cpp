#include "s3/page_fields.hpp"

#include "base/time.hpp"

#include <cstring>

namespace sluice::s3 {

namespace {

bool is(const char* name, const char* wanted) noexcept {
  return std::strcmp(name, wanted) == 0;
}

PageField plain_page_field(const char* name) noexcept {
  switch (name[0]) {
    case 'C':
      if (is(name, "Contents")) return PageField::contents;
      if (is(name, "CommonPrefixes")) return PageField::common_prefixes;
      break;
    case 'N':
      if (is(name, "Name")) return PageField::name;
      if (is(name, "NextContinuationToken")) return PageField::next_token;
      if (is(name, "NextMarker")) return PageField::next_marker;
      break;
    case 'K':
      if (is(name, "KeyCount")) return PageField::key_count;
      break;
    case 'M':
      if (is(name, "Marker")) return PageField::marker;
      break;
    case 'P':
      if (is(name, "Prefix")) return PageField::prefix;
      break;
    case 'E':
      if (is(name, "EncodingType")) return PageField::encoding_type;
      break;
    case 'I':
      if (is(name, "IsTruncated")) return PageField::is_truncated;
      break;
    default:
      break;
  }
  return PageField::other;
}

ObjectField plain_object_field(const char* name) noexcept {
  switch (name[0]) {
    case 'K':
      if (is(name, "Key")) return ObjectField::key;
      break;
    case 'L':
      if (is(name, "LastModified")) return ObjectField::last_modified;
      break;
    case 'E':
      if (is(name, "ETag")) return ObjectField::etag;
      break;
    case 'S':
      if (is(name, "Size")) return ObjectField::size;
      if (is(name, "StorageClass")) return ObjectField::storage_class;
      break;
    case 'C':
      if (is(name, "ChecksumAlgorithm")) return ObjectField::checksum_algorithm;
      if (is(name, "ChecksumType")) return ObjectField::checksum_type;
      if (is(name, "Contents")) return ObjectField::contents;
      break;
    case 'R':
      if (is(name, "RestoreStatus")) return ObjectField::restore_status;
      break;
    default:
      break;
  }
  return ObjectField::other;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The number in `text[at, at + count)`; a huge one if there is anything but digits.
constexpr unsigned kNoNumber = 1'000'000;
unsigned number(std::string_view text, std::size_t at, std::size_t count) noexcept {
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    if (digit > 9) return kNoNumber;
    value = value * 10 + digit;
  }
  return value;
}

/// Days since 1970 of a date of the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms").
std::int64_t days_from_civil(unsigned year, unsigned month, unsigned day) noexcept {
  const unsigned y = month <= 2 ? year - 1 : year;
  const unsigned era = y / 400;
  const unsigned year_of_era = y - era * 400;
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return static_cast<std::int64_t>(era) * 146'097 + day_of_era - 719'468;
}

}  // namespace

PageField page_field(const char* element_name) noexcept {
  const PageField field = plain_page_field(element_name);
  if (field != PageField::other) return field;
  const char* const colon = std::strrchr(element_name, ':');
  return colon == nullptr ? field : plain_page_field(colon + 1);
}

ObjectField object_field(const char* element_name) noexcept {
  const ObjectField field = plain_object_field(element_name);
  if (field != ObjectField::other) return field;
  const char* const colon = std::strrchr(element_name, ':');
  return colon == nullptr ? field : plain_object_field(colon + 1);
}

std::optional<std::int64_t> parse_s3_date(std::string_view text) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (text.size() != kForm.size() || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text[19] != '.' || text[23] != 'Z') {
    return dates::parse_iso_ms(text);
  }
  const unsigned year = number(text, 0, 4);
  const unsigned month = number(text, 5, 2);
  const unsigned day = number(text, 8, 2);
  const unsigned hour = number(text, 11, 2);
  const unsigned minute = number(text, 14, 2);
  const unsigned second = number(text, 17, 2);
  const unsigned millisecond = number(text, 20, 3);
  // 29 February, leap seconds and everything unusual take the slow, careful way.
  constexpr unsigned char kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || year > 9999 || month - 1 > 11 || day - 1 >= kDays[month - 1] || hour > 23 ||
      minute > 59 || second > 59 || millisecond > 999) {
    return dates::parse_iso_ms(text);
  }
  const std::int64_t seconds =
      days_from_civil(year, month, day) * 86'400 + hour * 3600 + minute * 60 + second;
  return seconds * 1000 + millisecond;
}

std::optional<std::size_t> url_decode(std::span<char> text) noexcept {
  std::size_t out = 0;
  for (std::size_t in = 0; in < text.size(); ++in) {
    char c = text[in];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      if (text.size() - in < 3) return std::nullopt;
      const int high = hex_digit(text[in + 1]);
      const int low = hex_digit(text[in + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      in += 2;
    }
    text[out++] = c;
  }
  return out;
}

}  // namespace sluice::s3
