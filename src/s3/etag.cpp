#include "s3/etag.hpp"

#include <algorithm>

namespace sluice::s3 {

namespace {

constexpr std::size_t kMaxEtagBytes = 1024;

bool may_be_sent(std::string_view etag) noexcept {
  if (etag.size() > kMaxEtagBytes) return false;
  return std::ranges::all_of(etag, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x1f && byte != 0x7f && byte != '"';
  });
}

}  // namespace

std::string_view unquoted_etag(std::string_view text) noexcept {
  if (text.starts_with("W/")) return {};
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return may_be_sent(text) ? text : std::string_view{};
}

std::string quoted_etag(std::string_view etag) {
  std::string text;
  text.reserve(etag.size() + 2);
  text += '"';
  text += etag;
  text += '"';
  return text;
}

}  // namespace sluice::s3
