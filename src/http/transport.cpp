#include "http/transport.hpp"

#include "base/text.hpp"

#include <climits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::http {

namespace {

/// Read-ahead of one TLS connection, freed whenever it is empty. Measured over loopback with 8 MiB
/// objects: 16 to 128 KiB cost the same CPU, 256 KiB 8 % more (it leaves the cache). 128 KiB take
/// half the system calls of 64.
constexpr std::size_t kTlsReadAheadBytes = 128 * 1024;

/// AES-128-GCM first: it costs measurably less CPU than AES-256, and breaks no sooner.
constexpr const char* kTls13Suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "HIGH:!aNULL:!eNULL:!PSK:!SRP:!DSS:!CAMELLIA:!ARIA";

constexpr std::string_view kTrustAdvice =
    "; name its CA with --ca-bundle (or, to trust anyone, use --no-verify-ssl)";

IoResult from_errno(int error, Io waiting_for) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK) return {waiting_for, 0};
  return {Io::failed, 0};
}

ssize_t receive(int descriptor, void* into, std::size_t size) noexcept {
  ssize_t got = 0;
  do {
    got = ::recv(descriptor, into, size, 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

ssize_t transmit(int descriptor, const void* from, std::size_t size) noexcept {
  ssize_t sent = 0;
  do {
    sent = ::send(descriptor, from, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(int descriptor) : descriptor_(descriptor) {}

  IoResult handshake() override { return {Io::done, 0}; }

  IoResult read(std::span<std::byte> into) override {
    const ssize_t got = receive(descriptor_, into.data(), into.size());
    if (got > 0) return {Io::done, static_cast<std::size_t>(got)};
    if (got == 0) return {Io::end, 0};
    error_ = errno;
    return from_errno(error_, Io::want_read);
  }

  IoResult write(std::span<const std::byte> bytes) override {
    const ssize_t sent = transmit(descriptor_, bytes.data(), bytes.size());
    if (sent >= 0) return {Io::done, static_cast<std::size_t>(sent)};
    error_ = errno;
    return from_errno(error_, Io::want_write);
  }

  bool fills_pipes() const noexcept override { return fills_pipes_; }

  IoResult fill(Pipe& pipe, std::size_t most) override {
    ssize_t moved = 0;
    do {
      moved = pipe.fill_from(descriptor_, most);
    } while (moved < 0 && errno == EINTR);
    if (moved > 0) return {Io::done, static_cast<std::size_t>(moved)};
    if (moved == 0) return {Io::end, 0};
    error_ = errno;
    if (error_ != EINVAL && error_ != ENOSYS) return from_errno(error_, Io::want_read);
    fills_pipes_ = false;
    return {Io::done, 0};
  }

  void farewell() noexcept override {}
  std::string failure() const override { return std::strerror(error_); }

 private:
  const int descriptor_;
  bool fills_pipes_ = true;
  int error_ = 0;
};

// --- a BIO on the descriptor: OpenSSL's own writes with write(), which raises SIGPIPE ---

int descriptor_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_read(BIO* bio, char* into, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const ssize_t got = receive(descriptor_of(bio), into, static_cast<std::size_t>(size));
  if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* from, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = transmit(descriptor_of(bio), from, static_cast<std::size_t>(size));
  if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long bio_control(BIO* bio, int command, long, void*) noexcept {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

/// Made once a process and never freed.
const BIO_METHOD* socket_method() noexcept {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice socket");
    if (made == nullptr) return made;
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

// --- what OpenSSL says, for a person ---

std::string certificate_problem(long verdict, const std::string& host) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired; renew it on the server (or, to trust anyone, use "
             "--no-verify-ssl)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet; check the clocks of this machine and the server";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "its certificate is self-signed and not trusted here" + std::string(kTrustAdvice);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another host than " + host +
             "; use a name that is in the certificate (or, to trust anyone, --no-verify-ssl)";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "its certificate is of an issuer that is not known here" + std::string(kTrustAdvice);
    default:
      return std::string("its certificate was not accepted (") +
             X509_verify_cert_error_string(verdict) + ")" + std::string(kTrustAdvice);
  }
}

std::string reason_of(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

std::string protocol_problem(unsigned long code) {
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return "it does not speak TLS; is it an http:// endpoint?";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "it offers no TLS 1.2 or newer, and older versions are not secure";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it wants a client certificate; give one with --client-cert and --client-key";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not accept our client certificate (" + reason_of(code) +
             "); check --client-cert";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "TLS failed (" + reason_of(code) +
             "); if it wants a client certificate, give one with --client-cert and --client-key";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "the connection was cut (no TLS close_notify)";
    default:
      return "TLS failed (" + reason_of(code) + ")";
  }
}

}  // namespace

std::unique_ptr<Stream> make_plain_stream(int descriptor) {
  return std::make_unique<PlainStream>(descriptor);
}

namespace {

class TlsStream final : public Stream {
 public:
  TlsStream(SSL* ssl, std::string host) : ssl_(ssl), host_(std::move(host)) {}

  ~TlsStream() override {
    // Without it OpenSSL takes the session of a connection that was cut for spoilt.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
  }

  IoResult handshake() override {
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_);
    if (outcome != 1) return interpret(outcome);
    established_ = true;
    return {Io::done, 0};
  }

  IoResult read(std::span<std::byte> into) override {
    std::size_t filled = 0;
    // A record is 16 KiB at most: what has come is taken at once, so that the file is written in
    // large pieces.
    while (filled < into.size()) {
      std::size_t got = 0;
      ERR_clear_error();
      const int outcome = SSL_read_ex(ssl_, into.data() + filled, into.size() - filled, &got);
      if (outcome != 1) {
        // What ended the stream, or that nothing is there, is said again by the next call.
        if (filled > 0) break;
        return interpret(outcome);
      }
      filled += got;
    }
    return {Io::done, filled};
  }

  IoResult write(std::span<const std::byte> bytes) override {
    std::size_t sent = 0;
    ERR_clear_error();
    const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent);
    if (outcome == 1) return {Io::done, sent};
    const IoResult failed = interpret(outcome);
    if (failed.io == Io::failed) hear_why();
    return failed;
  }

  void farewell() noexcept override {
    ERR_clear_error();
    if (established_ && !broken_) SSL_shutdown(ssl_);
  }

  std::string failure() const override { return failure_; }

  std::string security() const override {
    std::string out = std::string(SSL_get_version(ssl_)) + ", " + SSL_get_cipher_name(ssl_);
    X509* certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr) return out;
    tm until{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1) return out;
    char day[16];
    if (std::strftime(day, sizeof day, "%Y-%m-%d", &until) > 0)
      out += std::string(", certificate until ") + day;
    return out;
  }

 private:
  IoResult interpret(int outcome) {
    const int error = errno;
    switch (SSL_get_error(ssl_, outcome)) {
      case SSL_ERROR_WANT_READ:
        return {Io::want_read, 0};
      case SSL_ERROR_WANT_WRITE:
        return {Io::want_write, 0};
      case SSL_ERROR_ZERO_RETURN:
        return {Io::end, 0};
      case SSL_ERROR_SYSCALL:
        failure_ = error != 0 ? std::strerror(error) : "the connection was cut";
        break;
      default:
        failure_ = explain(ERR_peek_error());
    }
    broken_ = true;
    ERR_clear_error();
    return {Io::failed, 0};
  }

  /// The peer may have said why it closed, before it did.
  void hear_why() {
    std::byte ignored{};
    std::size_t got = 0;
    const int outcome = SSL_read_ex(ssl_, &ignored, 1, &got);
    if (outcome != 1 && SSL_get_error(ssl_, outcome) == SSL_ERROR_SSL)
      failure_ = explain(ERR_peek_error());
    ERR_clear_error();
  }

  std::string explain(unsigned long code) const {
    const long verdict = SSL_get_verify_result(ssl_);
    const bool verifies = (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
    if (!established_ && verifies && verdict != X509_V_OK)
      return certificate_problem(verdict, host_);
    return protocol_problem(code);
  }

  SSL* const ssl_;
  const std::string host_;
  std::string failure_;
  bool established_ = false;
  bool broken_ = false;
};

bool is_ip_literal(const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

Error tls_setup_error(std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return {ErrorKind::local, "cannot set up TLS: " + std::string(what) + " (" +
                                (reason != nullptr ? reason : "no reason given") + ")"};
}

/// Why the CA bundle cannot serve, or success.
Result<void> load_bundle(SSL_CTX* context, const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0)
    return local_error("cannot read the CA bundle " + text::escaped(path), errno);
  if (SSL_CTX_load_verify_file(context, path.c_str()) == 1) return {};
  ERR_clear_error();
  return Error(ErrorKind::usage, "the CA bundle " + text::escaped(path) +
                                     " holds no certificate in PEM form; check --ca-bundle");
}

Error bad_identity(std::string what) {
  ERR_clear_error();
  return {ErrorKind::usage, std::move(what)};
}

/// Called for an encrypted key: there is nobody to ask.
int note_encryption(char*, int, int, void* is_encrypted) noexcept {
  *static_cast<bool*>(is_encrypted) = true;
  return -1;
}

Result<void> load_key(SSL_CTX* context, const std::string& path, const char* flag) {
  const std::string name = text::escaped(path) + " (" + flag + ")";
  const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  if (!file) return local_error("cannot read the client's key in " + name, errno);
  bool is_encrypted = false;
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      PEM_read_bio_PrivateKey(file.get(), nullptr, note_encryption, &is_encrypted), EVP_PKEY_free);
  if (is_encrypted)
    return bad_identity(
        "the private key in " + name +
        " is encrypted, and nobody is there to type its passphrase; store it "
        "decrypted, in a file that only you can read: openssl pkey -in OLD -out NEW");
  if (!key)
    return bad_identity(name +
                        " holds no private key in PEM form; name the file with --client-key");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return bad_identity("the private key in " + name +
                        " does not belong to the certificate of "
                        "--client-cert");
  return {};
}

/// Who we are, to servers that ask for a certificate.
Result<void> load_identity(SSL_CTX* context, const TlsOptions& options) {
  const std::string& certificate = options.client_certificate;
  const std::string& key = options.client_key;
  if (certificate.empty()) {
    if (key.empty()) return {};
    return bad_identity(
        "--client-key needs the certificate that the key belongs to: --client-cert");
  }
  if (::access(certificate.c_str(), R_OK) != 0)
    return local_error("cannot read the client certificate " + text::escaped(certificate), errno);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return bad_identity("the file " + text::escaped(certificate) +
                        " holds no certificate in PEM form; check --client-cert");
  return key.empty() ? load_key(context, certificate, "--client-cert")
                     : load_key(context, key, "--client-key");
}

Result<void> configure(SSL_CTX* context, const TlsOptions& options) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kTlsReadAheadBytes);
  if (SSL_CTX_set_ciphersuites(context, kTls13Suites) != 1 ||
      SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1)
    return tls_setup_error("no cipher is available");
  constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context, kHttp11.data(), kHttp11.size());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (Result<void> loaded = load_identity(context, options); !loaded) return loaded;
  if (!options.ca_bundle.empty()) return load_bundle(context, options.ca_bundle);
  if (SSL_CTX_set_default_verify_paths(context) != 1)
    return tls_setup_error("the system's CA store cannot be read");
  return {};
}

}  // namespace

