#pragma once

#include "http/client.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice::http {

/// A handler that keeps what it is given.
class Recorder final : public ResponseHandler {
 public:
  Result<void> on_head(const ResponseHead& received) override {
    ++heads;
    head = received;
    return at_head ? at_head() : Result<void>();
  }

  Result<void> on_body(std::span<const std::byte> bytes) override {
    ++pieces;
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return at_body ? at_body() : Result<void>();
  }

  int heads = 0;
  int pieces = 0;
  ResponseHead head;
  std::string body;
  std::function<Result<void>()> at_head;
  std::function<Result<void>()> at_body;
};

}  // namespace sluice::http
