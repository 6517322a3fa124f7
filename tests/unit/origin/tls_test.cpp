#include "fixture.hpp"
#include "origin/certificate.hpp"

#include <openssl/ssl.h>

namespace sluice::origin {
namespace {

using test::Client;
using test::Reply;

class TlsTest : public test::WithServer {
 protected:
  std::string failure(const TestCertificate& certificate, const std::string& name) {
    options.tls = certificate.tls();
    Client client(server().port(), certificate.ca_pem, name);
    try {
      return client.get("/b/k").status == 200 ? "" : "refused";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
};

TEST_F(TlsTest, ServesOverTls) {
  const TestCertificate certificate = make_test_certificate();
  options.tls = certificate.tls();
  bucket->put_generated("big", 5'000'000, 1);
  bucket->put("k", "x");
  EXPECT_TRUE(server().url().starts_with("https://127.0.0.1:"));
  for (const char* const name : {"127.0.0.1", "localhost", "b.s3.localhost"}) {
    Client client(server().port(), certificate.ca_pem, name);
    EXPECT_EQ(client.get(name[0] == 'b' ? "/k" : "/b/k").body, "x") << name;
  }
  Client client(server().port(), certificate.ca_pem);
  EXPECT_EQ(client.get("/b/big").body, read_all(*generated_content(5'000'000, 1)));
}

TEST_F(TlsTest, Good) {
  bucket->put("k", "");
  EXPECT_EQ(failure(make_test_certificate(), "localhost"), "");
}

TEST_F(TlsTest, Expired) {
  EXPECT_EQ(failure(make_expired_certificate(), "localhost"), "certificate has expired");
}

TEST_F(TlsTest, NotYetValid) {
  EXPECT_EQ(failure(make_not_yet_valid_certificate(), "localhost"), "certificate is not yet valid");
}

TEST_F(TlsTest, WrongHost) {
  EXPECT_EQ(failure(make_wrong_host_certificate(), "localhost"), "hostname mismatch");
}

TEST_F(TlsTest, WrongAuthority) {
  options.tls = make_test_certificate().tls();
  Client client(server().port(), make_test_certificate().ca_pem);
  EXPECT_THROW(client.get("/b/k"), std::runtime_error);
}

TEST_F(TlsTest, CutsLookLikeCuts) {
  const TestCertificate certificate = make_test_certificate();
  options.tls = certificate.tls();
  options.tls->send_close_notify = false;
  bucket->put("k", std::string(1000, 'x'));
  fault(faults::cut(10));
  Client client(server().port(), certificate.ca_pem);
  const Reply reply = client.get("/b/k");
  EXPECT_EQ(reply.body.size(), 10u);
  EXPECT_FALSE(reply.complete);
}

TEST_F(TlsTest, OldVersionsWhenAsked) {
  const TestCertificate certificate = make_test_certificate();
  options.tls = certificate.tls();
  options.tls->max_version = TLS1_1_VERSION;
  Client client(server().port(), certificate.ca_pem);
  EXPECT_THROW(client.get("/b/k"), std::runtime_error) << "our client speaks 1.2 and later";
}

TEST(Tls, UnusablePem) {
  ServerOptions options;
  options.tls = TlsOptions{"no certificate", "no key"};
  Server server(options);
  EXPECT_THROW(server.start(), std::runtime_error);
  EXPECT_THROW(load_tls_files("/nonexistent", "/nonexistent"), std::runtime_error);
}

}  // namespace
}  // namespace sluice::origin
