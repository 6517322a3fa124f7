#include "certificates.hpp"
#include "client_fixture.hpp"
#include "http/client.hpp"

#include <boost/asio/ip/address.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

class ClientTls : public ClientFixture {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("sluice-tls-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& content) {
    const auto path = folder_ / ("file" + std::to_string(++files_));
    std::ofstream(path) << content;
    return path.string();
  }

  ClientOptions trusting(const Identity& authority) {
    ClientOptions options;
    options.tls.ca_bundle = file(authority.pem());
    return options;
  }

  std::unique_ptr<Client> tls_client(std::uint16_t port, ClientOptions options,
                                     std::string host = "localhost") {
    return client_for(Endpoint{Scheme::https, std::move(host), port}, options,
                      [](const std::string&) -> Result<Addresses> {
                        return Addresses{boost::asio::ip::make_address("127.0.0.1")};
                      });
  }

  Result<void> tls_fetch(std::uint16_t port, Recorder& recorder, ClientOptions options,
                         std::string host = "localhost") {
    Result<void> outcome;
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = tls_client(port, options, host);
      outcome = co_await fetch(*client, recorder);
    });
    return outcome;
  }

  /// The message with which a server of that identity is refused.
  std::string refusal(const Identity& identity, const ClientOptions& options,
                      std::string host = "localhost") {
    const auto context = identity.server();
    std::atomic<int> requests = 0;
    ScriptedServer server(
        [&requests](Peer& peer, unsigned) {
          if (peer.request().empty()) return;
          ++requests;
          peer.send(answer("x"));
        },
        context.get());
    Recorder recorder;
    const auto outcome = tls_fetch(server.port(), recorder, options, std::move(host));
    EXPECT_EQ(requests, 0) << "the request went out all the same";
    EXPECT_FALSE(outcome);
    if (outcome) return {};
    EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
    return outcome.error().message;
  }

  static void serve(Peer& peer, unsigned number) {
    while (!peer.request().empty())
      peer.send(answer(std::to_string(number)));
  }

  const Identity authority_ = Identity::make_authority();
  std::filesystem::path folder_;
  int files_ = 0;
};

bool says(const std::string& message, std::string_view part) {
  return message.find(part) != std::string::npos;
}

TEST_F(ClientTls, ACertificateOfTheBundleIsTrusted) {
  const auto context = Identity::make({}, &authority_).server();
  ScriptedServer server(serve, context.get());
  runtime_->run([&]() -> Task {
    const auto client = tls_client(server.port(), trusting(authority_));
    for (int i = 0; i < 3; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome) << outcome.error().message;
      EXPECT_EQ(recorder.body, "0");
    }
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
}

TEST_F(ClientTls, AnAddressIsVerifiedAsAnAddress) {
  const auto context = Identity::make({.names = "IP:127.0.0.1"}, &authority_).server();
  std::atomic<bool> name_sent = false;
  ScriptedServer server(
      [&name_sent](Peer& peer, unsigned) {
        peer.request();
        name_sent = SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name) != nullptr;
        peer.send(answer("x"));
      },
      context.get());
  Recorder recorder;
  const auto outcome = tls_fetch(server.port(), recorder, trusting(authority_), "127.0.0.1");
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(name_sent);
  const std::string message =
      refusal(Identity::make({}, &authority_), trusting(authority_), "127.0.0.1");
  EXPECT_TRUE(says(message, "another host")) << message;
}

TEST_F(ClientTls, OffersTheNameAndCheapCiphers) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = Identity::make({}, &authority_).server();
    SSL_CTX_set_max_proto_version(context.get(), version);
    std::string name;
    std::string cipher;
    ScriptedServer server(
        [&](Peer& peer, unsigned) {
          peer.request();
          const char* sent = SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name);
          name = sent != nullptr ? sent : "";
          cipher = SSL_get_cipher_name(peer.tls());
          peer.send(answer("x"));
        },
        context.get());
    Recorder recorder;
    const auto outcome = tls_fetch(server.port(), recorder, trusting(authority_));
    EXPECT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(name, "localhost");
    EXPECT_EQ(cipher, version == TLS1_3_VERSION ? "TLS_AES_128_GCM_SHA256"
                                                : "ECDHE-ECDSA-AES128-GCM-SHA256");
  }
}

TEST_F(ClientTls, AnExpiredCertificateIsRefused) {
  const Identity expired =
      Identity::make({.valid_from_s = -7200, .valid_for_s = -3600}, &authority_);
  const std::string message = refusal(expired, trusting(authority_));
  EXPECT_TRUE(says(message, "expired") && says(message, "--no-verify-ssl")) << message;
}

TEST_F(ClientTls, ACertificateOfTheFutureIsRefused) {
  const Identity early = Identity::make({.valid_from_s = 3600, .valid_for_s = 7200}, &authority_);
  const std::string message = refusal(early, trusting(authority_));
  EXPECT_TRUE(says(message, "not valid yet")) << message;
}

TEST_F(ClientTls, ACertificateForAnotherHostIsRefused) {
  const Identity other = Identity::make({.names = "DNS:example.org"}, &authority_);
  const std::string message = refusal(other, trusting(authority_));
  EXPECT_TRUE(says(message, "another host than localhost")) << message;
}

