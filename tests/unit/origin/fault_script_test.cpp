#include "origin/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::origin {
namespace {

using testing::HasSubstr;

TEST(FaultScript, ReadsRules) {
  const FaultScript script = parse_fault_script(R"({
    "seed": 99,
    "rules": [
      {"match": {"method": "GET", "operation": "get", "bucket": "b", "key": "logs/*", "from": 2,
                 "to": 4, "every": 2, "probability": 0.25, "count_by_key": true,
                 "bytes": [0, 1023]},
       "action": {"kind": "cut", "at": 1000}},
      {"actions": [{"kind": "delay", "before_headers_ms": 10},
                   {"kind": "status", "code": "SlowDown", "headers": {"Retry-After": "1"}}]}
    ]})");
  EXPECT_EQ(script.seed, 99u);
  ASSERT_EQ(script.rules.size(), 2u);
  const Match& match = script.rules[0].match;
  EXPECT_EQ(match.operation, Operation::get);
  EXPECT_EQ(match.key, "logs/*");
  EXPECT_EQ(match.from, 2u);
  EXPECT_EQ(match.to, 4u);
  EXPECT_EQ(match.every, 2u);
  EXPECT_DOUBLE_EQ(match.probability, 0.25);
  EXPECT_TRUE(match.count_by_key);
  EXPECT_EQ(match.bytes->last, 1023u);
  EXPECT_EQ(script.rules[0].actions[0].name, "cut");
  EXPECT_EQ(script.rules[1].actions.size(), 2u);
}

TEST(FaultScript, EveryActionOfTheReadme) {
  const char* const actions[] = {
      R"("status", "status": 500)",
      R"("status", "code": "SlowDown", "message": "m")",
      R"("body", "text": "x", "status": 200, "content_type": "text/html")",
      R"("delay", "before_headers_ms": 1, "before_body_ms": 1, "each_chunk_ms": 1)",
      R"("rate", "bytes_per_second": 1000)",
      R"("chunk_bytes", "bytes": 1)",
      R"("cut", "at": 1)",
      R"("cut_head", "at": 1)",
      R"("stall", "at": 1, "for_ms": 5)",
      R"("stall")",
      R"("reset", "at": 1)",
      R"("reset_before_answer")",
      R"("close_before_answer")",
      R"("close_after_answer", "wait_ms": 1)",
      R"("flip", "at": 1, "mask": 128)",
      R"("flip_random")",
      R"("ignore_range")",
      R"("wrong_content_range", "shift": -1, "total_shift": 1)",
      R"("wrong_etag", "etag": "x")",
      R"("set_header", "name": "a", "value": "b")",
      R"("remove_header", "name": "a")",
      R"("content_length", "shift": -1)",
      R"("no_content_length")",
      R"("skew_date", "seconds": -3600)",
      R"("chunked")",
      R"("chunked_cut", "at": 1)",
      R"("extra_bytes", "text": "x")",
      R"("garbage", "text": "x")",
      R"("informational", "count": 3, "status": 102)",
      R"("huge_header", "bytes": 10)",
      R"("many_headers", "count": 10)",
      R"("overwrite", "text": "x", "when": "after", "key": "k")",
      R"("overwrite", "size": 10, "seed": 3)",
      R"("overwrite")",
      R"("remove", "when": "before")",
      R"("list_token", "fault": "repeat")",
      R"("list_token", "fault": "missing")",
      R"("list_token", "fault": "drop_is_truncated")",
      R"("list_token", "fault": "not_truncated")",
      R"("list_token", "fault": "junk")",
      R"("list_shuffle")",
      R"("list_duplicate")",
      R"("list_empty")",
      R"("list_drop", "keys": "*")",
      R"("list_ignore_encoding")",
      R"("list_prefix", "prefix": "x")",
      R"("list_cut", "at": 10)",
      R"("list_replace", "find": "true", "with": "false")",
  };
  for (const std::string action : actions) {
    const std::string json = R"({"rules": [{"action": {"kind": )" + action + "}}]}";
    EXPECT_NO_THROW(parse_fault_script(json)) << action;
  }
}

std::string mistake(const std::string& json) {
  try {
    parse_fault_script(json);
    return "none";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST(FaultScript, MistakesAreNamed) {
  EXPECT_THAT(mistake("{"), HasSubstr("no JSON"));
  EXPECT_THAT(mistake("{}"), HasSubstr("'rules' is no list"));
  EXPECT_THAT(mistake(R"({"rules": [], "sead": 1})"), HasSubstr("unknown name 'sead'"));
  EXPECT_THAT(mistake(R"({"rules": [{}, {"action": {"kind": "cutt"}}]})"),
              HasSubstr("rule 2, action: no action is called cutt"));
  EXPECT_THAT(mistake(R"({"rules": [{"action": {"kind": "cut"}}]})"),
              HasSubstr("rule 1, action: 'at' is missing"));
  EXPECT_THAT(mistake(R"({"rules": [{"action": {"kind": "cut", "at": -1}}]})"),
              HasSubstr("'at' must be a number"));
  EXPECT_THAT(mistake(R"({"rules": [{"action": {"kind": "chunked", "x": 1}}]})"),
              HasSubstr("unknown name 'x'"));
  EXPECT_THAT(mistake(R"({"rules": [{"match": {"operation": "gett"}}]})"),
              HasSubstr("no operation is called gett"));
  EXPECT_THAT(mistake(R"({"rules": [{"match": {"bytes": [1]}}]})"), HasSubstr("[first, last]"));
  EXPECT_THROW(load_fault_script("/nonexistent"), std::runtime_error);
}

}  // namespace
}  // namespace sluice::origin
