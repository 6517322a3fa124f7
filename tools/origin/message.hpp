// HTTP requests and answers as plain values.
#pragma once

#include "origin/content.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

struct Header {
  std::string name;
  std::string value;
};
using Headers = std::vector<Header>;

// The first header of that name (case ignored), or null.
const std::string* find_header(const Headers& headers, std::string_view name);

// Replaces all headers of that name.
void set_header(Headers& headers, std::string_view name, std::string value);
void remove_header(Headers& headers, std::string_view name);

// Forms and documents for the credential services; S3 reads none.
inline constexpr std::size_t kBodyBytesMax = 64 * 1024;

struct Request {
  std::string method;
  std::string target;  // exactly as received: signatures are checked against these bytes
  Headers headers;     // in the order received, names as sent
  bool keep_alive = true;
  std::string body;          // of at most kBodyBytesMax
  bool unread_body = false;  // there is one that was not read

  std::string_view raw_path() const;
  std::string_view raw_query() const;  // without the `?`
};

struct Response {
  int status = 200;
  Headers headers;  // without Content-Length, Connection and Transfer-Encoding: sending adds them
  ContentPtr body;  // null: no bytes
  std::uint64_t body_offset = 0;
  std::uint64_t body_bytes = 0;
  bool head_only = false;  // answers HEAD: announces body_bytes, sends none
  bool close = false;
};

// Makes `text` the whole body.
void set_body(Response& response, std::string text, std::string content_type);

std::string_view reason_phrase(int status);

}  // namespace sluice::origin
