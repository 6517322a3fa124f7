// An S3-compatible, read-only HTTP/1.1 server in this process: see README.md.
//
//   auto bucket = std::make_shared<MemoryBucket>();
//   bucket->put("a", "hello");
//   Server server({.credentials = {{"AKIDEXAMPLE", "secret"}}});
//   server.add_bucket("photos", bucket);
//   server.start();
//   … http client at server.url() …
#pragma once

#include "origin/bucket.hpp"
#include "origin/request_log.hpp"
#include "origin/sigv4.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::origin {

struct FaultScript;
struct Rule;

// PEM texts, not paths: certificate.hpp makes and loads them.
struct TlsOptions {
  std::string certificate_pem = {};  // the chain, the server's own first
  std::string key_pem = {};
  // 0: no bound of ours. Else TLS1_VERSION (0x0301) to TLS1_3_VERSION (0x0304).
  int min_version = 0;
  int max_version = 0;
  std::string client_ca_pem = {};  // not empty: clients must show a certificate of this CA
  bool send_close_notify = true;   // false: connections end like cut ones
};

enum class WrongRegion {
  malformed,  // 400 AuthorizationHeaderMalformed with <Region>
  redirect,   // 301 PermanentRedirect with x-amz-bucket-region
  temporary,  // 307 TemporaryRedirect with the same
};

// Which version of ListObjects it knows. Version 1 has `marker` for start-after and token, and says
// NextMarker only with a delimiter, as S3 does.
enum class Lists {
  version_2,           // 501 NotImplemented without list-type=2
  version_1,           // 501 NotImplemented with it
  version_1_whatever,  // what only version 2 has is ignored: list-type, start-after, tokens
};

// EC2 instance metadata of version 2 wants a token first, that of version 1 knows of none.
enum class InstanceVersion { two, one };

// The services that hand out credentials, each on its own paths of this port: buckets of the same
// names as these (latest, v1, v2, federation, token) are then hidden in path style.
struct CredentialServices {
  bool instance = false;   // EC2 metadata, at /latest/
  bool container = false;  // ECS at /v2/credentials/ID, EKS Pod Identity at /v1/credentials
  bool sts = false;        // AssumeRole and AssumeRoleWithWebIdentity, by POST to /
  bool sso = false;        // single sign-on: its portal at /federation/, its OIDC at /token
  InstanceVersion instance_version = InstanceVersion::two;
  // What containers, web identities and single sign-on show; empty: anything but nothing will do.
  std::string token = {};
  std::chrono::seconds lifetime{3600};  // of what they hand out, at most
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: a free one
  unsigned threads = 1;
  std::optional<TlsOptions> tls = {};
  std::vector<Credential> credentials = {};
  bool allow_anonymous = false;
  std::string region = {};  // empty: a request signed for any region will do
  WrongRegion wrong_region = WrongRegion::malformed;
  std::string redirect_to = {};  // Location and Endpoint of redirects; empty: as AWS has them
  std::string owner = {};  // account id that x-amz-expected-bucket-owner must name; empty: any
  CredentialServices services = {};  // what they hand out is good for S3 beside `credentials`
  std::size_t page_size = 1000;
  Lists lists = Lists::version_2;
  std::chrono::milliseconds list_delay{0};                    // before each listing's answer
  std::uint64_t max_requests_per_connection = 0;              // 0: no bound; closed without notice
  std::function<std::int64_t()> clock_ms = {};                // empty: the system clock
  bool keep_requests = true;                                  // false: requests() stays empty
  std::function<void(const RequestRecord&)> on_request = {};  // each finished request, any thread
};

// All members may be called from any thread, before, during and after running.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds, listens and starts the threads. Throws std::system_error (bind, listen) or
  // std::runtime_error (certificate). Once only.
  void start();
  // Closes every connection, in the middle of answers too, and joins the threads.
  void stop();

  std::uint16_t port() const;  // the one bound, once started
  std::string url() const;     // "http://127.0.0.1:39211"; "https" with TLS

  // Replaces a bucket of that name.
  void add_bucket(std::string name, std::shared_ptr<Bucket> bucket);

  // From now on, instead of earlier ones; no rules: no faults. Counting of matches starts at 1.
  void set_faults(FaultScript script);
  void set_faults(std::vector<Rule> rules, std::uint64_t seed = 1);
  void clear_faults();

  // What the services have handed out so far is answered with ExpiredToken from now on.
  void expire_credentials();

  // These wait for requests that are being answered, 0.1 s at most.
  std::vector<RequestRecord> requests() const;
  RequestCounts counts() const;
  void clear_requests();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::origin
