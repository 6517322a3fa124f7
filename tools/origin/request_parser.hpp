// Finds and reads requests in a stream of bytes; does no input or output itself.
#pragma once

#include "origin/message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::origin {

class RequestParser {
 public:
  enum class State { need_more, ready, bad };

  // Adds bytes that arrived.
  void feed(std::string_view bytes) { buffer_ += bytes; }

  // ready: `into` is filled, and its bytes are taken from the buffer; those of a body only if its
  // length is given and at most kBodyBytesMax. bad: the connection is of no further use (not HTTP,
  // or a head of more than 64 KiB).
  State next(Request& into);

 private:
  std::string buffer_;
};

}  // namespace sluice::origin
