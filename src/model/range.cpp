#include "model/range.hpp"

#include <limits>

namespace sluice {

std::optional<KeyRange> KeyRange::make(std::string after, std::optional<std::string> last) {
  if (last && *last <= after) return std::nullopt;
  return KeyRange(std::move(after), std::move(last));
}

std::optional<std::pair<KeyRange, KeyRange>> KeyRange::split(std::string middle) const {
  if (middle <= after_ || (last_ && middle >= *last_)) return std::nullopt;
  return std::pair(KeyRange(after_, middle), KeyRange(middle, last_));
}

std::optional<ByteRange> ByteRange::make(std::uint64_t offset, std::uint64_t length) noexcept {
  if (length == 0 || offset > std::numeric_limits<std::uint64_t>::max() - length)
    return std::nullopt;
  return ByteRange(offset, length);
}

std::optional<ByteRange> ByteRange::rest(std::uint64_t done) const noexcept {
  if (done >= length_) return std::nullopt;
  return ByteRange(offset_ + done, length_ - done);
}

}  // namespace sluice
