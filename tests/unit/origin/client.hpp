// A blocking HTTP client with a signer, as small as the tests of the origin allow. It shows what
// came over the wire as it came: broken answers are what many tests are about.
#pragma once

#include "origin/message.hpp"
#include "origin/sigv4.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::origin::test {

struct Reply {
  int status = 0;  // 0: no status line came
  Headers headers;
  std::string body;
  bool complete = false;  // the body reached its announced length or last chunk
  bool reset = false;     // the connection ended by RST
  int informational = 0;  // 1xx answers before this one

  std::string header(std::string_view name) const;  // empty if absent
};

const Credential& test_credential();  // AKIDTEST / secret

struct SignOptions {
  Credential credential = test_credential();
  std::string region = "us-east-1";
  std::int64_t now_ms = 0;  // 0: the system clock
  std::string service = "s3";
  std::string body = {};  // sent with it
};

// Adds Host (unless there), the x-amz-* headers and Authorization, over all headers given.
Request sign(std::string method, std::string target, Headers headers, const std::string& host,
             const SignOptions& options = {});
std::string to_text(const Request& request);

// One connection; connects when first used and again after the server closed it.
class Client {
 public:
  // With a CA: TLS, verified against it and `server_name`.
  explicit Client(std::uint16_t port, std::string ca_pem = {},
                  std::string server_name = "127.0.0.1");
  ~Client();

  // Signed, for path-style targets.
  Reply get(const std::string& target, Headers headers = {}, const SignOptions& options = {});
  Reply head(const std::string& target, Headers headers = {}, const SignOptions& options = {});
  Reply exchange(const Request& request);

  void send(std::string_view bytes);
  // `method` HEAD: no body follows whatever the length says.
  Reply receive(std::string_view method = "GET");
  bool send_and_expect_close(std::string_view bytes);
  void close();
  std::string host() const;

 private:
  class Socket;
  std::uint16_t port_;
  std::string ca_pem_;
  std::string server_name_;
  std::unique_ptr<Socket> socket_;
  std::string pending_;  // received, not yet used
};

}  // namespace sluice::origin::test