struct TlsContext::Impl {
  Impl(SSL_CTX* made, std::string name) : context(made), host(std::move(name)) {
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_sess_set_new_cb(context, keep_session);
  }
  ~Impl() {
    SSL_SESSION_free(session);
    SSL_CTX_free(context);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static int keep_session(SSL* ssl, SSL_SESSION* offered) noexcept {
    auto* impl = static_cast<Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    SSL_SESSION_free(impl->session);
    impl->session = offered;
    return 1;  // the reference is ours now
  }

  SSL_CTX* const context;
  const std::string host;
  SSL_SESSION* session = nullptr;  ///< the last one that the server offered
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsOptions& options, std::string host) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return tls_setup_error("no context");
  auto impl = std::make_unique<Impl>(context, std::move(host));
  Result<void> configured = configure(context, options);
  if (!configured) return std::move(configured).error();
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

std::unique_ptr<Stream> TlsContext::make_stream(int descriptor) {
  SSL* ssl = SSL_new(impl_->context);
  if (ssl == nullptr) return nullptr;
  const std::string& host = impl_->host;
  auto stream = std::make_unique<TlsStream>(ssl, host);
  BIO* bio = socket_method() != nullptr ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  bool ready = true;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (is_ip_literal(host)) {
    ready = X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ready = X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
            SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  }
  if (!ready) return nullptr;
  if (impl_->session != nullptr && SSL_SESSION_is_resumable(impl_->session) == 1)
    SSL_set_session(ssl, impl_->session);
  SSL_set_connect_state(ssl);
  return stream;
}

int open_socket(int family) noexcept {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) return -1;
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

}  // namespace sluice::http
