// The clock-skew cases that the AWS SDKs share.

#include "base/time.hpp"
#include "scripted_http.hpp"
#include "vectors.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <deque>
#include <string>
#include <utility>

namespace sluice::s3 {
namespace {

std::int64_t seconds_of(std::string_view iso) {
  return dates::parse_iso_ms(iso).value() / 1000;
}

/// A runtime whose wall clock the test sets.
class SetClock final : public async::Runtime {
 public:
  explicit SetClock(std::unique_ptr<async::Runtime> real) : real_(std::move(real)) {}

  async::Executor executor(async::Role role, unsigned shard) override {
    return real_->executor(role, shard);
  }
  unsigned data_shards() const noexcept override { return real_->data_shards(); }
  SteadyTime now() const noexcept override { return real_->now(); }
  WallTime wall_now() const noexcept override { return wall; }
  std::chrono::nanoseconds processor_time() const noexcept override { return {}; }
  async::Task<void> sleep_until(SteadyTime when) override { return real_->sleep_until(when); }
  std::uint64_t random() override { return real_->random(); }
  void run(std::function<async::Task<void>()> main) override { real_->run(std::move(main)); }

  WallTime wall;

 private:
  std::unique_ptr<async::Runtime> real_;
};

struct ClockAttempt {
  std::int64_t sent = 0;
  std::int64_t received = 0;
  std::int64_t signed_for = 0;
  Reply reply;
};

/// Plays the attempts of one operation, setting the clock at each step.
class ClockedHttp final : public http::Client {
 public:
  ClockedHttp(SetClock& clock, std::deque<ClockAttempt>& attempts)
      : clock_(clock), attempts_(attempts) {}

  async::Task<Result<void>> exchange(const http::Request& request,
                                     http::ResponseHandler& handler) override {
    if (attempts_.empty()) {
      ADD_FAILURE() << "an attempt too many";
      Error nothing(ErrorKind::unreachable, "the script has ended");
      co_return nothing;
    }
    const ClockAttempt attempt = std::move(attempts_.front());
    attempts_.pop_front();
    http::ResponseHead sent_headers;
    sent_headers.headers = request.headers;
    EXPECT_EQ(sent_headers.find("x-amz-date"), dates::format_amz(attempt.signed_for));
    clock_.wall = WallTime(std::chrono::seconds(attempt.received));
    http::ResponseHead head;
    head.status = attempt.reply.status;
    head.headers = attempt.reply.headers;
    head.content_length = attempt.reply.body.size();
    if (Result<void> taken = handler.on_head(head); !taken) co_return taken;
    const std::string& body = attempt.reply.body;
    Result<void> taken = handler.on_body(std::as_bytes(std::span(body.data(), body.size())));
    // The next attempt begins at once, at the time that the case gives.
    if (!attempts_.empty()) clock_.wall = WallTime(std::chrono::seconds(attempts_.front().sent));
    co_return taken;
  }
  http::ClientStats stats() const noexcept override { return {}; }
  void close_idle() noexcept override {}

 private:
  SetClock& clock_;
  std::deque<ClockAttempt>& attempts_;
};

ClockAttempt read_attempt(simdjson::dom::element one) {
  ClockAttempt attempt;
  attempt.sent = seconds_of(one["clientTimeAtSend"]);
  attempt.received = seconds_of(one["clientTimeAtReceive"]);
  attempt.signed_for = seconds_of(one["expectedSigningTime"]);
  const simdjson::dom::element response = one["response"];
  attempt.reply = page_reply();
  attempt.reply.status = static_cast<int>(std::int64_t(response["statusCode"]));
  std::string_view code;
  if (response["errorCode"].get(code) == simdjson::SUCCESS) attempt.reply.body = error_body(code);
  for (const auto& [name, value] : response["headers"].get_object())
    attempt.reply.headers.emplace_back(name, std::string_view(value));
  return attempt;
}

/// Runs every operation of one case with one client.
async::Task<void> play(simdjson::dom::array operations, SetClock& clock, Session& session,
                       store::ObjectStore& store, std::deque<ClockAttempt>& attempts) {
  for (const simdjson::dom::element operation : operations) {
    session.set_skew_seconds(operation["initialClientSkew"]);
    attempts.clear();
    for (const simdjson::dom::element attempt : operation["attempts"].get_array())
      attempts.push_back(read_attempt(attempt));
    // Where the case has no attempt left, the client still makes its own correction.
    std::int64_t max_attempts = 0;
    const bool no_budget = operation["maxAttempts"].get(max_attempts) == simdjson::SUCCESS;
    if (no_budget) {
      ClockAttempt again = attempts.back();
      again.sent = again.received;
      again.signed_for = again.sent + std::int64_t(operation["expectedClientSkew"]);
      attempts.push_back(again);
    }
    clock.wall = WallTime(std::chrono::seconds(attempts.front().sent));
    store::ListRequest request;
    const Result<ListPage> page = co_await store.list(std::move(request));
    EXPECT_EQ(page.has_value(), std::string_view(operation["expectedOutcome"]) == "success");
    if (!no_budget) {
      EXPECT_EQ(session.skew_seconds(), std::int64_t(operation["expectedClientSkew"]));
    }
    EXPECT_TRUE(attempts.empty());
  }
}

TEST(ClockSkew, SharedCases) {
  const auto path = uncommitted_file("aws-shared-sdk-cases/clock-skew-test-cases.json");
  if (!path) GTEST_SKIP() << "SLUICE_VECTORS has no aws-shared-sdk-cases";
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.load(*path).get(root), simdjson::SUCCESS);
  int count = 0;
  for (const simdjson::dom::element one : root["tests"].get_array()) {
    SCOPED_TRACE(std::string_view(one["description"]));
    SetClock clock(async::make_deterministic_runtime({}));
    const auto session =
        *Session::make(ScriptedClient::default_options(), FixedCredentials::make());
    std::deque<ClockAttempt> attempts;
    const auto store = *make_client_over(
        clock, session, [&](const http::Endpoint&) -> Result<std::unique_ptr<http::Client>> {
          return std::unique_ptr<http::Client>(std::make_unique<ClockedHttp>(clock, attempts));
        });
    const simdjson::dom::array operations = one["operations"];
    clock.run([&]() -> async::Task<void> {
      co_await play(operations, clock, *session, *store, attempts);
    });
    ++count;
  }
  EXPECT_EQ(count, 10);
}

/// The same rules without the shared cases.
TEST(ClockSkew, ASignatureIsBlamedOnTheClockOnlyIfItIsFarOff) {
  for (const auto& [ahead, attempts_made] : {std::pair(240, 1), std::pair(241, 2)}) {
    SetClock clock(async::make_deterministic_runtime({}));
    clock.wall = WallTime(std::chrono::seconds(1'767'225'600));
    ScriptedClient client(clock);
    const std::string date = dates::format_http(1'767'225'600 + ahead);
    client.script.replies = {error_reply(403, "SignatureDoesNotMatch", {{"Date", date}})};
    if (attempts_made == 2) client.script.replies.push_back(page_reply());
    EXPECT_EQ(client.list().has_value(), attempts_made == 2);
    EXPECT_EQ(client.session->skew_seconds(), ahead);
  }
}

TEST(ClockSkew, WithoutADateThereIsNoCorrection) {
  const auto runtime = async::make_deterministic_runtime({});
  ScriptedClient client(*runtime);
  client.script.replies = {error_reply(403, "RequestTimeTooSkewed")};
  EXPECT_EQ(client.list().error().kind, ErrorKind::skewed);
}

}  // namespace
}  // namespace sluice::s3
