#include "report/metrics_text.hpp"
#include "report/status_page.hpp"
#include "report/watch_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

namespace sluice::report {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

WatchView some_view() {
  WatchView view;
  view.version = "0.1.0";
  view.source = "s3://photos";
  view.dir = "/srv/photos";
  view.now_ms = 1'764'309'600'000;
  view.started_ms = view.now_ms - 60'000;
  view.state = WatchState::idle;
  view.passes = {3, 1, 0, 2, 0};
  view.last_success_ms = view.now_ms - 5'000;
  view.telemetry.total.counts[static_cast<std::size_t>(What::fetched)] = 7;
  view.telemetry.total.fetched_bytes = 4096;
  view.telemetry.oldest_change_ms = view.now_ms - 90'000;
  RequestTelemetry& list = view.telemetry.requests[0];
  list.sent = 4;
  list.ended = {1, 0, 2, 0, 0, 1};
  list.first_byte.buckets = {1, 0, 1};
  list.first_byte.buckets.back() = 1;
  list.first_byte.sum_us = 20'004'500;
  return view;
}

TEST(Metrics, AreWhatPrometheusReads) {
  const std::string text = metrics_text(some_view());
  for (const char* line :
       {"sluice_passes_total{outcome=\"complete\"} 3\n",
        "sluice_passes_total{outcome=\"failed\"} 2\n",
        "sluice_objects_total{outcome=\"fetched\"} 7\n", "sluice_received_bytes_total 4096\n",
        "sluice_freshness_seconds 90\n", "sluice_requests_total{kind=\"list\"} 4\n",
        "sluice_answers_total{kind=\"list\",class=\"5xx\"} 1\n",
        "sluice_answers_total{kind=\"list\",class=\"none\"} 1\n",
        "sluice_build_info{version=\"0.1.0\"} 1\n",
        "sluice_last_success_timestamp_seconds 1764309595\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, HistogramsAddUp) {
  const std::string text = metrics_text(some_view());
  const std::string name = "sluice_request_first_byte_seconds";
  for (const char* rest :
       {"_bucket{kind=\"list\",le=\"0.001\"} 1\n", "_bucket{kind=\"list\",le=\"0.0025\"} 1\n",
        "_bucket{kind=\"list\",le=\"0.005\"} 2\n", "_bucket{kind=\"list\",le=\"10\"} 2\n",
        "_bucket{kind=\"list\",le=\"+Inf\"} 3\n", "_sum{kind=\"list\"} 20.0045\n",
        "_count{kind=\"list\"} 3\n"})
    EXPECT_THAT(text, HasSubstr(name + rest));
}

TEST(Metrics, EachFamilyIsIntroducedOnce) {
  std::istringstream lines(metrics_text(some_view()));
  std::set<std::string> families;
  std::string helped;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      helped = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(helped).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + helped + ' ')) << line;
    } else {
      EXPECT_TRUE(line.starts_with(helped)) << line;
    }
  }
  EXPECT_GT(families.size(), 15U);
}

