#include "http/client.hpp"

#include "client_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <list>
#include <string>
#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

class ClientTest : public ClientFixture {};

/// Answers every request with the number of its connection.
void answer_with_number(Peer& peer, unsigned number) {
  while (!peer.request().empty())
    peer.send(answer(std::to_string(number)));
}

TEST_F(ClientTest, OneConnectionServesOneRequestAfterTheOther) {
  ScriptedServer server(answer_with_number);
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (int i = 0; i < 5; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
      EXPECT_EQ(recorder.head.status, 200);
      EXPECT_EQ(recorder.body, "0");
    }
    const ClientStats stats = client->stats();
    EXPECT_EQ(stats.connections_opened, 1u);
    EXPECT_EQ(stats.requests, 5u);
    EXPECT_EQ(stats.bytes_received, 5u);
    EXPECT_EQ(stats.open_now, 1u);
    client->close_idle();
    EXPECT_EQ(client->stats().open_now, 0u);
  });
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ClientTest, RequestArrivesByteForByte) {
  std::string seen;
  ScriptedServer server([&seen](Peer& peer, unsigned) {
    seen = peer.request();
    peer.send(answer(""));
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    const Request request = get("/a/../b%2F?x=%20");
    Recorder recorder;
    const auto outcome = co_await client->exchange(request, recorder);
    EXPECT_TRUE(outcome);
  });
  EXPECT_EQ(seen, "GET /a/../b%2F?x=%20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

TEST_F(ClientTest, ABadRequestIsRefusedBeforeAnythingIsSent) {
  ScriptedServer server(answer_with_number);
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    Request request = get();
    request.headers.emplace_back("X", "a\r\nB: c");
    Recorder recorder;
    const auto outcome = co_await client->exchange(request, recorder);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::usage);
    EXPECT_EQ(client->stats().requests, 0u);
  });
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(ClientTest, TheConnectionUsedLastIsUsedNext) {
  ScriptedServer server([](Peer& peer, unsigned number) {
    bool first = true;
    while (!peer.request().empty()) {
      if (first && number == 0) std::this_thread::sleep_for(100ms);
      first = false;
      peer.send(answer(std::to_string(number)));
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    Recorder slow;
    Recorder fast;
    Result<void> outcomes[2];
    async::TaskGroup group;
    group.spawn(executor(), fetch_into(*client, slow, outcomes[0]));
    group.spawn(executor(), fetch_into(*client, fast, outcomes[1]));
    co_await group.join();
    EXPECT_EQ(client->stats().open_now, 2u);
    for (int i = 0; i < 3; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.body, slow.body);
    }
  });
}

TEST_F(ClientTest, NeverMoreConnectionsThanAllowed) {
  std::atomic<int> busy = 0;
  std::atomic<int> most = 0;
  ScriptedServer server([&](Peer& peer, unsigned) {
    while (!peer.request().empty()) {
      const int now = ++busy;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(2ms);
      --busy;
      peer.send(answer("x"));
    }
  });
  ClientOptions options;
  options.max_connections = 3;
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port(), options);
    std::list<Recorder> recorders(40);
    std::list<Result<void>> outcomes;
    async::TaskGroup group;
    for (Recorder& recorder : recorders)
      group.spawn(executor(), fetch_into(*client, recorder, outcomes.emplace_back()));
    co_await group.join();
    for (const auto& outcome : outcomes)
      EXPECT_TRUE(outcome);
    for (const Recorder& recorder : recorders)
      EXPECT_EQ(recorder.body, "x");
    EXPECT_EQ(client->stats().connections_opened, 3u);
    EXPECT_EQ(client->stats().open_now, 3u);
  });
  EXPECT_EQ(most, 3);
  EXPECT_EQ(server.connections(), 3u);
}

TEST_F(ClientTest, AStaleConnectionIsReplacedOnceAndSilently) {
  // The first connection is closed upon its second request, which therefore gets no answer.
  ScriptedServer server([](Peer& peer, unsigned number) {
    for (int i = 0; !peer.request().empty() && !(number == 0 && i == 1); ++i)
      peer.send(answer(std::to_string(number)));
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (const char* expected : {"0", "1", "1"}) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
      EXPECT_EQ(recorder.body, expected);
      EXPECT_EQ(recorder.heads, 1);
    }
    EXPECT_EQ(client->stats().requests, 3u);
    EXPECT_EQ(client->stats().connections_opened, 2u);
    EXPECT_EQ(client->stats().open_now, 1u);
  });
}

TEST_F(ClientTest, AStaleConnectionThatIsResetIsReplacedToo) {
  ScriptedServer server([](Peer& peer, unsigned number) {
    for (int i = 0; !peer.request().empty(); ++i) {
      if (number == 0 && i == 1) return peer.reset();
      peer.send(answer(std::to_string(number)));
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (const char* expected : {"0", "1"}) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
      EXPECT_EQ(recorder.body, expected);
    }
  });
}

