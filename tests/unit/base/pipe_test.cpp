#include "base/pipe.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace sluice {
namespace {

/// Two ends of a connection, the first of which never waits; and a file without a name.
class PipeTest : public ::testing::Test {
 protected:
  PipeTest() : file_(std::tmpfile()) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets_.data()), 0);
    EXPECT_NE(file_, nullptr);
  }
  ~PipeTest() override {
    for (const int socket : sockets_)
      ::close(socket);
    std::fclose(file_);
  }

  int source() const { return sockets_[0]; }
  int file() const { return ::fileno(file_); }
  void send(std::string_view text) const {
    ASSERT_EQ(::write(sockets_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string content() const {
    std::string text(1000, '\0');
    const ssize_t got = ::pread(file(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

  std::array<int, 2> sockets_{};
  std::FILE* const file_;
  Pipe pipe_;
};

TEST_F(PipeTest, BringsBytesToTheirPlaceInAFile) {
  ASSERT_TRUE(pipe_.open());
  ASSERT_TRUE(pipe_.open()) << "it is there";
  send("abcdef");
  EXPECT_EQ(pipe_.fill_from(source(), 4), 4);
  EXPECT_EQ(pipe_.held(), 4u);
  EXPECT_EQ(pipe_.empty_into(file(), 2), 4);
  EXPECT_EQ(pipe_.held(), 0u);
  EXPECT_EQ(pipe_.fill_from(source(), 4), 2);
  EXPECT_EQ(pipe_.empty_into(file(), 0), 2);
  EXPECT_EQ(content(), "efabcd");
}

TEST_F(PipeTest, NeverWaitsForBytes) {
  ASSERT_TRUE(pipe_.open());
  EXPECT_EQ(pipe_.fill_from(source(), 10), -1);
  EXPECT_EQ(errno, EAGAIN);
  ::shutdown(sockets_[1], SHUT_WR);
  EXPECT_EQ(pipe_.fill_from(source(), 10), 0);
  EXPECT_EQ(pipe_.held(), 0u);
}

TEST_F(PipeTest, WhatItHeldIsGoneAfterAReset) {
  ASSERT_TRUE(pipe_.open());
  send("old");
  ASSERT_EQ(pipe_.fill_from(source(), 10), 3);
  pipe_.reset();
  EXPECT_EQ(pipe_.held(), 0u);
  ASSERT_TRUE(pipe_.open());
  send("new");
  ASSERT_EQ(pipe_.fill_from(source(), 10), 3);
  std::array<std::byte, 10> got{};
  ASSERT_EQ(pipe_.read(got), 3);
  EXPECT_EQ(got[0], std::byte{'n'});
}

TEST_F(PipeTest, AFailureLeavesWhatItHolds) {
  ASSERT_TRUE(pipe_.open());
  send("abc");
  ASSERT_EQ(pipe_.fill_from(source(), 10), 3);
  EXPECT_EQ(pipe_.empty_into(-1, 0), -1);
  EXPECT_EQ(errno, EBADF);
  Pipe moved(std::move(pipe_));
  EXPECT_EQ(moved.held(), 3u);
  EXPECT_EQ(moved.empty_into(file(), 0), 3);
  EXPECT_EQ(content(), "abc");
}

}  // namespace
}  // namespace sluice
