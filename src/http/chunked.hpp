#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::http {

/// Takes a chunked body apart (RFC 9112 section 7.1), without copying. Strict: CRLF only, no blanks
/// around sizes, extensions and trailers skipped within limits.
class ChunkDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;            ///< bytes taken from the front, at least 1
    std::span<const std::byte> content;  ///< those of them that are body
  };

  /// `bytes` is not empty and `done()` is false. The error's message has no subject.
  Result<Step> step(std::span<const std::byte> bytes);
  bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
  };

  /// One byte of framing; nullptr if it is in order, else what is wrong.
  const char* take(unsigned char byte) noexcept;
  const char* take_size(unsigned char byte) noexcept;
  const char* take_trailer(unsigned char byte) noexcept;
  const char* expect(unsigned char byte, unsigned char expected, State next) noexcept;

  State state_ = State::size;
  unsigned digits_ = 0;
  std::size_t line_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::uint64_t remaining_ = 0;
};

}  // namespace sluice::http