TEST_F(ClientTest, OnlyOnceIsAStaleConnectionReplacedAndByANewOne) {
  // Two connections come to rest; from then on the server closes upon every request.
  std::atomic<bool> closing = false;
  ScriptedServer server([&](Peer& peer, unsigned) {
    while (!peer.request().empty() && !closing) {
      std::this_thread::sleep_for(20ms);
      peer.send(answer("x"));
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    Recorder recorders[2];
    Result<void> outcomes[2];
    async::TaskGroup group;
    for (int i = 0; i < 2; ++i)
      group.spawn(executor(), fetch_into(*client, recorders[i], outcomes[i]));
    co_await group.join();
    EXPECT_EQ(client->stats().open_now, 2u);
    closing = true;
    Recorder recorder;
    const auto outcome = co_await fetch(*client, recorder);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::transient);
    EXPECT_EQ(client->stats().connections_opened, 3u);
    EXPECT_EQ(client->stats().open_now, 1u);
  });
}

TEST_F(ClientTest, AnAnswerThatBeganIsNotAskedForAgain) {
  ScriptedServer server([](Peer& peer, unsigned) {
    for (int i = 0; !peer.request().empty(); ++i) {
      peer.send(i == 0 ? answer("x") : "HTTP/1.1 ");
      if (i == 1) return;
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    Recorder recorder;
    auto outcome = co_await fetch(*client, recorder);
    EXPECT_TRUE(outcome);
    outcome = co_await fetch(*client, recorder);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::transient);
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
}

TEST_F(ClientTest, AConnectionClosedWhileAtRestIsNotUsed) {
  std::atomic<int> requests = 0;
  ScriptedServer server([&](Peer& peer, unsigned number) {
    if (peer.request().empty()) return;
    ++requests;
    peer.send(answer(std::to_string(number)));
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (const char* expected : {"0", "1"}) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.body, expected);
      co_await runtime_->sleep_for(50ms);
    }
  });
  EXPECT_EQ(requests, 2);
}

TEST_F(ClientTest, BytesThatNobodyAskedForEndAConnection) {
  // An answer to nothing: right behind the first one, or later, while the connection is at rest.
  for (const auto delay : {0ms, 30ms}) {
    std::atomic<unsigned> smuggled = 0;
    ScriptedServer server([delay, &smuggled](Peer& peer, unsigned number) {
      while (!peer.request().empty()) {
        const std::string good = answer(std::to_string(number));
        peer.send(delay == 0ms ? good + answer("smuggled") : good);
        std::this_thread::sleep_for(delay);
        if (delay != 0ms) peer.send(answer("smuggled"));
        ++smuggled;
      }
    });
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = client_for(server.port());
      for (const char* expected : {"0", "1", "2"}) {
        Recorder recorder;
        const auto outcome = co_await fetch(*client, recorder);
        EXPECT_TRUE(outcome);
        EXPECT_EQ(recorder.body, expected);
        while (smuggled <= static_cast<unsigned>(expected[0] - '0'))
          co_await runtime_->sleep_for(5ms);
      }
    });
  }
}

TEST_F(ClientTest, ConnectionCloseIsHonoured) {
  ScriptedServer server([](Peer& peer, unsigned number) {
    if (peer.request().empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n" +
              std::to_string(number));
    EXPECT_TRUE(peer.closed_within(5));
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (const char* expected : {"0", "1"}) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.body, expected);
      EXPECT_EQ(client->stats().open_now, 0u);
    }
  });
}

