#include "client.hpp"

#include "origin/dates.hpp"
#include "origin/digest.hpp"
#include "origin/encoding.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::origin::test {
namespace {
// Long beside any wait of the server in these tests.
constexpr timeval kPatience{10, 0};
}  // namespace

std::string Reply::header(std::string_view name) const {
  const std::string* const value = find_header(headers, name);
  return value != nullptr ? *value : std::string();
}

const Credential& test_credential() {
  static const Credential credential{"AKIDTEST", "secret", {}, {}};
  return credential;
}

Request sign(std::string method, std::string target, Headers headers, const std::string& host,
             const SignOptions& options) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  request.body = options.body;
  const std::string date = amz_date(options.now_ms == 0 ? now_ms() : options.now_ms);
  if (find_header(request.headers, "Host") == nullptr) request.headers.push_back({"Host", host});
  if (find_header(request.headers, "x-amz-content-sha256") == nullptr) {
    request.headers.push_back({"x-amz-content-sha256", hex_lower(sha256(request.body))});
  }
  if (!request.body.empty()) {
    request.headers.push_back({"Content-Length", std::to_string(request.body.size())});
  }
  request.headers.push_back({"x-amz-date", date});
  if (!options.credential.session_token.empty()) {
    request.headers.push_back({"x-amz-security-token", options.credential.session_token});
  }

  std::vector<std::pair<std::string, std::string>> sorted;
  for (const Header& header : request.headers) {
    sorted.emplace_back(to_lower(header.name), std::string(trim(header.value)));
  }
  std::sort(sorted.begin(), sorted.end());
  std::string names;
  std::string lines;
  for (const auto& [name, value] : sorted) {
    names += (names.empty() ? "" : ";") + name;
    lines += name + ':' + value + '\n';
  }
  std::vector<std::string> query;
  std::string_view rest = request.raw_query();
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    std::string item(rest.substr(0, end));
    if (item.find('=') == std::string::npos) item += '=';
    query.push_back(item);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  std::sort(query.begin(), query.end());
  std::string canonical_query;
  for (const std::string& item : query) {
    canonical_query += (canonical_query.empty() ? "" : "&") + item;
  }
  const std::string canonical = request.method + '\n' + std::string(request.raw_path()) + '\n' +
                                canonical_query + '\n' + lines + '\n' + names + '\n' +
                                *find_header(request.headers, "x-amz-content-sha256");
  const std::string scope =
      date.substr(0, 8) + '/' + options.region + '/' + options.service + "/aws4_request";
  std::string key = hmac_sha256("AWS4" + options.credential.secret_key, date.substr(0, 8));
  for (const std::string& part : {options.region, options.service, std::string("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  const std::string signature = hex_lower(hmac_sha256(
      key, "AWS4-HMAC-SHA256\n" + date + '\n' + scope + '\n' + hex_lower(sha256(canonical))));
  request.headers.push_back(
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + options.credential.access_key + '/' +
                            scope + ", SignedHeaders=" + names + ", Signature=" + signature});
  return request;
}

std::string to_text(const Request& request) {
  std::string text = request.method + ' ' + request.target + " HTTP/1.1\r\n";
  for (const Header& header : request.headers)
    text += header.name + ": " + header.value + "\r\n";
  return text + "\r\n" + request.body;
}

class Client::Socket {
 public:
  Socket(std::uint16_t port, const std::string& ca_pem, const std::string& server_name)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
    if (!ca_pem.empty()) start_tls(ca_pem, server_name);
  }
  ~Socket() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ssl_ != nullptr
                            ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the next read shows why
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  // Bytes read; 0 at the end, -1 on a reset, a broken end of TLS, or when patience is over.
  ssize_t read(char* into, std::size_t bytes) {
    if (ssl_ == nullptr) return ::recv(fd_, into, bytes, 0);
    const int n = SSL_read(ssl_, into, static_cast<int>(bytes));
    if (n > 0) return n;
    return SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
  }

 private:
  void start_tls(const std::string& ca_pem, const std::string& server_name) {
    context_ = SSL_CTX_new(TLS_client_method());
    BIO* const bio = BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size()));
    X509* const ca = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca);
    X509_free(ca);
    BIO_free(bio);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    in_addr ignored{};
    if (::inet_pton(AF_INET, server_name.c_str(), &ignored) == 1) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_name.c_str());
    } else {
      SSL_set1_host(ssl_, server_name.c_str());
      SSL_set_tlsext_host_name(ssl_, server_name.c_str());
    }
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) == 1) return;
    const std::string why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
    throw std::runtime_error(why);
  }

  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

