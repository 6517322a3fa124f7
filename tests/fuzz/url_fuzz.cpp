// An endpoint URL.

#include "http/url.hpp"
#include "property.hpp"

#include <algorithm>

namespace sluice::fuzz {
namespace {

bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void check(std::string_view text) {
  const auto url = http::parse_url(text);
  static_cast<void>(http::is_dns_label(text));
  if (!url) return require(url.error().kind == ErrorKind::usage, "a bad URL is a usage error");
  const std::string host = url->host_header();
  require(!url->endpoint.host.empty() && url->endpoint.port != 0, "there is a host and a port");
  require(is_clean(host) && is_clean(url->base_path), "nothing of it could end a header");
  require(host.find_first_of("@/?#") == std::string::npos, "a host is a host");
  require(!url->base_path.ends_with('/'), "the path has no final slash");
  const bool https = url->endpoint.scheme == http::Scheme::https;
  const auto again = http::parse_url((https ? "https://" : "http://") + host + url->base_path);
  require(again && again->host_header() == host && again->base_path == url->base_path &&
              again->endpoint.port == url->endpoint.port &&
              again->endpoint.scheme == url->endpoint.scheme,
          "what was understood means the same again");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
