// Makes a server on loopback as far away as one on a real network: what goes through arrives half a
// round trip later, in each direction, and a new connection costs a whole one first.
//
//   delay [--rtt MS] [--window BYTES] PORT TARGET
//
// Listens on 127.0.0.1:PORT and passes everything on to 127.0.0.1:TARGET. At most BYTES are under
// way on a connection in one direction (4 MiB), so that it carries BYTES each half round trip, as
// a TCP window allows. One thread, epoll; thousands of connections. Congestion and loss are not
// played.

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <queue>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::size_t kReadBytes = 256 * 1024;

struct Settings {
  Clock::duration half = std::chrono::milliseconds(15);
  std::size_t window = std::size_t{4} << 20;
  std::uint16_t port = 0;
  std::uint16_t target = 0;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "delay: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// What travels one way over one connection.
struct Flow {
  struct Chunk {
    Time due;
    std::vector<char> bytes;  ///< empty: the end
  };

  int from = -1;
  int to = -1;
  Time not_before{};  ///< the connection's own round trip
  std::deque<Chunk> chunks;
  std::size_t under_way = 0;
  std::size_t sent = 0;  ///< of the first chunk
  bool read_to_end = false;
  bool ended = false;
};

/// A connection from the client (side 0) and the one to the server (side 1).
struct Pair {
  std::uint64_t id = 0;
  std::array<int, 2> fds{-1, -1};
  std::array<Flow, 2> flows;  ///< by the side that they come from
  bool broken = false;

  ~Pair() {
    for (const int fd : fds)
      if (fd >= 0) ::close(fd);
  }
};

struct Due {
  Time when;
  std::uint64_t pair;
  unsigned side;
  bool operator>(const Due& other) const { return when > other.when; }
};

class Relay {
 public:
  explicit Relay(const Settings& settings) : settings_(settings), buffer_(kReadBytes) {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(settings.port);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 4096) != 0)
      fail("listen");
    watch(listener_, kListener, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready = wait(events);
      for (int i = 0; i < ready; ++i)
        serve(events[static_cast<std::size_t>(i)]);
      deliver();
    }
  }

 private:
  static constexpr std::uint64_t kListener = 0;

  void watch(int fd, std::uint64_t tag, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = tag;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  int wait(std::array<epoll_event, 256>& events) {
    timespec left{};
    if (!due_.empty()) {
      const auto nanoseconds = std::max<std::int64_t>(
          std::chrono::nanoseconds(due_.top().when - Clock::now()).count(), 0);
      left.tv_sec = nanoseconds / 1'000'000'000;
      left.tv_nsec = nanoseconds % 1'000'000'000;
    }
    return ::epoll_pwait2(poll_, events.data(), int(events.size()), due_.empty() ? nullptr : &left,
                          nullptr);
  }

  void serve(const epoll_event& event) {
    if (event.data.u64 == kListener) return accept_all();
    const auto found = pairs_.find(event.data.u64 >> 1);
    if (found == pairs_.end()) return;
    Pair& pair = *found->second;
    const auto side = static_cast<unsigned>(event.data.u64 & 1);
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) fill(pair, side);
    if ((event.events & EPOLLOUT) != 0) flush(pair, 1 - side, Clock::now());
    close_if_done(pair);
  }

  void accept_all() {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (client < 0) return;
      const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = loopback(settings_.target);
      auto pair = std::make_unique<Pair>();
      pair->id = ++last_id_;
      pair->fds = {client, server};
      if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        continue;
      for (unsigned side = 0; side < 2; ++side) {
        send_at_once(pair->fds[side]);
        pair->flows[side].from = pair->fds[side];
        pair->flows[side].to = pair->fds[1 - side];
        pair->flows[side].not_before = Clock::now() + 2 * settings_.half;
        watch(pair->fds[side], pair->id << 1 | side, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
      }
      pairs_.emplace(pair->id, std::move(pair));
    }
  }

  /// Takes in what has come, as far as the window allows.
  void fill(Pair& pair, unsigned side) {
    Flow& flow = pair.flows[side];
    while (!flow.read_to_end && flow.under_way < settings_.window) {
      const ssize_t got = ::recv(flow.from, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return;
      flow.read_to_end = got <= 0;
      const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      const Time when = std::max(Clock::now(), flow.not_before) + settings_.half;
      flow.chunks.push_back({when, {buffer_.data(), buffer_.data() + bytes}});
      flow.under_way += bytes;
      due_.push({when, pair.id, side});
    }
  }

  void deliver() {
    const Time now = Clock::now();
    while (!due_.empty() && due_.top().when <= now) {
      const Due due = due_.top();
      due_.pop();
      const auto found = pairs_.find(due.pair);
      if (found == pairs_.end()) continue;
      flush(*found->second, due.side, now);
      close_if_done(*found->second);
    }
  }

  /// Hands over what has arrived.
  void flush(Pair& pair, unsigned side, Time now) {
    Flow& flow = pair.flows[side];
    while (!flow.chunks.empty() && flow.chunks.front().due <= now) {
      const std::vector<char>& bytes = flow.chunks.front().bytes;
      if (bytes.empty()) {
        ::shutdown(flow.to, SHUT_WR);
        flow.ended = true;
      }
      while (flow.sent < bytes.size()) {
        const ssize_t done = ::send(flow.to, bytes.data() + flow.sent, bytes.size() - flow.sent,
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) return;
        if (done < 0) {
          pair.broken = true;
          return;
        }
        flow.sent += static_cast<std::size_t>(done);
      }
      flow.under_way -= std::exchange(flow.sent, 0);
      flow.chunks.pop_front();
    }
    fill(pair, side);
  }

  void close_if_done(const Pair& pair) {
    if (pair.broken || (pair.flows[0].ended && pair.flows[1].ended)) pairs_.erase(pair.id);
  }

  const Settings settings_;
  std::vector<char> buffer_;
  int poll_ = -1;
  int listener_ = -1;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Pair>> pairs_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace

int main(int count, char** words) {
  Settings settings;
  std::vector<std::uint16_t> ports;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--rtt" && i + 1 < count) {
      const double milliseconds = std::strtod(words[++i], nullptr);
      settings.half = std::chrono::microseconds(std::int64_t(milliseconds * 500));
    } else if (word == "--window" && i + 1 < count) {
      settings.window = std::strtoull(words[++i], nullptr, 10);
    } else {
      ports.push_back(std::uint16_t(std::strtoul(words[i], nullptr, 10)));
    }
  }
  if (ports.size() != 2 || settings.window == 0) {
    std::fputs("usage: delay [--rtt MS] [--window BYTES] PORT TARGET\n", stderr);
    return 2;
  }
  settings.port = ports[0];
  settings.target = ports[1];
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Relay(settings).run();
}
