#include "http/chunked.hpp"

#include "http/syntax.hpp"

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::size_t kMaxChunkLineBytes = 4 * 1024;  // catalogue 4: chunk line <= 4 KiB
constexpr std::size_t kMaxTrailerBytes = 16 * 1024;   // as much as real servers allow a whole head
constexpr unsigned kMaxSizeDigits = 16;               // of a 64-bit number

int hex_value(unsigned char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<ChunkDecoder::Step> ChunkDecoder::step(std::span<const std::byte> bytes) {
  Step step;
  while (step.consumed < bytes.size() && state_ != State::data && state_ != State::done) {
    const char* problem = take(static_cast<unsigned char>(bytes[step.consumed]));
    if (problem != nullptr) return Error(ErrorKind::invalid_answer, problem);
    ++step.consumed;
  }
  if (state_ != State::data) return step;
  const std::size_t left = bytes.size() - step.consumed;
  const auto content_bytes = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, left));
  step.content = bytes.subspan(step.consumed, content_bytes);
  step.consumed += content_bytes;
  remaining_ -= content_bytes;
  if (remaining_ == 0) state_ = State::data_cr;
  return step;
}

const char* ChunkDecoder::expect(unsigned char byte, unsigned char expected, State next) noexcept {
  state_ = next;
  return byte == expected ? nullptr : "has a chunk that does not end where it should";
}

const char* ChunkDecoder::take(unsigned char byte) noexcept {
  switch (state_) {
    case State::size:
    case State::extension:
    case State::size_lf:
      return take_size(byte);
    case State::data_cr:
      return expect(byte, '\r', State::data_lf);
    case State::data_lf:
      digits_ = 0;
      line_bytes_ = 0;
      return expect(byte, '\n', State::size);
    case State::end_lf:
      return expect(byte, '\n', State::done);
    default:
      return take_trailer(byte);
  }
}

const char* ChunkDecoder::take_size(unsigned char byte) noexcept {
  if (++line_bytes_ > kMaxChunkLineBytes) return "has a chunk line of more than 4 KiB";
  if (state_ == State::size_lf)
    return expect(byte, '\n', remaining_ == 0 ? State::trailer_start : State::data);
  if (state_ == State::extension) {
    if (byte == '\r')
      state_ = State::size_lf;
    else if (!is_field_byte(byte))
      return "has a control byte in a chunk line";
    return nullptr;
  }
  const int digit = hex_value(byte);
  if (digit >= 0) {
    if (digits_ == 0) remaining_ = 0;
    if (++digits_ > kMaxSizeDigits) return "has a chunk of impossible size";
    remaining_ = (remaining_ << 4) | static_cast<unsigned>(digit);
    return nullptr;
  }
  if (digits_ == 0 || (byte != '\r' && byte != ';')) return "has a chunk size that is no number";
  state_ = byte == ';' ? State::extension : State::size_lf;
  return nullptr;
}

const char* ChunkDecoder::take_trailer(unsigned char byte) noexcept {
  if (++trailer_bytes_ > kMaxTrailerBytes) return "has more than 16 KiB of trailers";
  constexpr const char* malformed = "has a malformed trailer";
  switch (state_) {
    case State::trailer_start:
      if (byte == '\r') {
        state_ = State::end_lf;
        return nullptr;
      }
      state_ = State::trailer_name;
      return is_token_byte(byte) ? nullptr : malformed;
    case State::trailer_name:
      if (byte == ':') {
        state_ = State::trailer_value;
        return nullptr;
      }
      return is_token_byte(byte) ? nullptr : malformed;
    case State::trailer_value:
      if (byte == '\r') {
        state_ = State::trailer_lf;
        return nullptr;
      }
      return is_field_byte(byte) ? nullptr : malformed;
    default:
      return expect(byte, '\n', State::trailer_start);
  }
}

}  // namespace sluice::http
