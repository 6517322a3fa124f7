// Reads fault scripts: README.md describes the form. The table at the end names every action.
#include "origin/faults.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace sluice::origin {
namespace {

using simdjson::dom::element;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("fault script: " + what);
}

// A JSON object whose members are taken one by one; what is left at the end is a mistake.
class Members {
 public:
  Members(element json, std::string place) : place_(std::move(place)) {
    if (json.get(object_) != simdjson::SUCCESS) fail(place_ + " is not an object");
  }

  std::optional<element> take(std::string_view name) {
    taken_.emplace(name);
    element value;
    if (object_.at_key(name).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }

  std::uint64_t number(std::string_view name, std::optional<std::uint64_t> otherwise = {}) {
    std::uint64_t value = 0;
    return get(name, value, "a number, 0 or more") ? value : needed(name, otherwise);
  }
  std::int64_t integer(std::string_view name, std::optional<std::int64_t> otherwise = {}) {
    std::int64_t value = 0;
    return get(name, value, "a whole number") ? value : needed(name, otherwise);
  }
  double fraction(std::string_view name, double otherwise) {
    double value = 0;
    return get(name, value, "a number") ? value : otherwise;
  }
  bool boolean(std::string_view name, bool otherwise) {
    bool value = false;
    return get(name, value, "true or false") ? value : otherwise;
  }
  std::string text(std::string_view name, std::optional<std::string> otherwise = {}) {
    std::string_view value;
    return get(name, value, "a text") ? std::string(value) : needed(name, otherwise);
  }
  std::chrono::milliseconds ms(std::string_view name, std::int64_t otherwise = 0) {
    return std::chrono::milliseconds(integer(name, otherwise));
  }
  // {"Name": "value", …}
  Headers headers(std::string_view name) {
    Headers out;
    const auto json = take(name);
    if (!json) return out;
    simdjson::dom::object fields;
    if (json->get(fields) != simdjson::SUCCESS) fail(place_ + ": headers are not an object");
    for (const auto& field : fields) {
      std::string_view value;
      if (field.value.get(value) != simdjson::SUCCESS) fail(place_ + ": a header is not a text");
      out.push_back(Header{std::string(field.key), std::string(value)});
    }
    return out;
  }

  void none_left() const {
    for (const auto& field : object_) {
      if (!taken_.contains(field.key))
        fail(fmt::format("{}: unknown name '{}'", place_, field.key));
    }
  }
  const std::string& place() const { return place_; }

 private:
  template <class T>
  bool get(std::string_view name, T& into, std::string_view what) {
    const auto json = take(name);
    if (!json) return false;
    if (json->get(into) != simdjson::SUCCESS) {
      fail(fmt::format("{}: '{}' must be {}", place_, name, what));
    }
    return true;
  }
  template <class T>
  T needed(std::string_view name, const std::optional<T>& otherwise) const {
    if (!otherwise) fail(fmt::format("{}: '{}' is missing", place_, name));
    return *otherwise;
  }

  simdjson::dom::object object_;
  std::string place_;
  std::set<std::string, std::less<>> taken_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) fail("cannot read " + path);
  return text.str();
}

// "text", or the content of the file named by "file".
std::string text_or_file(Members& m) {
  const std::string path = m.text("file", "");
  return path.empty() ? m.text("text", "") : read_file(path);
}

faults::When when_of(Members& m) {
  const std::string when = m.text("when", "before");
  if (when != "before" && when != "after") fail(m.place() + ": 'when' is before or after");
  return when == "before" ? faults::When::before : faults::When::after;
}

Action parse_overwrite(Members& m) {
  const faults::When when = when_of(m);
  const std::string key = m.text("key", "");
  const std::uint64_t size = m.number("size", 0);
  const std::uint64_t seed = m.number("seed", 1);
  const std::string text = text_or_file(m);
  if (!text.empty()) return faults::overwrite(bytes_content(text), when, key);
  if (size > 0) return faults::overwrite(generated_content(size, seed), when, key);
  return faults::overwrite_same_size(when, key);
}