TEST(Metrics, LabelsAreEscaped) {
  EXPECT_EQ(label_escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
}

TEST(Freshness, IsNothingWithoutAChangeAndNeverNegative) {
  WatchView view;
  view.now_ms = 1000;
  EXPECT_EQ(view.staleness(), milliseconds(0));
  view.telemetry.oldest_change_ms = 5000;  // the server's clock is ahead
  EXPECT_EQ(view.staleness(), milliseconds(0));
  view.telemetry.oldest_change_ms = 400;
  EXPECT_EQ(view.staleness(), milliseconds(600));
}

TEST(Page, HostileKeysAreText) {
  const std::string key = "<script>alert('x')</script>\"&\x1b[31m\xff\n";
  WatchView view = some_view();
  ObjectView failure;
  failure.key = key;
  failure.reason = "it <b>says</b> so";
  view.failures = view.last_changes = {failure};
  view.source = view.dir = key;
  view.last_passes.resize(1);
  view.last_passes[0].reason = "<img src=x>";
  const std::string page = status_page(view);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<b>says")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_THAT(
      page,
      HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\\x1b[31m\\xff\\x0a"));
  const std::string json = watch_json(view);
  EXPECT_THAT(json, HasSubstr("\"key_base64\""));
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
}

WatchView busy_view() {
  WatchView view = some_view();
  view.state = WatchState::transferring;
  view.interval = std::chrono::minutes(1);
  view.lists_a_pass = 3;
  view.work.queues[2].waiting = 17;
  view.work.queues[2].limit = 1024;
  view.work.transfers = 22;
  view.work.oldest.push_back({"<b>'\n", 1 << 20, 1 << 18, milliseconds(12'300)});
  return view;
}

TEST(Page, ShowsWhatIsOnItsWay) {
  const std::string page = status_page(busy_view());
  EXPECT_THAT(page, HasSubstr("<span class=key>&lt;b&gt;&#39;\\x0a</span>"));
  EXPECT_THAT(page, HasSubstr("<progress max=1048576 value=262144>"));
  EXPECT_THAT(page, HasSubstr("256 KiB of 1 MiB<td class=n>12s"));
  EXPECT_THAT(page, HasSubstr("and 21 more"));
  EXPECT_THAT(page, HasSubstr("17 of 1,024 parts to fetch"));
  EXPECT_THAT(page, Not(HasSubstr("<b>&#39;")));
  EXPECT_THAT(status_page(some_view()), Not(HasSubstr("id=transfers"))) << "nothing is under way";
}

TEST(Page, SaysWhatAskingCosts) {
  WatchView view = busy_view();
  EXPECT_THAT(status_page(view), HasSubstr("Asked for since then: 4 LIST, 0 GET and HEAD; a watch "
                                           "asks for 3 LIST a pass; in a month: 129,600 every"));
  view.prices = RequestPrices{5, 0};
  EXPECT_THAT(status_page(view), HasSubstr("4 LIST, 0 GET and HEAD (0.02); a watch"));
}

TEST(Page, TellsHowFarAListingIsByTheLastOne) {
  WatchView view = busy_view();
  view.pass.listed = 2'000;
  view.pass.listed_before = 5'000;
  EXPECT_THAT(status_page(view), HasSubstr("2,000 of about 5,000 listed so far"));
  view.pass.listing_done = true;
  EXPECT_THAT(status_page(view), HasSubstr("2,000 listed, "));
}

TEST(Json, HasQueuesTransfersAndPolling) {
  const std::string json = watch_json(busy_view());
  EXPECT_THAT(json, HasSubstr("\"parts\":{\"waiting\":17,\"limit\":1024}"));
  EXPECT_THAT(json, HasSubstr("\"transfers_running\":22,\"transfers\":[{\"key\":\"<b>'\\u000a\","
                              "\"size\":1048576,\"received_bytes\":262144,\"age_ms\":12300}]"));
  EXPECT_THAT(json, HasSubstr("\"polling\":{\"list_requests_a_pass\":3,"
                              "\"list_requests_a_month\":129600}"));
}

TEST(Metrics, HaveTheDepthOfEachQueue) {
  const std::string text = metrics_text(busy_view());
  EXPECT_THAT(text, HasSubstr("sluice_queue_items{queue=\"parts\"} 17\n"));
  EXPECT_THAT(text, HasSubstr("sluice_queue_limit_items{queue=\"parts\"} 1024\n"));
  EXPECT_THAT(text, HasSubstr("sluice_queue_items{queue=\"pages\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("sluice_active_transfers 22\n"));
}

TEST(Page, NeedsNothingFromElsewhere) {
  const std::string page = status_page(some_view());
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
  EXPECT_THAT(page, HasSubstr("<noscript><meta http-equiv=refresh"));
}

TEST(Watch, IsReadyOnceAPassHasEnded) {
  WatchView view;
  EXPECT_THAT(why_not_ready(view), HasSubstr("not ended yet"));
  view.last_passes.resize(1);
  view.last_passes[0].outcome = Outcome::failed;
  view.last_passes[0].reason = "no such bucket";
  EXPECT_THAT(why_not_ready(view), HasSubstr("no such bucket"));
  view.passes[static_cast<std::size_t>(Outcome::incomplete)] = 1;
  EXPECT_EQ(why_not_ready(view), "");
}

TEST(Watch, IsHealthyUnlessTheLoopIsSilent) {
  WatchView view;
  EXPECT_TRUE(is_healthy(view));
  view.silence = kMostSilence;
  EXPECT_FALSE(is_healthy(view));
}

}  // namespace
}  // namespace sluice::report