TEST_F(ClientTest, AnswersWithoutABodyKeepTheConnection) {
  ScriptedServer server([](Peer& peer, unsigned) {
    std::string request;
    while (!(request = peer.request()).empty()) {
      if (request.starts_with("HEAD"))
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      else
        peer.send("HTTP/1.1 304 Not Modified\r\n\r\n");
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (const Method method : {Method::head, Method::get, Method::head}) {
      Request request = get();
      request.method = method;
      Recorder recorder;
      const auto outcome = co_await client->exchange(request, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.pieces, 0);
      EXPECT_EQ(recorder.head.status, method == Method::head ? 200 : 304);
    }
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
}

TEST_F(ClientTest, ChunksAndInterimAnswers) {
  ScriptedServer server([](Peer& peer, unsigned) {
    while (!peer.request().empty()) {
      peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      std::this_thread::sleep_for(5ms);
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
      std::this_thread::sleep_for(5ms);
      peer.send("lo\r\n1;x=y\r\n!\r\n0\r\n\r");
      std::this_thread::sleep_for(5ms);
      peer.send("\n");
    }
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    for (int i = 0; i < 2; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.heads, 1);
      EXPECT_EQ(recorder.body, "hello!");
    }
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
}

TEST_F(ClientTest, ALargeBodyArrivesWhole) {
  std::string large(20 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>((i * 2654435761u) >> 13);
  ScriptedServer server([&large](Peer& peer, unsigned) {
    while (!peer.request().empty())
      peer.send(answer(large));
  });
  Recorder recorder;
  ASSERT_TRUE(fetch_once(server.port(), recorder));
  EXPECT_TRUE(recorder.body == large);
  EXPECT_EQ(recorder.head.content_length, large.size());
}

TEST_F(ClientTest, AnErrorOfTheHandlerEndsTheExchangeAndTheConnection) {
  ScriptedServer server([](Peer& peer, unsigned) {
    if (!peer.request().empty()) peer.send(answer("hello"));
    EXPECT_TRUE(peer.closed_within(5));
  });
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    Recorder recorder;
    // Not even `stale` is taken for an error of the connection.
    recorder.at_body = [] { return Result<void>(Error(ErrorKind::stale, "mine")); };
    const auto outcome = co_await fetch(*client, recorder);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "mine");
    EXPECT_EQ(client->stats().open_now, 0u);
  });
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ClientTest, IdleAndOldConnectionsAreClosed) {
  std::promise<bool> closed;
  ScriptedServer server([&closed](Peer& peer, unsigned number) {
    if (!peer.request().empty()) peer.send(answer(std::to_string(number)));
    closed.set_value(peer.closed_within(5));
  });
  ClientOptions options;
  options.idle_timeout = 100ms;
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port(), options);
    Recorder recorder;
    const auto outcome = co_await fetch(*client, recorder);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(client->stats().open_now, 1u);
    for (int tries = 0; client->stats().open_now > 0 && tries < 1000; ++tries)
      co_await runtime_->sleep_for(10ms);
    EXPECT_EQ(client->stats().open_now, 0u);
  });
  EXPECT_TRUE(closed.get_future().get());
}

TEST_F(ClientTest, AnOldConnectionIsNotUsedAgain) {
  ScriptedServer server(answer_with_number);
  ClientOptions options;
  options.max_connection_age = 50ms;
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port(), options);
    for (const char* expected : {"0", "1"}) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_EQ(recorder.body, expected);
      co_await runtime_->sleep_for(100ms);
    }
  });
}

TEST_F(ClientTest, CancellationClosesTheConnectionAndFreesItsPlace) {
  std::promise<bool> closed;
  ScriptedServer server([&closed](Peer& peer, unsigned number) {
    while (!peer.request().empty()) {
      if (number > 0) {
        peer.send(answer("next"));
        continue;
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      closed.set_value(peer.closed_within(5));
      return;
    }
  });
  ClientOptions options;
  options.max_connections = 1;
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port(), options);
    Recorder recorder;
    Recorder waiting;
    Result<void> outcomes[2];
    {
      async::TaskGroup group;
      group.spawn(executor(), fetch_into(*client, recorder, outcomes[0]));
      group.spawn(executor(), fetch_into(*client, waiting, outcomes[1]));
      while (recorder.body != "half")
        co_await runtime_->sleep_for(1ms);
      group.cancel();
      co_await group.join();
    }
    EXPECT_EQ(client->stats().open_now, 0u);
    EXPECT_EQ(waiting.heads, 0);
    Recorder next;
    const auto outcome = co_await fetch(*client, next);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(next.body, "next");
  });
  EXPECT_TRUE(closed.get_future().get());
}

TEST_F(ClientTest, MayBeDestroyedWithConnectionsAtRestAndAfterTheRuntimeStopped) {
  ScriptedServer server(answer_with_number);
  std::unique_ptr<Client> client;
  runtime_->run([&]() -> Task {
    client = client_for(server.port());
    Recorder recorder;
    const auto outcome = co_await fetch(*client, recorder);
    EXPECT_TRUE(outcome);
  });
  client.reset();
  runtime_.reset();
}

TEST_F(ClientTest, AnExchangeAbandonedWithItsRuntimeDoesNoHarm) {
  ScriptedServer server([](Peer& peer, unsigned) {
    if (peer.request().empty()) return;
    EXPECT_TRUE(peer.closed_within(5));
  });
  std::unique_ptr<Client> client;
  Recorder recorder;
  Result<void> outcome;
  runtime_->run([&]() -> Task {
    client = client_for(server.port());
    boost::asio::co_spawn(executor(), fetch_into(*client, recorder, outcome),
                          boost::asio::detached);
    co_await runtime_->sleep_for(50ms);
  });
  client.reset();
  runtime_.reset();
}

TEST_F(ClientTest, LimitsAreChecked) {
  ClientOptions options;
  for (const std::size_t bad : {0u, 4097u}) {
    options.max_connections = bad;
    const auto made = Client::make(*runtime_, executor(), Endpoint{}, options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace sluice::http
