#include "client_fixture.hpp"
#include "http/client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

/// Bodies that a handler would rather have in a pipe.
class ClientPipe : public ClientFixture {
 protected:
  static std::string content(std::size_t size) {
    std::string text;
    while (text.size() < size)
      text += std::to_string(text.size()) + ",";
    text.resize(size);
    return text;
  }

  static Recorder taker() {
    Recorder recorder;
    recorder.wants_pipe = true;
    return recorder;
  }
};

TEST_F(ClientPipe, BringsBodiesOfAnySize) {
  constexpr std::size_t kSizes[] = {0, 1, 8'000, 8'192, 24'000, 65'536, 300'000, 3'000'001};
  ScriptedServer server([&](Peer& peer, unsigned) {
    for (const std::size_t size : kSizes) {
      peer.request();
      peer.send(answer(content(size)));
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    std::uint64_t received = 0;
    for (const std::size_t size : kSizes) {
      Recorder recorder = taker();
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << size << ": " << outcome.error().message;
      EXPECT_TRUE(recorder.body == content(size)) << size;
      // The head and what comes with it are read, and so is an end that is not worth a pipe.
      const std::size_t least = size < 65'536 ? 0 : size - 24'576;
      EXPECT_GE(recorder.piped, least) << size;
      EXPECT_LE(recorder.piped, size <= 8'192 ? 0 : size) << size;
      received += size;
      EXPECT_EQ(client->stats().bytes_received, received);
    }
  });
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ClientPipe, AsksForNoneThatTheHandlerDoesNotWant) {
  ScriptedServer server([&](Peer& peer, unsigned) {
    peer.request();
    peer.send(answer(content(300'000)));
  });
  Recorder recorder;
  const auto outcome = fetch_once(server.port(), recorder);
  EXPECT_TRUE(outcome);
  EXPECT_TRUE(recorder.body == content(300'000));
  EXPECT_EQ(recorder.piped, 0u);
}

TEST_F(ClientPipe, AChunkedBodyIsRead) {
  ScriptedServer server([&](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n");
    peer.send(content(300'000));
    peer.send("\r\n0\r\n\r\n");
  });
  Recorder recorder = taker();
  const auto outcome = fetch_once(server.port(), recorder);
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(recorder.body == content(300'000));
  EXPECT_EQ(recorder.piped, 0u);
}

TEST_F(ClientPipe, WhatFollowsAnAnswerIsNoAnswer) {
  ScriptedServer server([&](Peer& peer, unsigned number) {
    peer.request();
    peer.send(answer(content(40'000)) + (number == 0 ? answer("surplus") : ""));
    peer.request();
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (int i = 0; i < 2; ++i) {
      Recorder recorder = taker();
      recorder.at_head = []() -> Result<void> {
        // So that all has come: the pipe then ends where the body does, and the rest stays.
        std::this_thread::sleep_for(50ms);
        return {};
      };
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
      EXPECT_TRUE(recorder.body == content(40'000)) << i;
    }
  });
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(ClientPipe, WhatAHandlerLeavesReachesNoOtherAnswer) {
  ScriptedServer server([&](Peer& peer, unsigned) {
    while (!peer.request().empty() && !peer.failed())
      peer.send(answer(content(300'000)));
  });
  const Error full(ErrorKind::local, "the disk is full");
  for (const bool says_so : {true, false}) {
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = client_for(server.port());
      Recorder careless = taker();
      careless.at_pipe = [&](Pipe&) { return says_so ? Result<void>(full) : Result<void>(); };
      const auto outcome = co_await fetch(*client, careless);
      EXPECT_FALSE(outcome) << says_so;
      EXPECT_EQ(outcome.error().kind, ErrorKind::local) << outcome.error().message;
      EXPECT_EQ(client->stats().open_now, 0u) << "the rest of the body is still to come there";
      Recorder recorder = taker();
      const auto next = co_await fetch(*client, recorder);
      EXPECT_TRUE(next) << next.error().message;
      EXPECT_TRUE(recorder.body == content(300'000)) << says_so;
    });
  }
}

TEST_F(ClientPipe, ACutIsTransient) {
  for (const bool resets : {false, true}) {
    ScriptedServer server([&](Peer& peer, unsigned) {
      peer.request();
      std::string part = answer(content(300'000));
      part.resize(200'000);
      peer.send(part);
      if (!resets) return;
      std::this_thread::sleep_for(20ms);
      peer.reset();
    });
    Recorder recorder = taker();
    runtime_ = async::make_threaded_runtime({});
    const auto outcome = fetch_once(server.port(), recorder);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::transient) << outcome.error().message;
    EXPECT_TRUE(recorder.body == content(recorder.body.size()));
    const char* said = resets ? "reset" : " of 300000 bytes";
    EXPECT_NE(outcome.error().message.find(said), std::string::npos) << outcome.error().message;
  }
}

TEST_F(ClientPipe, AStallIsSeen) {
  ClientOptions options;
  options.stall_window = 200ms;
  options.stall_bytes = 100;
  ScriptedServer server([&](Peer& peer, unsigned) {
    peer.request();
    peer.send(answer(content(3'000'000)).substr(0, 1'000'000));
    EXPECT_TRUE(peer.closed_within(60));
  });
  Recorder recorder = taker();
  const auto outcome = fetch_once(server.port(), recorder, options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::transient);
  EXPECT_NE(outcome.error().message.find("stalled"), std::string::npos) << outcome.error().message;
  EXPECT_GT(recorder.piped, 0u);
}

TEST_F(ClientPipe, ALimitedRateHolds) {
  ScriptedServer server([&](Peer& peer, unsigned) {
    peer.request();
    peer.send(answer(content(1'000'000)));
  });
  ClientOptions options;
  options.body_rate = std::make_shared<async::RateLimiter>(2'000'000);
  Recorder recorder = taker();
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = fetch_once(server.port(), recorder, options);
  EXPECT_TRUE(outcome);
  EXPECT_TRUE(recorder.body == content(1'000'000));
  EXPECT_GT(recorder.piped, 500'000u);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 250ms);  // of half a second
}

}  // namespace
}  // namespace sluice::http
