#include "http/message.hpp"

#include "base/text.hpp"

namespace sluice::http {

std::optional<std::string_view> ResponseHead::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (text::iequals(key, name)) return value;
  }
  return std::nullopt;
}

}  // namespace sluice::http
