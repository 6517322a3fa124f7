// Puts an answer on the wire the way its Delivery says.
#pragma once

#include "origin/delivery.hpp"
#include "origin/message.hpp"
#include "origin/stream.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <vector>

namespace sluice::origin {

struct SendResult {
  bool reusable = false;     // the connection can take another request
  bool client_left = false;  // an error or the client's FIN cut the answer short
  int status = 0;            // 0: no status line went out
  std::uint64_t body_bytes = 0;
};

// One answer. The object and all it refers to must outlive the run.
class Sender {
 public:
  Sender(Stream& stream, const Response& response, const Delivery& delivery,
         std::vector<char>& buffer)
      : stream_(stream), response_(response), delivery_(delivery), buffer_(buffer) {}

  boost::asio::awaitable<SendResult> run();

 private:
  boost::asio::awaitable<bool> send_head();
  boost::asio::awaitable<bool> send_body();
  boost::asio::awaitable<bool> send_chunk(std::size_t bytes);
  boost::asio::awaitable<bool> after_body();
  boost::asio::awaitable<bool> pause(Delivery::Milliseconds how_long);
  boost::asio::awaitable<bool> stall();
  boost::asio::awaitable<void> end(Delivery::End how);

  std::string head_text() const;
  std::size_t next_chunk_bytes() const;
  Delivery::Milliseconds wait_for(std::size_t bytes) const;
  bool fill(std::size_t head_bytes, std::size_t bytes);

  Stream& stream_;
  const Response& response_;
  const Delivery& delivery_;
  std::vector<char>& buffer_;
  std::string pending_;     // head bytes that go out with the first body bytes
  std::uint64_t sent_ = 0;  // body bytes handed to the stream
  bool stalled_ = false;
  SendResult result_;
};

}  // namespace sluice::origin
