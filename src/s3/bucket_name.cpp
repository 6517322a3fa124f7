#include "base/text.hpp"
#include "s3/client.hpp"

#include <algorithm>
#include <string>
#include <string_view>

// Sources: AWS S3 user guide, "General purpose bucket naming rules" and "Bucket restrictions and
// limitations" (the old rules of us-east-1). Access point aliases (`…-s3alias`, `…--ol-s3`) follow
// the same grammar and are used in place of a bucket's name, so they are allowed.
namespace sluice::s3 {

namespace {

constexpr std::size_t kMinBytes = 3;
constexpr std::size_t kMaxBytes = 63;
constexpr std::size_t kMaxOldBytes = 255;

bool is_lower_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}

std::string length_problem(std::string_view name, std::size_t most) {
  if (name.size() >= kMinBytes && name.size() <= most) return {};
  return "it has " + std::to_string(name.size()) + " characters, allowed are " +
         std::to_string(kMinBytes) + " to " + std::to_string(most);
}

bool is_ip_address(std::string_view name) noexcept {
  const bool digits_and_dots =
      std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  return digits_and_dots && std::ranges::count(name, '.') == 3;
}

std::string old_name_problem(std::string_view name) {
  const bool known = std::ranges::all_of(name, [](char c) {
    return is_lower_or_digit(c) || is_upper(c) || c == '.' || c == '-' || c == '_';
  });
  if (!known) return "only letters, digits, dots, hyphens and underscores are allowed";
  if (name == "." || name == "..") return "it is a relative path";
  return length_problem(name, kMaxOldBytes);
}

/// Names that S3 reserves for things that are reached in other ways.
std::string reserved_name_problem(std::string_view name) {
  for (const std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"}) {
    if (name.starts_with(prefix)) return "it must not begin with " + std::string(prefix);
  }
  if (name.ends_with("--x-s3")) return "directory buckets (…--x-s3) are not supported";
  for (const std::string_view suffix : {".mrap", "--table-s3"}) {
    if (name.ends_with(suffix)) return "it must not end with " + std::string(suffix);
  }
  return {};
}

}  // namespace

std::string bucket_name_problem(std::string_view name, bool custom_endpoint) {
  if (name.empty()) return "it is empty";
  if (name.starts_with("arn:")) {
    return "it is an ARN, but not of an access point";
  }
  if (custom_endpoint) return old_name_problem(name);
  if (std::ranges::any_of(name, is_upper)) return "upper-case letters are not allowed";
  const bool known = std::ranges::all_of(
      name, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; });
  if (!known) return "only lower-case letters, digits, dots and hyphens are allowed";
  if (std::string problem = length_problem(name, kMaxBytes); !problem.empty()) return problem;
  if (!is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) {
    return "it must begin and end with a letter or digit";
  }
  if (name.find("..") != std::string_view::npos) return "two dots must not follow each other";
  if (is_ip_address(name)) return "it must not have the form of an IP address";
  return reserved_name_problem(name);
}

}  // namespace sluice::s3
