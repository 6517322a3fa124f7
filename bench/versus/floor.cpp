// What the kernel itself costs: keep-alive GETs over a few connections, one thread, epoll, read and
// pwrite (or splice) straight to the files. No listing, no signing, no verification, no second try.
// Nothing that mirrors a bucket can be cheaper than this.
//
//   floor [--splice | --tls] [--connections N] PORT BUCKET KEYS DIR
//
// KEYS is a file with a key a line, of characters that need no percent-encoding. The server is on
// 127.0.0.1, keeps connections open, and answers with a Content-Length.

#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kPipeBytes = 1024 * 1024;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "floor: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

struct Settings {
  bool splice = false;
  bool tls = false;
  std::size_t connections = 64;
  std::uint16_t port = 0;
  std::string bucket;
};

/// The keys still to be fetched, and their files.
class Work {
 public:
  Work(const std::string& keys_path, const std::string& folder) {
    std::ifstream lines(keys_path);
    for (std::string key; std::getline(lines, key);)
      keys_.push_back(std::move(key));
    root_ = ::open(folder.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (root_ < 0) fail(folder);
  }

  std::size_t size() const { return keys_.size(); }
  /// Null when there is none left.
  const std::string* next() { return next_ < keys_.size() ? &keys_[next_++] : nullptr; }

  int create(const std::string& key) {
    make_folders(key);
    const int file = ::openat(root_, key.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) fail(key);
    return file;
  }

 private:
  void make_folders(const std::string& key) {
    for (std::size_t slash = key.find('/'); slash != std::string::npos;
         slash = key.find('/', slash + 1)) {
      std::string folder = key.substr(0, slash);
      if (folders_.contains(folder)) continue;
      if (::mkdirat(root_, folder.c_str(), 0777) != 0 && errno != EEXIST) fail(folder);
      folders_.insert(std::move(folder));
    }
  }

  std::vector<std::string> keys_;
  std::size_t next_ = 0;
  int root_ = -1;
  std::unordered_set<std::string> folders_;
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// One connection with at most one request under way.
class Connection {
 public:
  Connection(const Settings& settings, Work& work, SSL_CTX* tls)
      : settings_(settings), work_(work), fd_(connect_to(settings.port)) {
    if (tls != nullptr) {
      ssl_ = SSL_new(tls);
      SSL_set_fd(ssl_, fd_);
      if (SSL_connect(ssl_) != 1) fail("TLS");
    }
    if (::fcntl(fd_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
  }
  ~Connection() {
    SSL_free(ssl_);
    ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  /// False when there is nothing left to ask for.
  bool ask() {
    key_ = work_.next();
    if (key_ == nullptr) return false;
    request_ = "GET /";
    request_.append(settings_.bucket).append("/").append(*key_);
    request_ += " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const auto length = static_cast<ssize_t>(request_.size());
    const ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, request_.data(), int(length))
                                         : ::send(fd_, request_.data(), request_.size(), 0);
    // The one request of an otherwise idle connection always fits.
    if (sent != length) fail("send");
    head_.clear();
    return true;
  }

  /// Takes what has arrived. True once the body is complete.
  bool receive(std::vector<char>& buffer, const std::array<int, 2>& pipe) {
    for (;;) {
      if (file_ >= 0 && settings_.splice) {
        if (!move_body(pipe)) return false;
      } else {
        const ssize_t got = read_some(buffer);
        if (got <= 0) return false;
        take({buffer.data(), static_cast<std::size_t>(got)});
      }
      if (file_ < 0 || written_ < size_) continue;
      ::close(std::exchange(file_, -1));
      return true;
    }
  }

 private:
  /// 0 or less: nothing there now.
  ssize_t read_some(std::vector<char>& buffer) {
    if (ssl_ == nullptr) {
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) fail("recv");
      return got;
    }
    // A record at a time; as many as there are go into one write.
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      const int got = SSL_read(ssl_, buffer.data() + filled, int(buffer.size() - filled));
      if (got <= 0 && SSL_get_error(ssl_, got) != SSL_ERROR_WANT_READ) fail("TLS");
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(filled);
  }

  void take(std::string_view bytes) {
    if (file_ >= 0) return write_body(bytes);
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t length = head_.find(kLength);
    if (!head_.starts_with("HTTP/1.1 200") || length > end) {
      errno = EPROTO;
      fail(*key_);
    }
    size_ = std::strtoull(head_.c_str() + length + kLength.size(), nullptr, 10);
    written_ = 0;
    file_ = work_.create(*key_);
    write_body(std::string_view(head_).substr(end + 4));
  }

  void write_body(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::pwrite(file_, bytes.data(), bytes.size(), off_t(written_));
      if (done < 0) fail(*key_);
      written_ += static_cast<std::uint64_t>(done);
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }

  /// Socket to pipe to file. False: nothing there now.
  bool move_body(const std::array<int, 2>& pipe) {
    const std::size_t wanted = std::min<std::uint64_t>(size_ - written_, kPipeBytes);
    if (wanted == 0) return true;
    ssize_t held = ::splice(fd_, nullptr, pipe[1], nullptr, wanted, SPLICE_F_NONBLOCK);
    if (held < 0 && errno == EAGAIN) return false;
    if (held <= 0) fail("splice");
    while (held > 0) {
      auto offset = static_cast<loff_t>(written_);
      const ssize_t done = ::splice(pipe[0], nullptr, file_, &offset, std::size_t(held), 0);
      if (done <= 0) fail("splice");
      written_ += static_cast<std::uint64_t>(done);
      held -= done;
    }
    return true;
  }

  const Settings& settings_;
  Work& work_;
  const int fd_;
  SSL* ssl_ = nullptr;
  const std::string* key_ = nullptr;
  std::string request_;
  std::string head_;
  std::uint64_t size_ = 0;
  std::uint64_t written_ = 0;
  int file_ = -1;
};

void run(const Settings& settings, Work& work) {
  SSL_CTX* tls = nullptr;
  if (settings.tls) {
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, 128 * 1024);
  }
  std::array<int, 2> pipe{-1, -1};
  if (settings.splice && ::pipe2(pipe.data(), O_CLOEXEC) != 0) fail("pipe");
  if (settings.splice) ::fcntl(pipe[1], F_SETPIPE_SZ, kPipeBytes);

  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections;
  std::size_t busy = 0;
  for (std::size_t i = 0; i < std::min(settings.connections, work.size()); ++i) {
    auto connection = std::make_unique<Connection>(settings, work, tls);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = connection.get();
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, connection->fd(), &event) != 0) fail("epoll_ctl");
    if (connection->ask()) ++busy;
    connections.push_back(std::move(connection));
  }
  std::vector<char> buffer(kBufferBytes);
  std::array<epoll_event, 64> events{};
  while (busy > 0) {
    const int ready = ::epoll_wait(poll, events.data(), int(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto* connection = static_cast<Connection*>(events[std::size_t(i)].data.ptr);
      if (connection->receive(buffer, pipe) && !connection->ask()) --busy;
    }
  }
  connections.clear();
  SSL_CTX_free(tls);
}

}  // namespace

int main(int count, char** words) {
  Settings settings;
  std::vector<std::string> names;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--splice") {
      settings.splice = true;
    } else if (word == "--tls") {
      settings.tls = true;
    } else if (word == "--connections" && i + 1 < count) {
      settings.connections = std::strtoul(words[++i], nullptr, 10);
    } else {
      names.emplace_back(word);
    }
  }
  if (names.size() != 4 || settings.connections == 0 || (settings.splice && settings.tls)) {
    std::fputs("usage: floor [--splice | --tls] [--connections N] PORT BUCKET KEYS DIR\n", stderr);
    return 2;
  }
  settings.port = static_cast<std::uint16_t>(std::strtoul(names[0].c_str(), nullptr, 10));
  settings.bucket = names[1];
  Work work(names[2], names[3]);
  run(settings, work);
}
