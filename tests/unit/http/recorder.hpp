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

  bool takes_pipe() const noexcept override { return wants_pipe; }

  Result<void> on_pipe(Pipe& pipe) override {
    piped += pipe.held();
    return at_pipe ? at_pipe(pipe) : keep(pipe);
  }

  Result<void> keep(Pipe& pipe) {
    std::vector<std::byte> bytes(pipe.held());
    while (pipe.held() > 0) {
      const ssize_t got = pipe.read(bytes);
      if (got <= 0) return Error(ErrorKind::local, "the pipe is empty");
      body.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(got));
    }
    return {};
  }

  int heads = 0;
  int pieces = 0;
  ResponseHead head;
  std::string body;
  bool wants_pipe = false;
  std::uint64_t piped = 0;  ///< bytes of the body that came so
  std::function<Result<void>(Pipe&)> at_pipe;
  std::function<Result<void>()> at_head;
  std::function<Result<void>()> at_body;
};

}  // namespace sluice::http
