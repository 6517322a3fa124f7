// Exchanges through a proxy that a scripted server plays, its tunnel's other end included.

#include "certificates.hpp"
#include "client_fixture.hpp"
#include "http/client.hpp"

#include <boost/asio/ip/address.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSecret = "se:cret";
constexpr std::string_view kBasic = "Basic dXNlcjpzZTpjcmV0";  // user:se:cret

class ClientProxy : public ClientFixture {
 protected:
  void SetUp() override {
    bundle_ = std::filesystem::temp_directory_path() /
              ("sluice-proxy-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::ofstream(bundle_) << authority_.pem();
  }
  void TearDown() override { std::filesystem::remove(bundle_); }

  ClientOptions through(std::uint16_t port) {
    ClientOptions options;
    options.proxies.given = {"--proxy", "http://user:se%3Acret@proxy.test:" + std::to_string(port)};
    options.tls.ca_bundle = bundle_;
    return options;
  }

  /// Only the proxy's name has an address.
  LookUp names() {
    return [this](const std::string& host) -> Result<Addresses> {
      const std::lock_guard lock(mutex_);
      looked_up_.push_back(host);
      if (host != "proxy.test") return Error(ErrorKind::unreachable, "no such name");
      return Addresses{boost::asio::ip::make_address("127.0.0.1")};
    };
  }

  static Endpoint in_the_open() { return {Scheme::http, "s3.test", 9000}; }
  static Endpoint encrypted() { return {Scheme::https, "s3.test", 443}; }

  Result<void> fetch_at(const Endpoint& endpoint, const ClientOptions& options, Recorder& recorder,
                        int times = 1) {
    Result<void> outcome;
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = client_for(endpoint, options, names());
      for (int i = 0; i < times; ++i) {
        recorder.body.clear();
        outcome = co_await fetch(*client, recorder);
        if (!outcome) break;
      }
    });
    return outcome;
  }

  /// How a fetch fails whose connections `script` answers; nothing in it may tell the password.
  Error failure(const Endpoint& endpoint, ScriptedServer::Script script,
                ClientOptions options = {}) {
    ScriptedServer proxy(std::move(script));
    options.proxies = through(proxy.port()).proxies;
    options.tls.ca_bundle = bundle_;
    Recorder recorder;
    const auto outcome = fetch_at(endpoint, options, recorder);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(recorder.heads, 0);
    if (outcome) return {};
    const std::string& message = outcome.error().message;
    EXPECT_NE(message.find("the proxy http://proxy.test:" + std::to_string(proxy.port())),
              std::string::npos)
        << message;
    for (const std::string_view secret : {kSecret, kBasic.substr(6), std::string_view("se%3A")})
      EXPECT_EQ(message.find(secret), std::string::npos) << message;
    return outcome.error();
  }

  static ScriptedServer::Script says(std::string bytes) {
    return [bytes = std::move(bytes)](Peer& peer, unsigned) {
      peer.request();
      peer.send(bytes);
      peer.closed_within(5);
    };
  }

  std::vector<std::string> looked_up() {
    const std::lock_guard lock(mutex_);
    return looked_up_;
  }

  const Identity authority_ = Identity::make_authority();
  std::string bundle_;
  std::mutex mutex_;
  std::vector<std::string> looked_up_;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ClientProxy, RequestsInTheOpenNameTheirServer) {
  std::vector<std::string> heads;
  ScriptedServer proxy([&heads](Peer& peer, unsigned) {
    for (std::string head = peer.request(); !head.empty(); head = peer.request()) {
      heads.push_back(head);
      peer.send(answer("body"));
    }
  });
  Recorder recorder;
  const auto outcome = fetch_at(in_the_open(), through(proxy.port()), recorder, 2);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body, "body");
  EXPECT_EQ(proxy.connections(), 1u) << "the connection was not kept";
  ASSERT_EQ(heads.size(), 2u);
  for (const std::string& head : heads) {
    EXPECT_EQ(head.find("GET http://s3.test:9000/ HTTP/1.1\r\n"), 0u) << head;
    EXPECT_TRUE(has(head, "Host: localhost\r\n")) << head;  // as the request says
    EXPECT_TRUE(has(head, "Proxy-Authorization: " + std::string(kBasic) + "\r\n")) << head;
  }
  EXPECT_EQ(looked_up(), std::vector<std::string>{"proxy.test"});
}

