// How an answer goes out; the default sends it whole and at once. Faults change it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::origin {

struct Delivery {
  using Milliseconds = std::chrono::milliseconds;

  Milliseconds before_headers{0};
  Milliseconds before_body{0};
  Milliseconds each_chunk{0};
  std::uint64_t bytes_per_second = 0;  // 0: no limit
  std::size_t chunk_bytes = 256 * 1024;

  // What happens after so many body bytes.
  enum class End { close, reset };
  std::optional<std::pair<std::uint64_t, End>> end_at = {};
  std::optional<std::uint64_t> stall_at = {};
  Milliseconds stall_for{0};  // 0: until the client leaves

  std::optional<End> end_before_answer = {};
  std::optional<std::uint64_t> end_in_head = {};
  std::optional<Milliseconds> close_after = {};

  std::vector<std::pair<std::uint64_t, std::uint8_t>> flips = {};  // offset in the body, mask
  std::string extra_bytes = {};
  std::string instead = {};  // these bytes in place of the whole answer, then the end
  unsigned informational = 0;
  int informational_status = 103;

  enum class Framing { length, chunked, close };
  Framing framing = Framing::length;
  std::int64_t length_shift = 0;
};

}  // namespace sluice::origin