Action parse_list_token(Members& m) {
  const std::string fault = m.text("fault");
  using faults::TokenFault;
  if (fault == "repeat") return faults::list_token(TokenFault::repeat);
  if (fault == "missing") return faults::list_token(TokenFault::missing);
  if (fault == "drop_is_truncated") return faults::list_token(TokenFault::drop_is_truncated);
  if (fault == "not_truncated") return faults::list_token(TokenFault::not_truncated);
  if (fault == "junk") return faults::list_token(TokenFault::junk);
  fail(m.place() + ": no token fault is called " + fault);
}

Action parse_status(Members& m) {
  const auto status = static_cast<int>(m.number("status", 0));
  std::string code = m.text("code", "");
  if (status == 0 && code.empty()) fail(m.place() + ": give a status, a code or both");
  std::string message = m.text("message", "");
  return faults::status(status, std::move(code), std::move(message), m.headers("headers"));
}

Action parse_body(Members& m) {
  std::string text = text_or_file(m);
  const auto status = static_cast<int>(m.number("status", 200));
  return faults::body(std::move(text), status, m.text("content_type", "application/xml"));
}

Action parse_set_header(Members& m) {
  std::string name = m.text("name");
  return faults::set_header(std::move(name), m.text("value"));
}

struct Row {
  std::string_view kind;
  Action (*parse)(Members&);
};

// One row an action; arguments are read by the names README.md lists.
constexpr Row kActions[] = {
    {"status", parse_status},
    {"body", parse_body},
    {"delay",
     [](Members& m) {
       const auto before_headers = m.ms("before_headers_ms");
       const auto before_body = m.ms("before_body_ms");
       return faults::delay(before_headers, before_body, m.ms("each_chunk_ms"));
     }},
    {"rate", [](Members& m) { return faults::rate(m.number("bytes_per_second")); }},
    {"chunk_bytes", [](Members& m) { return faults::chunk_bytes(m.number("bytes")); }},
    {"cut", [](Members& m) { return faults::cut(m.number("at")); }},
    {"cut_head", [](Members& m) { return faults::cut_head(m.number("at")); }},
    {"stall", [](Members& m) { return faults::stall(m.number("at", 0), m.ms("for_ms")); }},
    {"reset", [](Members& m) { return faults::reset(m.number("at", 0)); }},
    {"reset_before_answer", [](Members&) { return faults::reset_before_answer(); }},
    {"close_before_answer", [](Members&) { return faults::close_before_answer(); }},
    {"close_after_answer", [](Members& m) { return faults::close_after_answer(m.ms("wait_ms")); }},
    {"flip",
     [](Members& m) {
       return faults::flip(m.number("at"), static_cast<std::uint8_t>(m.number("mask", 1)));
     }},
    {"flip_random", [](Members&) { return faults::flip_random(); }},
    {"ignore_range", [](Members&) { return faults::ignore_range(); }},
    {"wrong_content_range",
     [](Members& m) {
       return faults::wrong_content_range(m.integer("shift", 0), m.integer("total_shift", 0));
     }},
    {"wrong_etag", [](Members& m) { return faults::wrong_etag(m.text("etag", "")); }},
    {"set_header", parse_set_header},
    {"remove_header", [](Members& m) { return faults::remove_header(m.text("name")); }},
    {"content_length", [](Members& m) { return faults::content_length(m.integer("shift")); }},
    {"no_content_length", [](Members&) { return faults::no_content_length(); }},
    {"skew_date",
     [](Members& m) { return faults::skew_date(std::chrono::seconds(m.integer("seconds"))); }},
    {"chunked", [](Members&) { return faults::chunked(); }},
    {"chunked_cut", [](Members& m) { return faults::chunked_cut(m.number("at")); }},
    {"extra_bytes", [](Members& m) { return faults::extra_bytes(text_or_file(m)); }},
    {"garbage", [](Members& m) { return faults::garbage(text_or_file(m)); }},
    {"informational",
     [](Members& m) {
       const auto count = static_cast<unsigned>(m.number("count", 1));
       return faults::informational(count, static_cast<int>(m.number("status", 103)));
     }},
    {"huge_header", [](Members& m) { return faults::huge_header(m.number("bytes")); }},
    {"many_headers", [](Members& m) { return faults::many_headers(m.number("count")); }},
    {"overwrite", parse_overwrite},
    {"remove",
     [](Members& m) {
       const faults::When when = when_of(m);
       return faults::remove(when, m.text("key", ""));
     }},
    {"list_token", parse_list_token},
    {"list_shuffle", [](Members&) { return faults::list_shuffle(); }},
    {"list_duplicate", [](Members&) { return faults::list_duplicate(); }},
    {"list_empty", [](Members&) { return faults::list_empty(); }},
    {"list_drop", [](Members& m) { return faults::list_drop(m.text("keys")); }},
    {"list_ignore_encoding", [](Members&) { return faults::list_ignore_encoding(); }},
    {"list_prefix", [](Members& m) { return faults::list_prefix(m.text("prefix")); }},
    {"list_cut", [](Members& m) { return faults::list_cut(m.number("at")); }},
    {"list_replace",
     [](Members& m) {
       std::string find = m.text("find");
       return faults::list_replace(std::move(find), m.text("with", ""));
     }},
};