TEST_F(ClientProxy, BodiesInTheOpenGoThroughThePipe) {
  const std::string body(1 << 20, 'b');
  ScriptedServer proxy([&body](Peer& peer, unsigned) {
    peer.request();
    peer.send(answer(body));
    peer.closed_within(5);
  });
  Recorder recorder;
  recorder.wants_pipe = true;
  const auto outcome = fetch_at(in_the_open(), through(proxy.port()), recorder);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body, body);
  EXPECT_GT(recorder.piped, body.size() / 2);
}

TEST_F(ClientProxy, TlsGoesThroughATunnel) {
  const auto server = Identity::make({.names = "DNS:s3.test"}, &authority_).server();
  std::vector<std::string> heads;
  std::string name;
  ScriptedServer proxy([&](Peer& peer, unsigned) {
    heads.push_back(peer.request());
    peer.send("HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n");
    peer.start_tls(server.get());
    for (std::string head = peer.request(); !head.empty(); head = peer.request()) {
      heads.push_back(head);
      const char* sent = SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name);
      name = sent != nullptr ? sent : "";
      peer.send(answer("body"));
    }
  });
  Recorder recorder;
  const auto outcome = fetch_at(encrypted(), through(proxy.port()), recorder, 2);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body, "body");
  EXPECT_EQ(name, "s3.test");
  ASSERT_EQ(heads.size(), 3u) << "one tunnel, two requests";
  EXPECT_EQ(heads[0], "CONNECT s3.test:443 HTTP/1.1\r\nHost: s3.test:443\r\nProxy-Authorization: " +
                          std::string(kBasic) + "\r\nUser-Agent: sluice\r\n\r\n");
  for (const std::size_t request : {1U, 2U}) {
    EXPECT_EQ(heads[request].find("GET / HTTP/1.1\r\n"), 0u) << heads[request];
    EXPECT_FALSE(has(heads[request], "Proxy-Authorization")) << "the server saw the password";
  }
  EXPECT_EQ(looked_up(), std::vector<std::string>{"proxy.test"});
}

