// The table of rules, and the actions on answers and their delivery. Those on listings are in
// list_faults.cpp.
#include "origin/faults.hpp"

#include "origin/dates.hpp"
#include "origin/encoding.hpp"
#include "origin/errors.hpp"
#include "origin/objects.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace sluice::origin {
namespace {

struct Counter {
  Rule rule;
  std::uint64_t matches = 0;
  std::map<std::string, std::uint64_t, std::less<>> matches_by_key = {};
};

bool asks_for_bytes(const Request& request, const Match::Bytes& bytes) {
  const std::string* const header = find_header(request.headers, "Range");
  if (header == nullptr) return true;
  // The object's size is not known here: a suffix range counts as asking for everything.
  Range range;
  constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();
  if (header->starts_with("bytes=-")) return true;
  if (parse_range(*header, unbounded, range) != RangeVerdict::partial) return true;
  return range.first <= bytes.last && bytes.first < range.first + range.count;
}

bool matches(const Match& match, const Request& request, const Route& route) {
  if (!match.method.empty() && match.method != request.method) return false;
  if (match.operation && *match.operation != route.operation) return false;
  if (!match.bucket.empty() && match.bucket != route.bucket) return false;
  std::string_view name = route.key;
  if (route.operation == Operation::list) {
    const auto prefix = route.query.find("prefix");
    name = prefix != route.query.end() ? std::string_view(prefix->second) : std::string_view();
  }
  if (!glob_match(match.key, name)) return false;
  if (!match.bytes) return true;
  return route.operation == Operation::get && asks_for_bytes(request, *match.bytes);
}

bool is_nth(const Match& match, std::uint64_t n) {
  const std::uint64_t every = std::max<std::uint64_t>(match.every, 1);
  return n >= match.from && n <= match.to && (n - match.from) % every == 0;
}

// In [0, 1), with 53 bits.
double fraction(std::uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1p-53;
}

}  // namespace

struct FaultTable::State {
  std::mutex mutex;
  std::uint64_t seed = 1;
  std::vector<Counter> counters;
};

FaultTable::FaultTable() : state_(std::make_unique<State>()) {}
FaultTable::~FaultTable() = default;

void FaultTable::set(FaultScript script) {
  const std::lock_guard lock(state_->mutex);
  state_->seed = script.seed;
  state_->counters.clear();
  for (Rule& rule : script.rules)
    state_->counters.push_back(Counter{std::move(rule)});
}

std::vector<FaultTable::Hit> FaultTable::hits(const Request& request, const Route& route) {
  std::vector<Hit> out;
  const std::lock_guard lock(state_->mutex);
  for (std::size_t i = 0; i < state_->counters.size(); ++i) {
    Counter& counter = state_->counters[i];
    const Match& match = counter.rule.match;
    if (!matches(match, request, route)) continue;
    const bool by_key = match.count_by_key;
    const std::uint64_t n = by_key ? ++counter.matches_by_key[route.key] : ++counter.matches;
    if (!is_nth(match, n)) continue;
    const std::uint64_t rule_seed = mix64(state_->seed + i);
    const std::uint64_t draw = mix64((by_key ? seed_of(route.key, rule_seed) : rule_seed) + n);
    if (fraction(draw) >= match.probability) continue;
    for (const Action& action : counter.rule.actions)
      out.push_back(Hit{action, mix64(draw)});
  }
  return out;
}