Client::Client(std::uint16_t port, std::string ca_pem, std::string server_name)
    : port_(port), ca_pem_(std::move(ca_pem)), server_name_(std::move(server_name)) {}
Client::~Client() = default;

std::string Client::host() const {
  return server_name_ + ':' + std::to_string(port_);
}

Reply Client::get(const std::string& target, Headers headers, const SignOptions& options) {
  return exchange(sign("GET", target, std::move(headers), host(), options));
}

Reply Client::head(const std::string& target, Headers headers, const SignOptions& options) {
  return exchange(sign("HEAD", target, std::move(headers), host(), options));
}

Reply Client::exchange(const Request& request) {
  send(to_text(request));
  return receive(request.method);
}

void Client::send(std::string_view bytes) {
  if (!socket_) socket_ = std::make_unique<Socket>(port_, ca_pem_, server_name_);
  socket_->write(bytes);
}

void Client::close() {
  socket_.reset();
  pending_.clear();
}

namespace {

// Removes the chunk framing; false while the last chunk is missing.
bool dechunk(std::string_view raw, std::string& into, std::size_t& used) {
  into.clear();
  used = 0;
  while (true) {
    const std::size_t line = raw.find("\r\n", used);
    if (line == std::string_view::npos) return false;
    std::size_t length = 0;
    std::from_chars(raw.data() + used, raw.data() + line, length, 16);
    if (raw.size() < line + 2 + length + 2) {
      into += raw.substr(line + 2, length);
      return false;
    }
    into += raw.substr(line + 2, length);
    used = line + 2 + length + 2;
    if (length == 0) return true;
  }
}

void parse_head(std::string_view head, Reply& into) {
  into.status = 0;
  into.headers.clear();
  if (head.starts_with("HTTP/1.1 ")) std::from_chars(&head[9], &head[12], into.status);
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) {
      into.headers.push_back(
          {std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
    }
    at = end + 2;
  }
}

}  // namespace

Reply Client::receive(std::string_view method) {
  Reply reply;
  bool ended = false;
  std::size_t head_end = std::string::npos;
  std::size_t used = 0;
  char block[65536];
  while (true) {
    if (head_end == std::string::npos) head_end = pending_.find("\r\n\r\n");
    if (head_end != std::string::npos && reply.status == 0) {
      parse_head(std::string_view(pending_).substr(0, head_end + 2), reply);
      pending_.erase(0, head_end + 4);
      if (reply.status >= 100 && reply.status < 200) {
        ++reply.informational;
        reply.status = 0;
        head_end = std::string::npos;
        continue;
      }
    }
    if (reply.status != 0) {
      const std::string length = reply.header("Content-Length");
      if (method == "HEAD" || reply.status == 304) {
        reply.complete = true;
      } else if (reply.header("Transfer-Encoding") == "chunked") {
        reply.complete = dechunk(pending_, reply.body, used);
      } else if (!length.empty()) {
        reply.complete = pending_.size() >= std::stoull(length);
        used = std::min<std::size_t>(pending_.size(), std::stoull(length));
        if (reply.complete || ended) reply.body = pending_.substr(0, used);
      } else if (ended) {
        reply.body = pending_;
        used = pending_.size();
      }
    }
    if (reply.complete || ended) break;
    const ssize_t n = socket_->read(block, sizeof block);
    ended = n <= 0;
    reply.reset = n < 0 && errno == ECONNRESET;
    if (n > 0) pending_.append(block, static_cast<std::size_t>(n));
  }
  pending_.erase(0, used);
  if (ended || reply.header("Connection") == "close") close();
  return reply;
}

bool Client::send_and_expect_close(std::string_view bytes) {
  send(bytes);
  char byte = 0;
  const ssize_t n = socket_->read(&byte, 1);
  close();
  return n <= 0;
}

}  // namespace sluice::origin::test