TEST_F(ClientProxy, AnAnswerToConnectMayComeInPieces) {
  const auto server = Identity::make({.names = "DNS:s3.test"}, &authority_).server();
  ScriptedServer proxy([&](Peer& peer, unsigned) {
    peer.request();
    // A length and a coding mean nothing there.
    for (const char byte : std::string_view("HTTP/1.1 100 Continue\r\n\r\n"
                                            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) {
      peer.send({&byte, 1});
      std::this_thread::sleep_for(100us);
    }
    peer.start_tls(server.get());
    peer.request();
    peer.send(answer("body"));
  });
  Recorder recorder;
  const auto outcome = fetch_at(encrypted(), through(proxy.port()), recorder);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(recorder.body, "body");
}

TEST_F(ClientProxy, TheServersCertificateIsOfTheServer) {
  const auto proxys = Identity::make({.names = "DNS:proxy.test"}, &authority_).server();
  const Error error = failure(encrypted(), [&](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    peer.start_tls(proxys.get());
    EXPECT_TRUE(peer.request().empty()) << "the request went out all the same";
  });
  EXPECT_EQ(error.kind, ErrorKind::unreachable);
  EXPECT_TRUE(has(error.message, "another host than s3.test")) << error.message;
}

struct Refusal {
  std::string answer;
  ErrorKind kind;
  std::string words;
};

TEST_F(ClientProxy, RefusalsOfATunnelSayWhatToDo) {
  const Refusal rows[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nhello",
       ErrorKind::denied, "does not accept this user and password (407)"},
      {"HTTP/1.0 401 Unauthorized\r\n\r\n", ErrorKind::denied,
       "does not accept this user and password (401)"},
      {"HTTP/1.0 403 Filtered\r\n\r\n", ErrorKind::denied,
       "does not allow connections to s3.test:443 (403)"},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", ErrorKind::unreachable,
       "does not get through to s3.test:443 (502)"},
      {"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n", ErrorKind::unreachable, "(503)"},
      {"HTTP/1.1 404 Not Found\r\n\r\n", ErrorKind::invalid_answer, "is it an HTTP proxy?"},
      {"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", ErrorKind::invalid_answer,
       "is it an HTTP proxy?"},
      {"SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::invalid_answer, "is not HTTP/1"},
      {std::string("\x15\x03\x01\0\x02\x02\x46", 7), ErrorKind::invalid_answer, "is not HTTP/1"},
      {"HTTP/1.1 200 OK\r\n\r\nhello", ErrorKind::invalid_answer, "sent more than its answer"},
      {"HTTP/1.1 200 OK\nX: y\n\n", ErrorKind::invalid_answer, "without CR"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", ErrorKind::invalid_answer,
       "more than 65536 bytes"},
  };
  for (const Refusal& row : rows) {
    const Error error = failure(encrypted(), says(row.answer));
    EXPECT_EQ(error.kind, row.kind) << error.message;
    EXPECT_TRUE(has(error.message, row.words)) << error.message;
  }
}

TEST_F(ClientProxy, ATunnelThatEndsOrNeverOpensIsRetried) {
  const Error closed = failure(encrypted(), [](Peer& peer, unsigned) { peer.request(); });
  EXPECT_EQ(closed.kind, ErrorKind::unreachable);
  EXPECT_TRUE(has(closed.message, "without an answer")) << closed.message;
  const Error cut = failure(encrypted(), [](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 O");
  });
  EXPECT_EQ(cut.kind, ErrorKind::unreachable);
  const Error reset = failure(encrypted(), [](Peer& peer, unsigned) {
    peer.request();
    peer.reset();
  });
  EXPECT_EQ(reset.kind, ErrorKind::unreachable);
  ClientOptions options;
  options.first_byte_timeout = 100ms;
  const Error slow = failure(
      encrypted(),
      [](Peer& peer, unsigned) {
        peer.request();
        // A byte now and then is no answer.
        for (const char byte : std::string_view("HTTP/1.1 200 OK\r\n")) {
          peer.send({&byte, 1});
          if (peer.failed()) return;
          std::this_thread::sleep_for(20ms);
        }
        peer.closed_within(5);
      },
      options);
  EXPECT_EQ(slow.kind, ErrorKind::unreachable);
  EXPECT_TRUE(has(slow.message, "opened no way there within 100ms")) << slow.message;
}

TEST_F(ClientProxy, AProxyThatIsDownIsNamed) {
  for (const Endpoint& endpoint : {in_the_open(), encrypted()}) {
    Recorder recorder;
    const auto down = fetch_at(endpoint, through(closed_port()), recorder);
    ASSERT_FALSE(down);
    EXPECT_EQ(down.error().kind, ErrorKind::unreachable);
    EXPECT_EQ(down.error().message.find("cannot connect to the proxy http://proxy.test:"), 0u)
        << down.error().message;
    EXPECT_TRUE(has(down.error().message, "Connection refused; check that the proxy runs"))
        << down.error().message;

    ClientOptions options = through(1);
    options.proxies.given.url = "http://user:secret@nowhere.test:3128";
    const auto unknown = fetch_at(endpoint, options, recorder);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind, ErrorKind::unreachable);
    EXPECT_EQ(unknown.error().message,
              "cannot reach the proxy http://nowhere.test:3128: cannot look up nowhere.test: no "
              "such name; check the name");
  }
}

