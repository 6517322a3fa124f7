#include "client_fixture.hpp"
#include "http/client.hpp"

#include <boost/asio/ip/address_v4.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
namespace ip = boost::asio::ip;

class ClientFaults : public ClientFixture {
 protected:
  /// One GET from a server that runs `script`; the error it ends with.
  Error error_of(ScriptedServer::Script script, ClientOptions options = {}) {
    ScriptedServer server(std::move(script));
    Recorder recorder;
    const auto begun = std::chrono::steady_clock::now();
    const auto outcome = fetch_once(server.port(), recorder, options);
    took_ = std::chrono::steady_clock::now() - begun;
    EXPECT_FALSE(outcome);
    return outcome ? Error() : outcome.error();
  }

  /// A GET of http://bucket.example, whose addresses are looked up by `look_up`.
  std::unique_ptr<Client> named_client(std::uint16_t port, LookUp look_up) {
    return client_for(Endpoint{Scheme::http, "bucket.example", port}, {}, std::move(look_up));
  }

  std::chrono::steady_clock::duration took_{};
};

TEST_F(ClientFaults, ACutIsTransient) {
  const char* part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
  for (const std::string_view sent : {"", "HTT", "HTTP/1.1 200 OK\r\nA: b\r\n", part}) {
    runtime_ = async::make_threaded_runtime({});
    const Error error = error_of([sent](Peer& peer, unsigned) {
      peer.request();
      peer.send(sent);
    });
    EXPECT_EQ(error.kind, ErrorKind::transient) << error.message;
    EXPECT_NE(error.message.find("http://127.0.0.1:"), std::string::npos);
  }
}

TEST_F(ClientFaults, AResetIsTransient) {
  const Error error = error_of([](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    std::this_thread::sleep_for(20ms);
    peer.reset();
  });
  EXPECT_EQ(error.kind, ErrorKind::transient);
  EXPECT_NE(error.message.find("reset"), std::string::npos) << error.message;
}

TEST_F(ClientFaults, AnAnswerThatNeverComesIsTransient) {
  ClientOptions options;
  options.first_byte_timeout = 200ms;
  const Error error = error_of(
      [](Peer& peer, unsigned) {
        peer.request();
        EXPECT_TRUE(peer.closed_within(60));
      },
      options);
  EXPECT_EQ(error.kind, ErrorKind::transient);
  EXPECT_NE(error.message.find("did not answer within"), std::string::npos) << error.message;
  EXPECT_GE(took_, 200ms);
  EXPECT_LT(took_, 20s);  // the default is 30 s
}

TEST_F(ClientFaults, AHeadThatTricklesIsTransient) {
  ClientOptions options;
  options.first_byte_timeout = 200ms;
  options.stall_window = 200ms;
  const Error error = error_of(
      [](Peer& peer, unsigned) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nX: ");
        for (int i = 0; i < 5000 && !peer.failed(); ++i) {
          peer.send("x");
          std::this_thread::sleep_for(10ms);
        }
      },
      options);
  EXPECT_EQ(error.kind, ErrorKind::transient);
  EXPECT_NE(error.message.find("head"), std::string::npos) << error.message;
  EXPECT_LT(took_, 20s);
}

TEST_F(ClientFaults, AStallInTheBodyIsTransient) {
  ClientOptions options;
  options.stall_window = 200ms;
  options.stall_bytes = 100;
  const Error error = error_of(
      [](Peer& peer, unsigned) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        // Not silent, only far too slow.
        for (int i = 0; i < 5000 && !peer.failed(); ++i) {
          peer.send("x");
          std::this_thread::sleep_for(10ms);
        }
      },
      options);
  EXPECT_EQ(error.kind, ErrorKind::transient);
  EXPECT_NE(error.message.find("stalled"), std::string::npos) << error.message;
  EXPECT_LT(took_, 20s);
}

TEST_F(ClientFaults, ASlowBodyThatKeepsComingIsFine) {
  ScriptedServer server([](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
    for (int i = 0; i < 60; ++i) {
      std::this_thread::sleep_for(25ms);
      peer.send("x");
    }
  });
  ClientOptions options;
  options.stall_window = 500ms;
  options.stall_bytes = 3;
  Recorder recorder;
  const auto outcome = fetch_once(server.port(), recorder, options);
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body.size(), 60u);
}

