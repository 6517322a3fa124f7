// Answers of one connection: a line with the method and where to cut (`GET 17 40`), then the bytes.

#include "base/text.hpp"
#include "http/codec.hpp"
#include "property.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::fuzz {
namespace {

using http::Method;

class Recorder final : public http::ResponseHandler {
 public:
  Result<void> on_head(const http::ResponseHead& head) override {
    ++heads;
    last = head;
    return {};
  }
  Result<void> on_body(std::span<const std::byte> bytes) override {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }

  int heads = 0;
  http::ResponseHead last;
  std::string body;
};

struct Verdict {
  std::optional<Error> error;
  bool done = false;
  bool keep_alive = false;
  std::size_t consumed = 0;
  bool ends_well = false;  ///< if the connection ended now
  Recorder seen;
};

/// `cuts` in order.
Verdict parse(std::string_view bytes, Method method, const std::vector<std::size_t>& cuts) {
  Verdict verdict;
  http::ResponseParser parser("http://peer", 4096);
  parser.start(method, verdict.seen);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size() && !parser.done(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    // A copy of exactly that size, so that reading past it is seen.
    const std::vector<char> piece(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                                  bytes.begin() + static_cast<std::ptrdiff_t>(end));
    const auto used = parser.feed(std::as_bytes(std::span(piece)));
    if (!used) {
      verdict.error = used.error();
      return verdict;
    }
    require(*used <= piece.size(), "no more is taken than was given");
    require(parser.done() || *used == piece.size(), "all is taken until the end");
    verdict.consumed += *used;
    begin = end;
  }
  verdict.done = parser.done();
  verdict.keep_alive = verdict.done && parser.keep_alive();
  require(parser.body_bytes() == verdict.seen.body.size(), "bytes of the body are counted");
  verdict.ends_well = parser.end_of_stream().has_value();
  return verdict;
}

void require_same(const Verdict& a, const Verdict& b) {
  constexpr std::string_view kSame = "how the bytes are split changes nothing";
  require(a.error.has_value() == b.error.has_value(), kSame);
  if (a.error) return require(a.error->message == b.error->message, kSame);
  require(a.done == b.done && a.keep_alive == b.keep_alive && a.consumed == b.consumed, kSame);
  require(a.seen.heads == b.seen.heads && a.seen.body == b.seen.body, kSame);
  require(a.seen.last.status == b.seen.last.status && a.seen.last.headers == b.seen.last.headers &&
              a.seen.last.content_length == b.seen.last.content_length,
          kSame);
  require(a.ends_well == b.ends_well, kSame);
}

void check(Method method, std::vector<std::size_t> cuts, std::string_view bytes) {
  for (std::size_t& cut : cuts)
    cut = std::min(cut, bytes.size());
  std::sort(cuts.begin(), cuts.end());
  const Verdict whole = parse(bytes, method, {});
  require_same(whole, parse(bytes, method, cuts));
  if (bytes.size() <= 2048) {
    std::vector<std::size_t> everywhere(bytes.size());
    for (std::size_t i = 0; i < everywhere.size(); ++i)
      everywhere[i] = i;
    require_same(whole, parse(bytes, method, everywhere));
  }
  if (whole.error || !whole.done) return;
  require(whole.seen.heads == 1, "a complete answer has one head");
  require(whole.seen.last.status >= 200, "an interim answer is no answer");
  require(whole.ends_well, "a complete answer may be followed by the end");
  if (method == Method::head) require(whole.seen.body.empty(), "HEAD has no body");
  const auto promised = whole.seen.last.content_length;
  const bool has_body =
      method != Method::head && whole.seen.last.status != 204 && whole.seen.last.status != 304;
  if (promised && has_body)
    require(whole.seen.body.size() == *promised, "the body is as long as was promised");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  std::string_view line = input.line();
  const auto method = line.starts_with("HEAD") ? http::Method::head : http::Method::get;
  std::vector<std::size_t> cuts;
  while (cuts.size() < 8 && line.find(' ') != std::string_view::npos) {
    line.remove_prefix(line.find(' ') + 1);
    if (const auto cut = text::parse_uint(line.substr(0, line.find(' '))))
      cuts.push_back(static_cast<std::size_t>(*cut % 65'536));
  }
  fuzz::check(method, std::move(cuts), input.rest());
  return 0;
}
