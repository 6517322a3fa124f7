// A date of HTTP or S3, or a Retry-After.

#include "base/time.hpp"
#include "property.hpp"
#include "s3/answers.hpp"

namespace sluice::fuzz {
namespace {

/// The years 1 and 9999: what the formats can say.
constexpr std::int64_t kFirst = -62'135'596'800;
constexpr std::int64_t kLast = 253'402'300'799;

void check(const std::string& text) {
  if (const auto seconds = dates::parse_http(text)) {
    require(*seconds >= kFirst - 366 * 86'400 && *seconds <= kLast, "a year has four digits");
    if (*seconds >= kFirst)
      require(dates::parse_http(dates::format_http(*seconds)) == seconds, "HTTP dates come back");
  }
  if (const auto ms = dates::parse_iso_ms(text)) {
    require(*ms >= (kFirst - 366 * 86'400) * 1000 && *ms <= kLast * 1000 + 999,
            "a year has four digits");
    if (*ms >= kFirst * 1000)
      require(dates::parse_iso_ms(dates::format_iso_ms(*ms)) == ms, "ISO dates come back");
  }
  using namespace std::chrono_literals;
  for (const char* name : {"Retry-After", "x-amz-retry-after"}) {
    http::ResponseHead answer;
    answer.headers = {{name, text}};
    const auto pause = s3::retry_after(answer, WallTime(1'700'000'000s));
    require(pause >= 0ms && pause <= 5min, "no pause is longer than five minutes");
  }
  http::ResponseHead answer;
  answer.headers = {{"Date", text}};
  s3::measured_skew(answer, WallTime(1'700'000'000s), WallTime(1'700'000'001s), 3);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::check(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
