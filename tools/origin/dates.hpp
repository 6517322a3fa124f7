// The three date forms of S3. Times are UTC, counted from 1970; `_ms` milliseconds, `_s` seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::origin {

// The system clock, unless a test gives the server another one.
std::int64_t now_ms();

// "Fri, 24 May 2013 00:00:00 GMT" (HTTP headers; the fraction is cut off).
std::string http_date(std::int64_t ms);
std::optional<std::int64_t> parse_http_date_s(std::string_view text);

// "2013-05-24T00:00:00.000Z" (listings).
std::string iso_date(std::int64_t ms);

// "2013-05-24T00:00:00Z" (documents with credentials).
std::string iso_second(std::int64_t ms);

// "20130524T000000Z" (signatures).
std::string amz_date(std::int64_t ms);
std::optional<std::int64_t> parse_amz_date_s(std::string_view text);

}  // namespace sluice::origin
