#include "crypto/crc.hpp"

#include "crypto/crc_fold.hpp"
#include "crypto/crc_polynomial.hpp"

namespace sluice::crypto {
namespace {

using Bytes = std::span<const std::byte>;

/// Splits off what can be folded; returns the register after it.
template <class Word, class Fold>
Word fold_front(Word state, Bytes& bytes, Fold fold) noexcept {
  static const bool can_fold = detail::cpu_can_fold();
  if (!can_fold || bytes.size() < detail::kFoldBytesMin) return state;
  const std::size_t whole = bytes.size() - bytes.size() % detail::kFoldStep;
  state = fold(state, bytes.data(), whole);
  bytes = bytes.subspan(whole);
  return state;
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, Bytes bytes) noexcept {
  const std::uint32_t state = fold_front(~crc, bytes, detail::fold_crc32);
  return ~detail::Crc32::by_table(state, bytes.data(), bytes.size());
}

std::uint32_t crc32c(std::uint32_t crc, Bytes bytes) noexcept {
  static const bool has_instruction = detail::cpu_has_crc32c();
  const std::uint32_t state = fold_front(~crc, bytes, detail::fold_crc32c);
  if (has_instruction) return ~detail::instruction_crc32c(state, bytes.data(), bytes.size());
  return ~detail::Crc32c::by_table(state, bytes.data(), bytes.size());
}

std::uint64_t crc64nvme(std::uint64_t crc, Bytes bytes) noexcept {
  const std::uint64_t state = fold_front(~crc, bytes, detail::fold_crc64nvme);
  return ~detail::Crc64Nvme::by_table(state, bytes.data(), bytes.size());
}

std::uint32_t crc32_combined(std::uint32_t crc_a, std::uint32_t crc_b,
                             std::uint64_t length_b) noexcept {
  return detail::Crc32::combined(crc_a, crc_b, length_b);
}
std::uint32_t crc32c_combined(std::uint32_t crc_a, std::uint32_t crc_b,
                              std::uint64_t length_b) noexcept {
  return detail::Crc32c::combined(crc_a, crc_b, length_b);
}
std::uint64_t crc64nvme_combined(std::uint64_t crc_a, std::uint64_t crc_b,
                                 std::uint64_t length_b) noexcept {
  return detail::Crc64Nvme::combined(crc_a, crc_b, length_b);
}

namespace portable {
std::uint32_t crc32(std::uint32_t crc, Bytes bytes) noexcept {
  return ~detail::Crc32::by_table(~crc, bytes.data(), bytes.size());
}
std::uint32_t crc32c(std::uint32_t crc, Bytes bytes) noexcept {
  return ~detail::Crc32c::by_table(~crc, bytes.data(), bytes.size());
}
std::uint64_t crc64nvme(std::uint64_t crc, Bytes bytes) noexcept {
  return ~detail::Crc64Nvme::by_table(~crc, bytes.data(), bytes.size());
}
}  // namespace portable

}  // namespace sluice::crypto
