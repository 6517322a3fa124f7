#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// A part of the key space: keys k with after < k <= last, compared as bytes. An empty `after`
/// means from the first key; no `last` means to the end.
class KeyRange {
 public:
  KeyRange() = default;  ///< every key
  /// nullopt unless after < last.
  static std::optional<KeyRange> make(std::string after, std::optional<std::string> last);

  const std::string& after() const noexcept { return after_; }
  const std::optional<std::string>& last() const noexcept { return last_; }
  bool contains(std::string_view key) const noexcept {
    return key > after_ && (!last_ || key <= *last_);
  }
  /// Whether `key` lies beyond the end, so that the listing of this range is complete.
  bool ends_before(std::string_view key) const noexcept { return last_ && key > *last_; }

  /// (after, middle] and (middle, last]; nullopt unless after < middle < last.
  std::optional<std::pair<KeyRange, KeyRange>> split(std::string middle) const;

 private:
  KeyRange(std::string after, std::optional<std::string> last)
      : after_(std::move(after)), last_(std::move(last)) {}

  std::string after_;
  std::optional<std::string> last_;
};

/// Bytes [offset, offset + length) of an object; never empty (S3 has no empty range).
class ByteRange {
 public:
  /// nullopt if `length` is 0 or the end overflows.
  static std::optional<ByteRange> make(std::uint64_t offset, std::uint64_t length) noexcept;

  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t length() const noexcept { return length_; }
  std::uint64_t last() const noexcept { return offset_ + length_ - 1; }  ///< inclusive, as in HTTP
  /// What is left after the first `done` bytes; nullopt if nothing is.
  std::optional<ByteRange> rest(std::uint64_t done) const noexcept;
  bool operator==(const ByteRange&) const = default;

 private:
  ByteRange(std::uint64_t offset, std::uint64_t length) : offset_(offset), length_(length) {}

  std::uint64_t offset_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace sluice
