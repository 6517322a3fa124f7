#include "timetable.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

std::vector<RateSlot> parsed(std::string_view value) {
  const auto slots = parse_timetable({"--bwlimit", value});
  EXPECT_TRUE(slots) << value << ": " << (slots ? "" : slots.error().message);
  return slots ? *slots : std::vector<RateSlot>();
}

TEST(ParseTimetable, EntriesWithoutADayCountOnEach) {
  const auto slots = parsed("08:00,10MiB  18:30,off");
  ASSERT_EQ(slots.size(), 14u);
  EXPECT_EQ(slots[0], (RateSlot{8 * 60, 10u << 20}));
  EXPECT_EQ(slots[6], (RateSlot{6 * 1440 + 8 * 60, 10u << 20}));
  EXPECT_EQ(slots[7], (RateSlot{18 * 60 + 30, 0}));
}

TEST(ParseTimetable, DaysAreNamed) {
  EXPECT_EQ(parsed("Mon-08:00,512K fri-23:59,0"),
            (std::vector<RateSlot>{{8 * 60, 512 << 10}, {4 * 1440 + 23 * 60 + 59, 0}}));
  EXPECT_EQ(parsed("sun-8:00,1MiB/s"), (std::vector<RateSlot>{{6 * 1440 + 8 * 60, 1u << 20}}));
}

TEST(ParseTimetable, WhatMakesNoSenseIsNamed) {
  for (const char* wrong :
       {"08:00,10M 18:00", "25:00,1M", "08:60,1M", "Noday-08:00,1M", "08:00,fast", "0800,1M",
        "-08:00,1M", "08:0,1M", ",1M", "08:00,", "08:00,1"}) {
    const auto slots = parse_timetable({"--bwlimit", wrong});
    ASSERT_FALSE(slots) << wrong;
    EXPECT_EQ(slots.error().kind, ErrorKind::usage);
    EXPECT_NE(slots.error().message.find("--bwlimit"), std::string::npos) << slots.error().message;
  }
}

}  // namespace
}  // namespace sluice::cli
