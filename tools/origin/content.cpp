#include "origin/content.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace sluice::origin {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

class BytesContent final : public Content {
 public:
  explicit BytesContent(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t offset, char* into, std::size_t bytes) const override {
    if (offset >= bytes_.size()) return 0;
    const std::size_t n = std::min<std::size_t>(bytes, bytes_.size() - offset);
    std::memcpy(into, bytes_.data() + offset, n);
    return n;
  }

 private:
  const std::string bytes_;
};

class GeneratedContent final : public Content {
 public:
  GeneratedContent(std::uint64_t size, std::uint64_t seed) : size_(size), seed_(seed) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read(std::uint64_t offset, char* into, std::size_t bytes) const override {
    if (offset >= size_) return 0;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, size_ - offset));
    generate_bytes(seed_, offset, into, n);
    return n;
  }

 private:
  const std::uint64_t size_;
  const std::uint64_t seed_;
};

}  // namespace

ContentPtr bytes_content(std::string bytes) {
  return std::make_shared<BytesContent>(std::move(bytes));
}

ContentPtr generated_content(std::uint64_t size, std::uint64_t seed) {
  return std::make_shared<GeneratedContent>(size, seed);
}

std::uint64_t mix64(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

std::uint64_t seed_of(std::string_view name, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mix64(hash ^ mix64(seed));
}

void generate_bytes(std::uint64_t seed, std::uint64_t offset, char* into, std::size_t bytes) {
  const std::uint64_t base = mix64(seed);
  std::uint64_t word_index = offset / 8;
  std::size_t skip = offset % 8;
  while (bytes > 0) {
    const std::uint64_t word = mix64(base + word_index++);
    const std::size_t n = std::min<std::size_t>(bytes, 8 - skip);
    // Little-endian machines only (x86-64, arm64), as the whole project.
    std::memcpy(into, reinterpret_cast<const char*>(&word) + skip, n);
    into += n;
    bytes -= n;
    skip = 0;
  }
}

std::string read_all(const Content& content) {
  std::string out(static_cast<std::size_t>(content.size()), '\0');
  out.resize(content.read(0, out.data(), out.size()));
  return out;
}

bool same_bytes(const Content& a, const Content& b) {
  if (a.size() != b.size()) return false;
  std::vector<char> left(kBlockBytes);
  std::vector<char> right(kBlockBytes);
  for (std::uint64_t at = 0; at < a.size(); at += kBlockBytes) {
    const std::size_t n = a.read(at, left.data(), kBlockBytes);
    if (n == 0 || n != b.read(at, right.data(), kBlockBytes)) return false;
    if (std::memcmp(left.data(), right.data(), n) != 0) return false;
  }
  return true;
}

}  // namespace sluice::origin
