#pragma once

#include "model/range.hpp"

#include <cstdint>

namespace sluice::transfer {

/// How an object is cut into ranged GETs. Parts are numbered from 0; an empty object has none.
class PartPlan {
 public:
  /// No object is cut into more (S3's own limit for uploads; it bounds what we keep per object).
  static constexpr std::uint64_t kMaxParts = 10'000;

  /// `part_bytes`, or more where the object would have more than kMaxParts.
  PartPlan(std::uint64_t size, std::uint64_t part_bytes) noexcept;

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t part_bytes() const noexcept { return part_bytes_; }
  std::uint32_t count() const noexcept { return count_; }
  ByteRange range(std::uint32_t index) const noexcept;  ///< index < count()

 private:
  std::uint64_t size_;
  std::uint64_t part_bytes_;
  std::uint32_t count_;
};

}  // namespace sluice::transfer
