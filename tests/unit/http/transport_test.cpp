#include "http/transport.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::http {
namespace {

/// A connected pair of sockets: ours and the peer's.
class Pair {
 public:
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(ends_[0]);
    close_peer();
  }
  int ours() const { return ends_[0]; }
  int peer() const { return ends_[1]; }
  void close_peer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(PlainStream, ReadsAndWritesWithoutWaiting) {
  Pair pair;
  const auto stream = make_plain_stream(pair.ours());
  std::array<std::byte, 8> buffer{};
  EXPECT_EQ(stream->handshake().io, Io::done);
  EXPECT_EQ(stream->read(buffer).io, Io::want_read);
  ASSERT_EQ(::send(pair.peer(), "hello", 5, 0), 5);
  const IoResult got = stream->read(buffer);
  EXPECT_EQ(got.io, Io::done);
  EXPECT_EQ(got.bytes, 5u);

  const std::string block(1 << 16, 'x');
  IoResult sent;
  do {
    sent = stream->write(bytes_of(block));
  } while (sent.io == Io::done);
  EXPECT_EQ(sent.io, Io::want_write);
}

TEST(PlainStream, EndAndFailureAreToldApart) {
  Pair pair;
  const auto stream = make_plain_stream(pair.ours());
  pair.close_peer();
  std::array<std::byte, 8> buffer{};
  EXPECT_EQ(stream->read(buffer).io, Io::end);
  EXPECT_EQ(stream->write(bytes_of("x")).io, Io::failed);
  EXPECT_EQ(stream->failure(), "Broken pipe");
}

/// As it is in a program that did nothing about the signal: it would end the test.
class DefaultSigpipe {
 public:
  DefaultSigpipe() : before_(std::signal(SIGPIPE, SIG_DFL)) {}
  ~DefaultSigpipe() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

TEST(Streams, APeerThatIsGoneRaisesNoSignal) {
  const DefaultSigpipe guard;
  const auto context = TlsContext::make({}, "localhost");
  ASSERT_TRUE(context);
  Pair plain;
  plain.close_peer();
  EXPECT_EQ(make_plain_stream(plain.ours())->write(bytes_of("x")).io, Io::failed);
  Pair tls;
  tls.close_peer();
  const auto stream = (*context)->make_stream(tls.ours());
  EXPECT_EQ(stream->handshake().io, Io::failed);
  EXPECT_EQ(stream->failure(), "Broken pipe");
  stream->farewell();
}

TEST(Socket, IsNotInheritedAndDoesNotBlock) {
  const int descriptor = open_socket(AF_INET);
  ASSERT_GE(descriptor, 0);
  EXPECT_NE(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
  ::close(descriptor);
}

}  // namespace
}  // namespace sluice::http