namespace faults {
namespace {

using End = Delivery::End;

Action on_delivery(std::string name, std::function<void(Delivery&)> change) {
  Action action;
  action.name = std::move(name);
  action.on_answer = [change = std::move(change)](Exchange& e) { change(e.delivery); };
  return action;
}

Action on_response(std::string name, std::function<void(Response&)> change) {
  Action action;
  action.name = std::move(name);
  action.on_answer = [change = std::move(change)](Exchange& e) { change(e.answer.response); };
  return action;
}

// Keeps Date, Server and the request id; drops what described the body.
void replace_answer(Exchange& e, Response with) {
  Response& response = e.answer.response;
  e.answer.page.reset();
  with.close = response.close;
  Headers kept;
  for (const std::string_view name : {"x-amz-id-2", "x-amz-request-id", "Date", "Server"}) {
    if (const std::string* const value = find_header(response.headers, name)) {
      kept.push_back(Header{std::string(name), *value});
    }
  }
  with.headers.insert(with.headers.begin(), kept.begin(), kept.end());
  response = std::move(with);
}

// At the chosen moment, does `change` to the bucket. A bucket that cannot be changed stays.
Action on_bucket(std::string name, When when, std::string key,
                 std::function<void(Exchange&, const std::string& key)> change) {
  auto step = [key = std::move(key), change = std::move(change)](Exchange& e) {
    if (e.bucket) change(e, key.empty() ? e.route.key : key);
  };
  Action action;
  action.name = std::move(name);
  (when == When::before ? action.before : action.after) = std::move(step);
  return action;
}

}  // namespace

Action status(int status, std::string code, std::string message, Headers headers) {
  Action action;
  action.name = "status";
  action.on_answer = [=](Exchange& e) {
    Response response;
    response.status = status;
    if (!code.empty()) {
      S3Error error = make_error(code, message);
      if (status != 0) error.status = status;
      response = to_response(error, e.request_id);
    }
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    replace_answer(e, std::move(response));
  };
  return action;
}

Action body(std::string text, int status, std::string content_type) {
  Action action;
  action.name = "body";
  action.on_answer = [=](Exchange& e) {
    Response response;
    response.status = status;
    set_body(response, text, content_type);
    replace_answer(e, std::move(response));
  };
  return action;
}

Action delay(Milliseconds before_headers, Milliseconds before_body, Milliseconds each_chunk) {
  return on_delivery("delay", [=](Delivery& d) {
    d.before_headers += before_headers;
    d.before_body += before_body;
    d.each_chunk += each_chunk;
  });
}

Action rate(std::uint64_t bytes_per_second) {
  return on_delivery("rate", [=](Delivery& d) { d.bytes_per_second = bytes_per_second; });
}

Action chunk_bytes(std::size_t bytes) {
  return on_delivery("chunk_bytes", [=](Delivery& d) { d.chunk_bytes = bytes; });
}

Action cut(std::uint64_t at) {
  return on_delivery("cut", [=](Delivery& d) { d.end_at = {at, End::close}; });
}

Action cut_head(std::uint64_t at) {
  return on_delivery("cut_head", [=](Delivery& d) { d.end_in_head = at; });
}

Action stall(std::uint64_t at, Milliseconds how_long) {
  return on_delivery("stall", [=](Delivery& d) {
    d.stall_at = at;
    d.stall_for = how_long;
  });
}

Action reset(std::uint64_t at) {
  return on_delivery("reset", [=](Delivery& d) { d.end_at = {at, End::reset}; });
}

Action reset_before_answer() {
  return on_delivery("reset_before_answer", [](Delivery& d) { d.end_before_answer = End::reset; });
}

Action close_before_answer() {
  return on_delivery("close_before_answer", [](Delivery& d) { d.end_before_answer = End::close; });
}

Action close_after_answer(Milliseconds wait) {
  return on_delivery("close_after_answer", [=](Delivery& d) { d.close_after = wait; });
}

Action flip(std::uint64_t at, std::uint8_t mask) {
  return on_delivery("flip", [=](Delivery& d) { d.flips.emplace_back(at, mask); });
}

Action flip_random() {
  Action action;
  action.name = "flip_random";
  action.on_answer = [](Exchange& e) {
    const std::uint64_t bytes = e.answer.response.body_bytes;
    if (bytes == 0) return;
    const auto mask = static_cast<std::uint8_t>(1u << (e.random & 7));
    e.delivery.flips.emplace_back((e.random >> 3) % bytes, mask);
  };
  return action;
}

Action ignore_range() {
  return on_response("ignore_range", [](Response& response) {
    if (response.status != 206 || !response.body) return;
    response.status = 200;
    response.body_offset = 0;
    response.body_bytes = response.body->size();
    origin::remove_header(response.headers, "Content-Range");
  });
}

Action wrong_content_range(std::int64_t shift, std::int64_t total_shift) {
  return on_response("wrong_content_range", [=](Response& response) {
    if (response.status != 206 || !response.body) return;
    const auto moved = [](std::uint64_t value, std::int64_t by) {
      return std::to_string(std::max<std::int64_t>(static_cast<std::int64_t>(value) + by, 0));
    };
    const std::uint64_t first = response.body_offset;
    const std::uint64_t last = first + std::max<std::uint64_t>(response.body_bytes, 1) - 1;
    origin::set_header(response.headers, "Content-Range",
                       "bytes " + moved(first, shift) + '-' + moved(last, shift) + '/' +
                           moved(response.body->size(), total_shift));
  });
}

Action wrong_etag(std::string etag) {
  return on_response("wrong_etag", [=](Response& response) {
    origin::remove_header(response.headers, "ETag");
    if (!etag.empty()) response.headers.push_back(Header{"ETag", etag});
  });
}

Action set_header(std::string name, std::string value) {
  return on_response(
      "set_header", [=](Response& response) { origin::set_header(response.headers, name, value); });
}

Action remove_header(std::string name) {
  return on_response("remove_header",
                     [=](Response& response) { origin::remove_header(response.headers, name); });
}

Action content_length(std::int64_t shift) {
  return on_delivery("content_length", [=](Delivery& d) { d.length_shift = shift; });
}

Action no_content_length() {
  return on_delivery("no_content_length",
                     [](Delivery& d) { d.framing = Delivery::Framing::close; });
}

Action skew_date(std::chrono::seconds by) {
  Action action;
  action.name = "skew_date";
  action.on_answer = [by](Exchange& e) {
    const std::int64_t ms = e.now_ms + std::chrono::milliseconds(by).count();
    origin::set_header(e.answer.response.headers, "Date", http_date(ms));
  };
  return action;
}

Action chunked() {
  return on_delivery("chunked", [](Delivery& d) { d.framing = Delivery::Framing::chunked; });
}

Action chunked_cut(std::uint64_t at) {
  return on_delivery("chunked_cut", [=](Delivery& d) {
    d.framing = Delivery::Framing::chunked;
    d.end_at = {at, End::close};
  });
}

Action extra_bytes(std::string bytes) {
  return on_delivery("extra_bytes", [=](Delivery& d) { d.extra_bytes += bytes; });
}

Action garbage(std::string bytes) {
  return on_delivery("garbage", [=](Delivery& d) { d.instead = bytes; });
}

Action informational(unsigned count, int status) {
  return on_delivery("informational", [=](Delivery& d) {
    d.informational = count;
    d.informational_status = status;
  });
}

Action huge_header(std::size_t bytes) {
  return on_response("huge_header", [=](Response& response) {
    response.headers.push_back(Header{"x-amz-meta-huge", std::string(bytes, 'h')});
  });
}

Action many_headers(std::size_t count) {
  return on_response("many_headers", [=](Response& response) {
    for (std::size_t i = 0; i < count; ++i) {
      response.headers.push_back(Header{"x-amz-meta-" + std::to_string(i), "v"});
    }
  });
}

Action overwrite(ContentPtr content, When when, std::string key) {
  return on_bucket("overwrite", when, std::move(key),
                   [content = std::move(content)](Exchange& e, const std::string& target) {
                     e.bucket->replace(target, content);
                   });
}

Action overwrite_same_size(When when, std::string key) {
  return on_bucket("overwrite_same_size", when, std::move(key),
                   [](Exchange& e, const std::string& target) {
                     const auto present = e.bucket->find(target);
                     const std::uint64_t size = present ? present->info.size : 0;
                     e.bucket->replace(target, generated_content(size, e.random));
                   });
}

Action remove(When when, std::string key) {
  return on_bucket("remove", when, std::move(key),
                   [](Exchange& e, const std::string& target) { e.bucket->erase(target); });
}

Action call(std::function<void(Exchange&)> on_answer) {
  Action action;
  action.name = "call";
  action.on_answer = std::move(on_answer);
  return action;
}

}  // namespace faults
}  // namespace sluice::origin
