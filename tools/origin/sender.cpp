#include "origin/sender.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace sluice::origin {
namespace asio = boost::asio;
using Milliseconds = Delivery::Milliseconds;

namespace {
// How often a pause looks whether the client has gone.
constexpr Milliseconds kGlance{10};
constexpr Milliseconds kForEver = std::chrono::hours(24 * 365);
}  // namespace

// The order of an answer; each step returns false when the answer is over.
asio::awaitable<SendResult> Sender::run() {
  bool going_on = co_await pause(delivery_.before_headers);
  if (going_on) going_on = co_await send_head();
  if (going_on) going_on = co_await pause(delivery_.before_body);
  if (going_on) going_on = co_await send_body();
  if (going_on) going_on = co_await after_body();
  result_.reusable = going_on;
  result_.body_bytes = sent_;
  co_return result_;
}

std::string Sender::head_text() const {
  std::string text;
  for (unsigned i = 0; i < delivery_.informational; ++i) {
    text += fmt::format("HTTP/1.1 {} {}\r\n\r\n", delivery_.informational_status,
                        reason_phrase(delivery_.informational_status));
  }
  text += fmt::format("HTTP/1.1 {} {}\r\n", response_.status, reason_phrase(response_.status));
  for (const Header& header : response_.headers) {
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  const bool no_body = response_.status == 304 || response_.status == 204;
  if (delivery_.framing == Delivery::Framing::chunked && !response_.head_only) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (delivery_.framing == Delivery::Framing::length && !no_body) {
    const auto length = static_cast<std::int64_t>(response_.body_bytes) + delivery_.length_shift;
    text += fmt::format("Content-Length: {}\r\n", std::max<std::int64_t>(length, 0));
  }
  if (response_.close) text += "Connection: close\r\n";
  return text + "\r\n";
}

asio::awaitable<bool> Sender::send_head() {
  if (delivery_.end_before_answer) {
    co_await end(*delivery_.end_before_answer);
    co_return false;
  }
  if (!delivery_.instead.empty()) {
    co_await stream_.write(delivery_.instead.data(), delivery_.instead.size());
    co_await end(Delivery::End::close);
    co_return false;
  }
  pending_ = head_text();
  if (delivery_.end_in_head) {
    pending_.resize(std::min<std::size_t>(pending_.size(), *delivery_.end_in_head));
    co_await stream_.write(pending_.data(), pending_.size());
    co_await end(Delivery::End::close);
    co_return false;
  }
  result_.status = response_.status;
  // The head travels with the first body bytes: one segment for a small object.
  const bool at_once = delivery_.before_body.count() == 0 && wait_for(0).count() == 0 &&
                       delivery_.bytes_per_second == 0;
  const bool together =
      at_once && response_.body != nullptr && response_.body_bytes > 0 && !response_.head_only;
  if (together) co_return true;
  const std::string head = std::exchange(pending_, {});
  const bool written = co_await stream_.write(head.data(), head.size());
  result_.client_left = !written;
  co_return written;
}

std::size_t Sender::next_chunk_bytes() const {
  std::uint64_t bytes = std::min<std::uint64_t>(response_.body_bytes - sent_,
                                                std::max<std::size_t>(delivery_.chunk_bytes, 1));
  // A limited rate goes out in tenths of a second, to look like one to the client.
  if (delivery_.bytes_per_second > 0) {
    bytes = std::min(bytes, std::max<std::uint64_t>(delivery_.bytes_per_second / 10, 1));
  }
  // No chunk reaches beyond a place where something is to happen.
  if (delivery_.end_at) bytes = std::min(bytes, delivery_.end_at->first - sent_);
  if (delivery_.stall_at && *delivery_.stall_at > sent_) {
    bytes = std::min(bytes, *delivery_.stall_at - sent_);
  }
  return static_cast<std::size_t>(bytes);
}

asio::awaitable<bool> Sender::send_body() {
  if (response_.head_only || !response_.body) co_return true;
  while (true) {
    const bool stall_here = delivery_.stall_at && !stalled_ && sent_ >= *delivery_.stall_at;
    const bool end_here = delivery_.end_at && sent_ >= delivery_.end_at->first;
    if ((stall_here || end_here) && !pending_.empty()) {
      const std::string head = std::exchange(pending_, {});
      const bool written = co_await stream_.write(head.data(), head.size());
      result_.client_left = !written;
      if (!written) co_return false;
    }
    if (stall_here) {
      const bool still_there = co_await stall();
      if (!still_there) co_return false;
    }
    if (end_here) {
      co_await end(delivery_.end_at->second);
      co_return false;
    }
    if (sent_ >= response_.body_bytes) co_return true;
    const std::size_t bytes = next_chunk_bytes();
    const bool still_there = co_await pause(wait_for(bytes));
    if (!still_there) co_return false;
    const bool sent = co_await send_chunk(bytes);
    if (!sent) co_return false;
  }
}

// Puts head bytes and the next `bytes` of the body into the buffer; false if the content failed.
bool Sender::fill(std::size_t head_bytes, std::size_t bytes) {
  if (buffer_.size() < head_bytes + bytes + 2) buffer_.resize(head_bytes + bytes + 2);
  std::memcpy(buffer_.data(), pending_.data(), head_bytes);
  char* const body = buffer_.data() + head_bytes;
  const std::size_t got = response_.body->read(response_.body_offset + sent_, body, bytes);
  for (const auto& [offset, mask] : delivery_.flips) {
    if (offset < sent_ || offset >= sent_ + bytes) continue;
    char& hit = body[offset - sent_];
    hit = static_cast<char>(static_cast<unsigned char>(hit) ^ mask);
  }
  return got == bytes;
}

asio::awaitable<bool> Sender::send_chunk(std::size_t bytes) {
  const bool chunked = delivery_.framing == Delivery::Framing::chunked;
  if (chunked) pending_ += fmt::format("{:x}\r\n", bytes);
  const std::size_t head_bytes = pending_.size();
  if (!fill(head_bytes, bytes)) {
    // Nothing honest can follow: the promised length is never reached.
    co_await end(Delivery::End::close);
    co_return false;
  }
  pending_.clear();
  std::size_t total = head_bytes + bytes;
  if (chunked) {
    std::memcpy(buffer_.data() + total, "\r\n", 2);
    total += 2;
  }
  const bool written = co_await stream_.write(buffer_.data(), total);
  if (!written) {
    result_.client_left = true;
    co_return false;
  }
  sent_ += bytes;
  co_return true;
}

// What the limits ask for before so many bytes go out. Before and not after: a wait after the last
// byte would slow nobody down.
Milliseconds Sender::wait_for(std::size_t bytes) const {
  Milliseconds wait = delivery_.each_chunk;
  if (delivery_.bytes_per_second > 0) {
    wait += Milliseconds(bytes * 1000 / delivery_.bytes_per_second);
  }
  return wait;
}

asio::awaitable<bool> Sender::after_body() {
  std::string tail;
  if (!response_.head_only && delivery_.framing == Delivery::Framing::chunked) {
    tail = pending_ + "0\r\n\r\n";
  }
  tail += delivery_.extra_bytes;
  if (!tail.empty()) {
    const bool written = co_await stream_.write(tail.data(), tail.size());
    if (!written) co_return false;
  }
  const bool must_close = response_.close || delivery_.close_after ||
                          delivery_.framing == Delivery::Framing::close ||
                          delivery_.length_shift != 0;
  if (delivery_.close_after) co_await pause(*delivery_.close_after);
  if (must_close) co_await end(Delivery::End::close);
  co_return !must_close;
}

// Sleeps, and looks now and then whether the client has gone; false if so.
asio::awaitable<bool> Sender::pause(Milliseconds how_long) {
  if (how_long.count() <= 0) co_return true;
  const auto until = std::chrono::steady_clock::now() + how_long;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (std::chrono::steady_clock::now() < until) {
    timer.expires_at(std::min(until, std::chrono::steady_clock::now() + kGlance));
    co_await timer.async_wait(asio::use_awaitable);
    if (stream_.peer_left()) {
      result_.client_left = true;
      co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> Sender::stall() {
  stalled_ = true;
  const bool for_ever = delivery_.stall_for.count() == 0;
  const Milliseconds how_long = for_ever ? kForEver : delivery_.stall_for;
  const bool still_there = co_await pause(how_long);
  co_return still_there;
}

asio::awaitable<void> Sender::end(Delivery::End how) {
  if (how == Delivery::End::reset) {
    co_await stream_.reset();
  } else {
    co_await stream_.close();
  }
}

}  // namespace sluice::origin
