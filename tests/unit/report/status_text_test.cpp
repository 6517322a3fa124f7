#include "report/status_text.hpp"

#include <gtest/gtest.h>

namespace sluice::report {
namespace {

MirrorStatus status() {
  MirrorStatus out;
  out.dir = "/srv/photos";
  out.endpoint_host = "amazonaws.com";
  out.bucket = "photos";
  out.prefix = "2024/";
  out.objects = 1234;
  out.bytes = 1 << 20;
  out.refused = 2;
  out.partial_downloads = 1;
  PassReport running;
  running.started_ms = 1'700'000'060'000;
  PassReport failed;
  failed.started_ms = 1'700'000'000'000;
  failed.finished_ms = 1'700'000'001'200;
  failed.outcome = "failed: no answer\x1b";
  failed.listed = 1000;
  failed.fetched = 3;
  failed.fetched_bytes = 2048;
  out.passes = {running, failed};
  return out;
}

TEST(StatusText, IsForPeople) {
  EXPECT_EQ(status_text(status(), {}),
            "/srv/photos mirrors s3://photos/2024/ at amazonaws.com\n"
            "  1,234 objects, 1 MiB; 2 refused; 1 partial download to go on with\n"
            "Last passes, the newest first (UTC):\n"
            "  2023-11-14 22:14:20  not finished: it still runs, or was killed\n"
            "  2023-11-14 22:13:20  failed after 1.2s: 1,000 listed, 3 fetched (2 KiB)\n"
            "      no answer\\x1b\n");
}

TEST(StatusText, SaysThatThereWasNoPass) {
  MirrorStatus fresh = status();
  fresh.refused = 0;
  fresh.partial_downloads = 0;
  fresh.passes.clear();
  EXPECT_EQ(status_text(fresh, {}),
            "/srv/photos mirrors s3://photos/2024/ at amazonaws.com\n"
            "  1,234 objects, 1 MiB\n"
            "  no pass yet\n");
}

StatusFacts facts() {
  StatusFacts out;
  out.now_ms = 1'700'000'072'500;
  out.prices = RequestPrices{0.005, 0.0004};
  out.watch.emplace();
  out.watch->started_ms = 1'700'000'000'000;
  out.watch->heard_ms = 1'700'000'070'000;
  out.watch->interval = std::chrono::minutes(5);
  out.watch->url = "http://127.0.0.1:9464/";
  out.watch->list_requests = 2;
  return out;
}

TEST(StatusText, TellsOfTheWatchThatRuns) {
  MirrorStatus now = status();
  now.process = 4711;
  EXPECT_EQ(status_text(now, facts()),
            "/srv/photos mirrors s3://photos/2024/ at amazonaws.com\n"
            "  1,234 objects, 1 MiB; 2 refused; 1 partial download to go on with\n"
            "  process 4711 has watched it every 5m00s since 2023-11-14 22:13:20 UTC; see "
            "http://127.0.0.1:9464/\n"
            "  last sign of life 2s ago\n"
            "  a pass has been running for 12s\n"
            "  a watch asks for 2 LIST a pass; in a month: 17,280 (0.09) every 5m00s\n"
            "Last passes, the newest first (UTC):\n"
            "  2023-11-14 22:14:20  runs\n"
            "  2023-11-14 22:13:20  failed after 1.2s: 1,000 listed, 3 fetched (2 KiB)\n"
            "      no answer\\x1b\n");
  StatusFacts idle = facts();
  idle.watch->next_pass_ms = idle.now_ms + 60'400;
  EXPECT_NE(status_text(now, idle).find("  last sign of life 2s ago, next pass in 1m00s\n"),
            std::string::npos);
  const std::string other = status_text(now, {});
  EXPECT_NE(other.find("  process 4711 is at work on it\n"), std::string::npos) << other;
}

TEST(StatusText, CountsAPageForEachThousandKeysOfTheLastCompletePass) {
  MirrorStatus now = status();
  now.passes.back().outcome = "complete";
  now.passes.back().listed = 1001;
  EXPECT_NE(status_text(now, {}).find("  a watch asks for 2 LIST a pass; in a month: 86,400 every"),
            std::string::npos);
}

TEST(StatusJson, TellsOfTheWatchThatRuns) {
  MirrorStatus now = status();
  now.process = 4711;
  const std::string json = status_json(now, facts());
  EXPECT_NE(json.find("\"process\":{\"pid\":4711,\"watches\":true,\"started_ms\":1700000000000,"
                      "\"heard_ms\":1700000070000,\"interval_ms\":300000,\"url\":"
                      "\"http://127.0.0.1:9464/\"},\"polling\":{\"list_requests_a_pass\":2,"
                      "\"list_requests_a_month\":17280},"),
            std::string::npos)
      << json;
}

TEST(StatusJson, IsOneLineWithTheVersionOfTheSchema) {
  MirrorStatus one = status();
  one.passes.resize(1);
  one.dir = "/srv/\xff";
  EXPECT_EQ(status_json(one, {}),
            "{\"event\":\"status\",\"v\":1,\"dir\":\"/srv/\xef\xbf\xbd\",\"dir_base64\":"
            "\"L3Nydi//\",\"endpoint_host\":\"amazonaws.com\",\"bucket\":\"photos\",\"prefix\":"
            "\"2024/"
            "\",\"objects\":1234,\"size_bytes\":1048576,\"refused\":2,\"partial_downloads\":1,"
            "\"passes\":[{"
            "\"started_ms\":1700000060000,\"finished\":false,\"listed\":0,\"kept\":0,\"fetched\":0,"
            "\"fetched_bytes\":0,\"deleted\":0,\"failed\":0,\"refused\":0}]}");
}

}  // namespace
}  // namespace sluice::report