TEST_F(ClientProxy, AProxyThatDoesNotAnswerIsNamed) {
  const DeafListener deaf;
  ClientOptions options = through(deaf.port());
  options.connect_timeout = 50ms;
  Recorder recorder;
  const auto outcome = fetch_at(encrypted(), options, recorder);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_TRUE(has(outcome.error().message, "cannot connect to the proxy http://proxy.test:"))
      << outcome.error().message;
}

TEST_F(ClientProxy, WhatTheProxyAnswersInTheOpenIsNotTheServers) {
  const std::string html = "Content-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nno";
  const Refusal rows[] = {
      {"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n", ErrorKind::denied,
       "does not accept this user and password"},
      {"HTTP/1.0 401 Unauthorized\r\n" + html, ErrorKind::denied,
       "does not accept this user and password"},
      {"HTTP/1.0 500 Unable to connect\r\n" + html, ErrorKind::unreachable,
       "does not get through to"},
      {"HTTP/1.1 503 Service Unavailable\r\n" + html, ErrorKind::unreachable,
       "does not get through to"},
      {"HTTP/1.1 403 Filtered\r\n" + html, ErrorKind::denied, "does not allow connections to"},
      {"HTTP/1.1 502 Bad Gateway\r\n" + html, ErrorKind::unreachable, "does not get through to"},
  };
  for (const Refusal& row : rows) {
    const Error error = failure(in_the_open(), says(row.answer));
    EXPECT_EQ(error.kind, row.kind) << error.message;
    EXPECT_TRUE(has(error.message, row.words)) << error.message;
  }
  // Those of S3 are.
  for (const std::string& of_the_server :
       {std::string("Content-Type: application/xml\r\nContent-Length: 2\r\n\r\nno"),
        "x-amz-request-id: 1\r\n" + html}) {
    ScriptedServer proxy(says("HTTP/1.1 403 Forbidden\r\n" + of_the_server));
    Recorder recorder;
    const auto outcome = fetch_at(in_the_open(), through(proxy.port()), recorder);
    EXPECT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(recorder.head.status, 403);
    EXPECT_EQ(recorder.body, "no");
  }
}

TEST_F(ClientProxy, MessagesOfTheServerSayWhichWayItWas) {
  const Error cut = failure(in_the_open(), [](Peer& peer, unsigned) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n");
  });
  EXPECT_EQ(cut.kind, ErrorKind::transient);
  EXPECT_TRUE(has(cut.message, "http://s3.test:9000 (through the proxy ")) << cut.message;
}

TEST_F(ClientProxy, WithoutAPasswordNoneIsSent) {
  std::string head;
  ScriptedServer proxy([&head](Peer& peer, unsigned) {
    head = peer.request();
    peer.send("HTTP/1.1 407 X\r\n\r\n");
    peer.closed_within(5);
  });
  ClientOptions options;
  options.proxies.given = {"--proxy", "proxy.test:" + std::to_string(proxy.port())};
  Recorder recorder;
  const auto outcome = fetch_at(encrypted(), options, recorder);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(has(outcome.error().message, "wants a user and a password (407)"))
      << outcome.error().message;
  EXPECT_FALSE(has(head, "Proxy-Authorization")) << head;
}

TEST_F(ClientProxy, AProxyThatIsWrittenWronglyIsReportedAtOnce) {
  ClientOptions options;
  options.proxies.given = {"--proxy", "socks5://u:secret@proxy.test:1080"};
  const auto made = Client::make(*runtime_, executor(), encrypted(), options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::usage);
  EXPECT_TRUE(has(made.error().message, "--proxy")) << made.error().message;
  EXPECT_FALSE(has(made.error().message, "secret")) << made.error().message;
}

}  // namespace
}  // namespace sluice::http