TEST_F(ClientTls, ASelfSignedCertificateIsRefused) {
  const std::string message = refusal(Identity::make({}), {});
  EXPECT_TRUE(says(message, "self-signed") && says(message, "--ca-bundle")) << message;
}

TEST_F(ClientTls, ACertificateOfAnUnknownIssuerIsRefused) {
  const std::string message =
      refusal(Identity::make({}, &authority_), trusting(Identity::make({})));
  EXPECT_TRUE(says(message, "issuer") && says(message, "--ca-bundle")) << message;
}

TEST_F(ClientTls, NoVerifyTrustsAnyone) {
  const Identity worst =
      Identity::make({.names = "DNS:x", .valid_from_s = -7200, .valid_for_s = -3600});
  const auto context = worst.server();
  ScriptedServer server(serve, context.get());
  ClientOptions options;
  options.tls.verify = false;
  Recorder recorder;
  const auto outcome = tls_fetch(server.port(), recorder, options);
  EXPECT_TRUE(outcome) << outcome.error().message;
}

TEST_F(ClientTls, ABundleThatCannotBeReadIsReportedAtOnce) {
  ClientOptions options;
  const Endpoint endpoint{Scheme::https, "localhost", 443};
  options.tls.ca_bundle = (folder_ / "none").string();
  auto made = Client::make(*runtime_, executor(), endpoint, options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::local);
  EXPECT_EQ(made.error().os_error, ENOENT);
  options.tls.ca_bundle = file("no certificate\n");
  made = Client::make(*runtime_, executor(), endpoint, options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::usage);
  EXPECT_TRUE(says(made.error().message, "--ca-bundle"));
}

/// A server that wants to know who asks, as TLS of that version has it.
std::shared_ptr<SSL_CTX> suspicious(const Identity& server, const Identity& clients_authority,
                                    int version) {
  auto context = server.server();
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), clients_authority.certificate());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_max_proto_version(context.get(), version);
  return context;
}

TEST_F(ClientTls, AClientShowsItsCertificateToWhoAsks) {
  const Identity clients = Identity::make_authority();
  const Identity client = Identity::make({.names = "DNS:client"}, &clients);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = suspicious(Identity::make({}, &authority_), clients, version);
    ScriptedServer server(serve, context.get());
    ClientOptions options = trusting(authority_);
    options.tls.client_certificate = file(client.pem());
    options.tls.client_key = file(client.key_pem());
    Recorder recorder;
    const auto apart = tls_fetch(server.port(), recorder, options);
    EXPECT_TRUE(apart) << apart.error().message;
    options.tls.client_certificate = file(client.key_pem() + client.pem());
    options.tls.client_key.clear();
    const auto together = tls_fetch(server.port(), recorder, options);
    EXPECT_TRUE(together) << together.error().message;
  }
}

TEST_F(ClientTls, AServerThatWantsAnotherCertificateSaysSo) {
  const Identity clients = Identity::make_authority();
  const Identity stranger = Identity::make({.names = "DNS:client"});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = suspicious(Identity::make({}, &authority_), clients, version);
    ScriptedServer server(serve, context.get());
    ClientOptions options = trusting(authority_);
    Recorder recorder;
    const auto none = tls_fetch(server.port(), recorder, options);
    ASSERT_FALSE(none);
    EXPECT_TRUE(says(none.error().message, "wants a client certificate") &&
                says(none.error().message, "--client-cert"))
        << none.error().message;
    options.tls.client_certificate = file(stranger.pem());
    options.tls.client_key = file(stranger.key_pem());
    const auto wrong = tls_fetch(server.port(), recorder, options);
    ASSERT_FALSE(wrong);
    EXPECT_TRUE(says(wrong.error().message, "does not accept our client certificate"))
        << wrong.error().message;
  }
}

TEST_F(ClientTls, AClientCertificateThatCannotBeUsedIsReportedAtOnce) {
  const Identity client = Identity::make({});
  const Identity other = Identity::make({});
  struct Row {
    std::string certificate;
    std::string key;
    ErrorKind kind;
    std::string words;
  };
  const std::string good = file(client.pem());
  const Row rows[] = {
      {folder_ / "none.pem", "", ErrorKind::local, "cannot read the client certificate"},
      {file("junk"), "", ErrorKind::usage, "holds no certificate in PEM form"},
      {good, "", ErrorKind::usage, "(--client-cert) holds no private key"},
      {good, folder_ / "none.key", ErrorKind::local, "(--client-key)"},
      {good, file("junk"), ErrorKind::usage, "(--client-key) holds no private key"},
      {good, file(other.key_pem()), ErrorKind::usage, "does not belong to the certificate"},
      {good, file(client.key_pem("passphrase")), ErrorKind::usage, "is encrypted"},
      {"", file(client.key_pem()), ErrorKind::usage, "--client-key needs"},
  };
  for (const Row& row : rows) {
    ClientOptions options;
    options.tls.client_certificate = row.certificate;
    options.tls.client_key = row.key;
    const auto made =
        Client::make(*runtime_, executor(), Endpoint{Scheme::https, "localhost", 443}, options);
    ASSERT_FALSE(made) << row.words;
    EXPECT_EQ(made.error().kind, row.kind) << made.error().message;
    EXPECT_TRUE(says(made.error().message, row.words)) << made.error().message;
  }
}