Action parse_action(element json, const std::string& place) {
  Members m(json, place);
  const std::string kind = m.text("kind");
  for (const Row& row : kActions) {
    if (row.kind != kind) continue;
    Action action = row.parse(m);
    m.none_left();
    return action;
  }
  fail(place + ": no action is called " + kind);
}

Match parse_match(element json, const std::string& place) {
  Members m(json, place);
  Match match;
  match.method = m.text("method", "");
  const std::string operation = m.text("operation", "");
  if (!operation.empty()) {
    match.operation = operation_named(operation);
    if (!match.operation) fail(place + ": no operation is called " + operation);
  }
  match.bucket = m.text("bucket", "");
  match.key = m.text("key", "*");
  if (const auto bytes = m.take("bytes")) {
    simdjson::dom::array pair;
    Match::Bytes range;
    const bool good = bytes->get(pair) == simdjson::SUCCESS && pair.size() == 2 &&
                      pair.at(0).get(range.first) == simdjson::SUCCESS &&
                      pair.at(1).get(range.last) == simdjson::SUCCESS;
    if (!good) fail(place + ": 'bytes' is [first, last]");
    match.bytes = range;
  }
  match.from = m.number("from", match.from);
  match.to = m.number("to", match.to);
  match.every = m.number("every", match.every);
  match.count_by_key = m.boolean("count_by_key", false);
  match.probability = m.fraction("probability", 1.0);
  m.none_left();
  return match;
}

Rule parse_rule(element json, const std::string& place) {
  Members m(json, place);
  Rule rule;
  if (const auto match = m.take("match")) rule.match = parse_match(*match, place + ", match");
  if (const auto action = m.take("action")) {
    rule.actions.push_back(parse_action(*action, place + ", action"));
  }
  if (const auto actions = m.take("actions")) {
    simdjson::dom::array list;
    if (actions->get(list) != simdjson::SUCCESS) fail(place + ": 'actions' is not a list");
    for (const element action : list) {
      rule.actions.push_back(parse_action(action, place + ", actions"));
    }
  }
  m.none_left();
  return rule;
}

}  // namespace

FaultScript parse_fault_script(std::string_view json) {
  simdjson::dom::parser parser;
  element root;
  const auto error = parser.parse(simdjson::padded_string(json)).get(root);
  if (error != simdjson::SUCCESS) fail(std::string("no JSON: ") + simdjson::error_message(error));
  Members m(root, "the script");
  FaultScript script;
  script.seed = m.number("seed", script.seed);
  const auto rules = m.take("rules");
  simdjson::dom::array list;
  if (!rules || rules->get(list) != simdjson::SUCCESS) fail("'rules' is no list");
  for (const element rule : list) {
    script.rules.push_back(parse_rule(rule, fmt::format("rule {}", script.rules.size() + 1)));
  }
  m.none_left();
  return script;
}

FaultScript load_fault_script(const std::string& path) {
  return parse_fault_script(read_file(path));
}

}  // namespace sluice::origin
