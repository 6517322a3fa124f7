// The bytes of one version of one object, readable at any offset and never needed whole in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::origin {

// Immutable; every member may be called from any thread.
class Content {
 public:
  virtual ~Content() = default;
  virtual std::uint64_t size() const = 0;

  // Copies up to `bytes` from `offset` and returns how many were copied. Fewer than asked, before
  // the end, means that the source failed or shrank: the answer must then be cut, not padded.
  virtual std::size_t read(std::uint64_t offset, char* into, std::size_t bytes) const = 0;
};

using ContentPtr = std::shared_ptr<const Content>;

ContentPtr bytes_content(std::string bytes);

// `size` pseudo-random bytes made on the fly from `seed`: an object of any size without memory.
ContentPtr generated_content(std::uint64_t size, std::uint64_t seed);

// The bytes generated_content(…, seed) has at `offset`.
void generate_bytes(std::uint64_t seed, std::uint64_t offset, char* into, std::size_t bytes);

// For small contents and tests; shorter than size() if the source shrank.
std::string read_all(const Content& content);

// True if both hold the same bytes; reads block by block.
bool same_bytes(const Content& a, const Content& b);

// One step of SplitMix64: a good 64-bit mix for seeds.
std::uint64_t mix64(std::uint64_t value);

// FNV-1a, mixed with `seed`: the seed of a key's content, or of a draw that depends on a name.
std::uint64_t seed_of(std::string_view name, std::uint64_t seed);

}  // namespace sluice::origin
