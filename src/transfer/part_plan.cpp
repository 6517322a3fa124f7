#include "transfer/part_plan.hpp"

#include <algorithm>

namespace sluice::transfer {

PartPlan::PartPlan(std::uint64_t size, std::uint64_t part_bytes) noexcept
    : size_(size),
      part_bytes_(std::max(
          {part_bytes, size / kMaxParts + (size % kMaxParts != 0 ? 1 : 0), std::uint64_t{1}})),
      count_(static_cast<std::uint32_t>(size / part_bytes_ + (size % part_bytes_ != 0 ? 1 : 0))) {}

ByteRange PartPlan::range(std::uint32_t index) const noexcept {
  const std::uint64_t offset = index * part_bytes_;
  return *ByteRange::make(offset, std::min(part_bytes_, size_ - offset));
}

}  // namespace sluice::transfer
