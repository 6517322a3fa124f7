#include "base/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::units {
namespace {

using namespace std::chrono_literals;

TEST(ParseSize, WhatPeopleWrite) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"0", 0},
      {"512", 512},
      {"512B", 512},
      {"8MiB", 8 * MiB},
      {"8M", 8 * MiB},
      {"8m", 8 * MiB},
      {"8MB", 8'000'000},
      {"8mb", 8'000'000},
      {"8Mi", 8 * MiB},
      {"8 MiB", 8 * MiB},
      {" 1k ", KiB},
      {"1kB", 1000},
      {"1.5G", GiB + GiB / 2},
      {"0.5k", 512},
      {"2T", 2048 * GiB},
      {"53P", 53 * 1024 * 1024 * GiB},
      {"59672695062659072", 53 * 1024 * 1024 * GiB},
      {"1PB", 1'000'000'000'000'000}};
  for (const auto& [text, bytes] : cases) {
    const auto got = parse_size("--part-size", text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, bytes) << text;
  }
}

TEST(ParseSize, SaysWhichFlagAndHow) {
  const auto got = parse_size("--memory", "lots\x1b");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::usage);
  EXPECT_EQ(got.error().message,
            "--memory: \"lots\\x1b\" is not a size; write for example 8MiB, 100M or 1G");
}

TEST(ParseSize, RefusesJunkAndOverflow) {
  for (const auto* bad : {"", " ", "M", "-1", "+1", "1.", ".5M", "1.2345M", "1,5M", "8Q", "8MM",
                          "8MiBs", "0x10", "1e6", "99999999999999999999", "99999999P", "17000P"})
    EXPECT_FALSE(parse_size("--memory", bad)) << bad;
}

TEST(ParseDuration, WhatPeopleWrite) {
  const std::pair<const char*, std::chrono::milliseconds> cases[] = {
      {"60s", 60s},
      {"5m", 5min},
      {"1h30m", 90min},
      {"250ms", 250ms},
      {"2d", 48h},
      {"45", 45s},
      {"0", 0s},
      {"1.5s", 1500ms},
      {"0.5", 500ms},
      {"1.5h", 90min},
      {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms}};
  for (const auto& [text, duration] : cases) {
    const auto got = parse_duration("--interval", text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, duration) << text;
  }
}

TEST(ParseDuration, RefusesJunkAndOverflow) {
  for (const auto* bad : {"", "s", "-5s", "5x", "1h30", "30m1h", "1h1h", "1.s", "5 s", "5S",
                          "40000d", "18446744073709551615", "36500d1s"}) {
    const auto got = parse_duration("--interval", bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().kind, ErrorKind::usage);
    EXPECT_THAT(got.error().message, testing::StartsWith("--interval: \""));
  }
}

TEST(FormatSize, ThreeDigits) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(312), "312 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1 KiB");
  EXPECT_EQ(format_size(GiB + GiB / 2), "1.5 GiB");
  EXPECT_EQ(format_size(1300), "1.27 KiB");
  EXPECT_EQ(format_size(12'700), "12.4 KiB");
  EXPECT_EQ(format_size(100 * MiB), "100 MiB");
  EXPECT_EQ(format_size(MiB - 1), "1 MiB") << "never 1024 KiB";
  EXPECT_EQ(format_size(~std::uint64_t{0}), "16 EiB");
}

TEST(FormatDuration, Short) {
  EXPECT_EQ(format_duration(0ms), "0ms");
  EXPECT_EQ(format_duration(180ms), "180ms");
  EXPECT_EQ(format_duration(4200ms), "4.2s");
  EXPECT_EQ(format_duration(5s), "5s");
  EXPECT_EQ(format_duration(59'999ms), "59.9s") << "never 60s";
  EXPECT_EQ(format_duration(65s), "1m05s");
  EXPECT_EQ(format_duration(62min), "1h02m");
  EXPECT_EQ(format_duration(76h), "3d04h");
  EXPECT_EQ(format_duration(-5s), "-5s");
  EXPECT_EQ(format_duration(std::chrono::milliseconds::min()).front(), '-');
}

}  // namespace
}  // namespace sluice::units
