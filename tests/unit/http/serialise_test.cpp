#include "http/codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

using namespace std::string_literals;

Request simple() {
  Request request;
  request.target = "/bucket/a%20b/../c?x=%2F";
  request.headers.emplace_back("Host", "h:9000");
  return request;
}

ErrorKind kind_of(const Request& request) {
  const auto wire = serialise(request);
  EXPECT_FALSE(wire);
  return wire ? ErrorKind::transient : wire.error().kind;
}

TEST(Serialise, TargetGoesOutByteForByte) {
  Request request = simple();
  request.headers.emplace_back("Range", "bytes=0-1");
  EXPECT_EQ(serialise(request).value(),
            "GET /bucket/a%20b/../c?x=%2F HTTP/1.1\r\nHost: h:9000\r\nRange: bytes=0-1\r\n\r\n");
  request.method = Method::head;
  EXPECT_EQ(serialise(request).value().substr(0, 5), "HEAD ");
}

TEST(Serialise, BodyHasItsLength) {
  Request request = simple();
  request.method = Method::post;
  request.body = "a=b\r\n\0"s;
  EXPECT_EQ(serialise(request).value(),
            "POST /bucket/a%20b/../c?x=%2F HTTP/1.1\r\nHost: h:9000\r\nContent-Length: 6\r\n\r\n"
            "a=b\r\n\0"s);
  request.method = Method::put;
  request.body.clear();
  EXPECT_NE(serialise(request).value().find("\r\nContent-Length: 0\r\n"), std::string::npos);
}

TEST(Serialise, OwnContentLengthMustBeRight) {
  Request request = simple();
  request.method = Method::put;
  request.body = "12";
  request.headers.emplace_back("content-length", "2");
  const std::string wire = serialise(request).value();
  EXPECT_EQ(wire.find("Content-Length"), std::string::npos);
  request.body = "123";
  EXPECT_EQ(kind_of(request), ErrorKind::usage);
}

TEST(Serialise, TargetsThatBreakTheRequestLineAreRefused) {
  for (const std::string& target :
       {""s, "/a b"s, "/a\r\nX: y"s, "/a\n"s, "/a\0b"s, "/a\t"s, "/a\x7f"s}) {
    Request request = simple();
    request.target = target;
    EXPECT_EQ(kind_of(request), ErrorKind::usage);
  }
}

TEST(Serialise, HeadersThatBreakTheHeadAreRefusedWithoutQuotingThem) {
  for (const std::string& value : {"secret\r\nX: y"s, "secret\n"s, "secret\r"s, "secret\0"s}) {
    Request request = simple();
    request.headers.emplace_back("Authorization", value);
    const auto wire = serialise(request);
    ASSERT_FALSE(wire);
    EXPECT_EQ(wire.error().kind, ErrorKind::usage);
    EXPECT_EQ(wire.error().message.find("secret"), std::string::npos);
    EXPECT_NE(wire.error().message.find("Authorization"), std::string::npos);
  }
  for (const std::string& name : {""s, "A B"s, "A:"s, "A\r\n"s, "A\0"s, "Transfer-Encoding"s}) {
    Request request = simple();
    request.headers.emplace_back(name, "v");
    EXPECT_EQ(kind_of(request), ErrorKind::usage);
  }
}

TEST(Serialise, ExactlyOneHost) {
  Request request = simple();
  request.headers.emplace_back("host", "other");
  EXPECT_EQ(kind_of(request), ErrorKind::usage);
  request.headers.clear();
  EXPECT_EQ(kind_of(request), ErrorKind::usage);
}

}  // namespace
}  // namespace sluice::http
