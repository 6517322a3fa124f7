// A list answer: any bytes.

#include "property.hpp"
#include "s3/list_page.hpp"

#include <algorithm>
#include <vector>

namespace sluice::fuzz {
namespace {

using s3::ListExpectation;
using s3::parse_list_page;

std::vector<char> exactly(std::string_view text) {
  return {text.begin(), text.end()};
}

bool same(const ListPage& a, const ListPage& b) {
  const auto same_object = [](const ListedObject& x, const ListedObject& y) {
    return x.key == y.key && x.version() == y.version() && x.storage == y.storage &&
           x.has_checksum == y.has_checksum && x.full_object_checksum == y.full_object_checksum;
  };
  return a.truncated == b.truncated && a.next_token == b.next_token &&
         a.common_prefixes == b.common_prefixes &&
         std::equal(a.objects.begin(), a.objects.end(), b.objects.begin(), b.objects.end(),
                    same_object);
}

bool is_within(std::string_view view, const std::vector<char>& buffer) {
  return view.empty() || (view.data() >= buffer.data() &&
                          view.data() + view.size() <= buffer.data() + buffer.size());
}

void check_page(const ListPage& page, const ListExpectation& expected) {
  require(page.truncated == !page.next_token.empty(), "a token if and only if there is more");
  require(page.next_token.empty() || page.next_token != expected.token, "the token is a new one");
  require(page.objects.size() <= 10'000, "no more keys than the limit");
  for (const ListedObject& object : page.objects) {
    require(object.key.starts_with(expected.prefix), "each key has the prefix");
    require(!object.key.empty(), "each key has a name");
    require(is_within(object.key, page.buffer) && is_within(object.etag, page.buffer),
            "views point into the page");
  }
}

void check(std::string_view body, const ListExpectation& expected) {
  const auto page = parse_list_page(exactly(body), expected);
  std::vector<char> roomy = exactly(body);
  roomy.reserve(roomy.size() + 64);
  const auto again = parse_list_page(std::move(roomy), expected);
  require(page.has_value() == again.has_value(), "room behind the body changes nothing");
  if (!page) {
    require(!page.error().message.empty(), "a refusal says why");
    return;
  }
  require(same(*page, *again), "room behind the body changes nothing");
  check_page(*page, expected);
  // Cut before its last tag, it is no document any more.
  const std::size_t last_tag = body.rfind("</");
  if (last_tag != std::string_view::npos)
    require(!parse_list_page(exactly(body.substr(0, last_tag)), expected),
            "a page that was cut is refused");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  sluice::s3::ListExpectation expected;
  expected.now_ms = 1'700'000'000'000;
  sluice::fuzz::check(body, expected);
  expected.prefix = "a/";
  expected.token = "token";
  expected.bucket = "bucket";
  sluice::fuzz::check(body, expected);
  expected.version = sluice::s3::ListVersion::one;
  sluice::fuzz::check(body, expected);
  return 0;
}