TEST_F(ClientTls, OldVersionsAreRefused) {
  const auto context = Identity::make({}, &authority_).server();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  ScriptedServer server(serve, context.get());
  Recorder recorder;
  const auto outcome = tls_fetch(server.port(), recorder, trusting(authority_));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_TRUE(says(outcome.error().message, "TLS 1.2")) << outcome.error().message;
}

TEST_F(ClientTls, APlainServerIsToldApart) {
  ScriptedServer server([](Peer& peer, unsigned) {
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.closed_within(5);
  });
  Recorder recorder;
  const auto outcome = tls_fetch(server.port(), recorder, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_TRUE(says(outcome.error().message, "does not speak TLS")) << outcome.error().message;
}

TEST_F(ClientTls, AHandshakeThatHangsTimesOut) {
  ScriptedServer server([](Peer& peer, unsigned) { EXPECT_TRUE(peer.closed_within(5)); });
  ClientOptions options;
  options.tls_timeout = 150ms;
  Recorder recorder;
  const auto outcome = tls_fetch(server.port(), recorder, options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unreachable);
  EXPECT_TRUE(says(outcome.error().message, "handshake")) << outcome.error().message;
}

TEST_F(ClientTls, ALargeBodyArrivesWhole) {
  std::string large(20 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>((i * 2654435761u) >> 13);
  const auto context = Identity::make({}, &authority_).server();
  ScriptedServer server(
      [&large](Peer& peer, unsigned) {
        while (!peer.request().empty())
          peer.send(answer(large));
      },
      context.get());
  runtime_->run([&]() -> Task {
    const auto client = tls_client(server.port(), trusting(authority_));
    for (int i = 0; i < 2; ++i) {
      Recorder recorder;
      const auto outcome = co_await fetch(*client, recorder);
      EXPECT_TRUE(outcome);
      EXPECT_TRUE(recorder.body == large);
    }
    EXPECT_EQ(client->stats().connections_opened, 1u);
  });
}

TEST_F(ClientTls, ACutWithoutCloseNotifyIsSeen) {
  const auto context = Identity::make({}, &authority_).server();
  // The second answer would be complete by its framing if the cut did not count.
  for (const std::string_view sent :
       {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "HTTP/1.1 500 X\r\n\r\nhalf"}) {
    for (const bool proper : {false, true}) {
      ScriptedServer server(
          [sent, proper](Peer& peer, unsigned) {
            peer.request();
            peer.send(sent);
            std::this_thread::sleep_for(20ms);
            if (!proper) peer.cut();
          },
          context.get());
      Recorder recorder;
      const auto outcome = tls_fetch(server.port(), recorder, trusting(authority_));
      const bool fine = proper && sent.starts_with("HTTP/1.1 500");
      EXPECT_EQ(outcome.has_value(), fine);
      EXPECT_EQ(recorder.body, "half");
      if (!outcome) {
        EXPECT_EQ(outcome.error().kind, ErrorKind::transient);
        EXPECT_EQ(says(outcome.error().message, "close_notify"), !proper)
            << outcome.error().message;
      }
    }
  }
}

TEST_F(ClientTls, SessionsAreResumed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = Identity::make({}, &authority_).server();
    SSL_CTX_set_max_proto_version(context.get(), version);
    std::atomic<int> resumed = 0;
    ScriptedServer server(
        [&resumed](Peer& peer, unsigned) {
          peer.request();
          if (SSL_session_reused(peer.tls()) == 1) ++resumed;
          peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        },
        context.get());
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = tls_client(server.port(), trusting(authority_));
      for (int i = 0; i < 3; ++i) {
        Recorder recorder;
        const auto outcome = co_await fetch(*client, recorder);
        EXPECT_TRUE(outcome) << outcome.error().message;
      }
    });
    EXPECT_EQ(resumed, 2);
  }
}

TEST_F(ClientTls, AStaleConnectionIsReplaced) {
  const auto context = Identity::make({}, &authority_).server();
  for (const bool proper : {false, true}) {
    ScriptedServer server(
        [proper](Peer& peer, unsigned number) {
          for (int i = 0; !peer.request().empty(); ++i) {
            if (number == 0 && i == 1) {
              if (!proper) peer.cut();
              return;
            }
            peer.send(answer(std::to_string(number)));
          }
        },
        context.get());
    runtime_ = async::make_threaded_runtime({});
    runtime_->run([&]() -> Task {
      const auto client = tls_client(server.port(), trusting(authority_));
      for (const char* expected : {"0", "1"}) {
        Recorder recorder;
        const auto outcome = co_await fetch(*client, recorder);
        EXPECT_TRUE(outcome) << outcome.error().message;
        EXPECT_EQ(recorder.body, expected);
      }
    });
  }
}

}  // namespace
}  // namespace sluice::http