TEST_F(ClientFaults, ALargeBodyThatComesInDripsIsJudgedByItsBytes) {
  // Far less than the low-water mark in a window, far more than the floor.
  const std::string drip(200, 'x');
  ScriptedServer server([&drip](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 80; ++i) {
      std::this_thread::sleep_for(20ms);
      peer.send(drip);
    }
    peer.send(std::string(1'000'000 - 80 * drip.size(), 'y'));
  });
  ClientOptions options;
  options.stall_window = 500ms;
  options.stall_bytes = 100;
  Recorder recorder;
  const auto outcome = fetch_once(server.port(), recorder, options);
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body.size(), 1'000'000u);
}

TEST_F(ClientFaults, ASmallAnswerAfterALargeOneIsNoticedAtOnce) {
  ScriptedServer server([](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    std::this_thread::sleep_for(50ms);  // the client waits for plenty now
    peer.send(std::string(1'000'000, 'y'));
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(peer.closed_within(60));  // nothing more comes
  });
  Recorder large;
  Recorder small;
  runtime_->run([&]() -> Task {
    const auto client = client_for(server.port());
    const auto first = co_await fetch(*client, large);
    EXPECT_TRUE(first);
    const auto second = co_await fetch(*client, small);
    EXPECT_TRUE(second);
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
  EXPECT_EQ(large.body.size(), 1'000'000u);
  EXPECT_EQ(small.body, "ok");
}

TEST_F(ClientFaults, ARefusedConnectionIsUnreachable) {
  Recorder recorder;
  const auto outcome = fetch_once(closed_port(), recorder);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_EQ(outcome.error().os_error, ECONNREFUSED);
  EXPECT_NE(outcome.error().message.find("http://127.0.0.1:"), std::string::npos);
}

TEST_F(ClientFaults, AConnectionThatIsNotAcceptedTimesOut) {
  const DeafListener listener;
  ClientOptions options;
  options.connect_timeout = 200ms;
  Result<void> outcome;
  const auto begun = std::chrono::steady_clock::now();
  runtime_->run([&]() -> Task {
    const auto client = client_for(Endpoint{Scheme::http, "127.0.0.1", listener.port()}, options,
                                   look_up_by_system);
    Recorder recorder;
    outcome = co_await fetch(*client, recorder);
    EXPECT_EQ(client->stats().open_now, 0u);
    EXPECT_EQ(client->stats().connections_opened, 0u);
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);  // the kernel tries for minutes
}

TEST_F(ClientFaults, AnEndlessHeadIsRefusedEarly) {
  std::atomic<std::size_t> sent = 0;
  const Error error = error_of([&sent](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n");
    const std::string line = "X-Flood: " + std::string(1000, 'x') + "\r\n";
    while (!peer.failed() && sent < 100'000'000) {
      peer.send(line);
      sent += line.size();
    }
  });
  EXPECT_EQ(error.kind, ErrorKind::invalid_answer);
  EXPECT_LT(sent, 20'000'000u);  // what socket buffers hold
}

TEST_F(ClientFaults, BreachesOfTheProtocolEndTheConnection) {
  for (const std::string_view bad :
       {"HTTP/1.1 200 OK\r\n\r\nno length", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    runtime_ = async::make_threaded_runtime({});
    const Error error = error_of([bad](Peer& peer, unsigned) {
      peer.request();
      peer.send(bad);
      EXPECT_TRUE(peer.closed_within(5));
    });
    EXPECT_EQ(error.kind, ErrorKind::invalid_answer) << error.message;
  }
}

TEST_F(ClientFaults, AnErrorAnswerMayEndWithTheConnection) {
  ScriptedServer server([](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.0 503 Slow Down\r\n\r\n<Error>");
    std::this_thread::sleep_for(10ms);
    peer.send("</Error>");
  });
  Recorder recorder;
  const auto outcome = fetch_once(server.port(), recorder);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(recorder.head.status, 503);
  EXPECT_EQ(recorder.body, "<Error></Error>");
}

// --- names and addresses ---

void answer_all(Peer& peer, unsigned) {
  while (!peer.request().empty())
    peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ClientFaults, ADeadAddressIsPassedOver) {
  ScriptedServer server(answer_all);
  // The server listens on 127.0.0.1 only: 127.0.0.2 refuses.
  std::atomic<int> look_ups = 0;
  const LookUp look_up = [&look_ups](const std::string& host) -> Result<Addresses> {
    EXPECT_EQ(host, "bucket.example");
    ++look_ups;
    return Addresses{ip::make_address("127.0.0.2"), ip::make_address("127.0.0.1")};
  };
  runtime_->run([&]() -> Task {
    const auto client = named_client(server.port(), look_up);
    for (int i = 0; i < 6; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
    }
    EXPECT_EQ(client->stats().connections_opened, 6u);
  });
  EXPECT_EQ(look_ups, 1);
}

TEST_F(ClientFaults, AllAddressesAreUsedInTurn) {
  // One server on each of two addresses would need two listeners on one port: count what refuses.
  const std::uint16_t port = closed_port();
  Result<void> outcome;
  runtime_->run([&]() -> Task {
    const auto client = named_client(port, [](const std::string&) -> Result<Addresses> {
      return Addresses{ip::make_address("127.0.0.1"), ip::make_address("127.0.0.2"),
                       ip::make_address("127.0.0.3")};
    });
    Recorder recorder;
    outcome = co_await fetch(*client, recorder);
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_NE(outcome.error().message.find("3 addresses were tried"), std::string::npos)
      << outcome.error().message;
}

TEST_F(ClientFaults, ANameWithoutAddressesIsUnreachable) {
  for (const bool empty : {true, false}) {
    Result<void> outcome;
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = named_client(80, [empty](const std::string&) -> Result<Addresses> {
        if (empty) return Addresses{};
        return Error(ErrorKind::unreachable, "no such name");
      });
      Recorder recorder;
      outcome = co_await fetch(*client, recorder);
    });
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
    EXPECT_NE(outcome.error().message.find("bucket.example"), std::string::npos);
  }
}

TEST_F(ClientFaults, OneLookUpServesAllWhoWait) {
  ScriptedServer server(answer_all);
  std::atomic<int> look_ups = 0;
  runtime_->run([&]() -> Task {
    const auto client =
        named_client(server.port(), [&look_ups](const std::string&) -> Result<Addresses> {
          ++look_ups;
          std::this_thread::sleep_for(50ms);
          return Addresses{ip::make_address("127.0.0.1")};
        });
    Recorder recorders[5];
    Result<void> outcomes[5];
    async::TaskGroup group;
    for (int i = 0; i < 5; ++i)
      group.spawn(executor(), fetch_into(*client, recorders[i], outcomes[i]));
    co_await group.join();
    for (const auto& outcome : outcomes)
      EXPECT_TRUE(outcome);
  });
  EXPECT_EQ(look_ups, 1);
}

TEST_F(ClientFaults, ALookUpThatHangsHoldsUpNothing) {
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    bool passed = false;
  };
  const auto gate = std::make_shared<Gate>();
  runtime_->run([&]() -> Task {
    const auto client = named_client(80, [gate](const std::string&) -> Result<Addresses> {
      std::unique_lock lock(gate->mutex);
      gate->opened.wait(lock, [&] { return gate->open; });
      gate->passed = true;
      gate->opened.notify_all();
      return Addresses{ip::make_address("127.0.0.1")};
    });
    Recorder recorder;
    Result<void> outcome;
    async::TaskGroup group;
    group.spawn(executor(), fetch_into(*client, recorder, outcome));
    co_await runtime_->sleep_for(50ms);
    group.cancel();
    co_await group.join();
  });
  runtime_.reset();
  // Client and runtime are gone when the answer comes.
  std::unique_lock lock(gate->mutex);
  gate->open = true;
  gate->opened.notify_all();
  gate->opened.wait(lock, [&] { return gate->passed; });
}

TEST_F(ClientFaults, LocalhostIsLookedUpBySystem) {
  ScriptedServer server(answer_all);
  runtime_->run([&]() -> Task {
    const auto client =
        client_for(Endpoint{Scheme::http, "localhost", server.port()}, {}, look_up_by_system);
    Recorder recorder;
    const auto outcome = co_await fetch(*client, recorder);
    EXPECT_TRUE(outcome) << outcome.error().message;
  });
}

}  // namespace
}  // namespace sluice::http
