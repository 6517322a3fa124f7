#include "socket_faults.hpp"

namespace sluice::chaos {

namespace faults = origin::faults;
using origin::Action;
using origin::Operation;
using std::chrono::milliseconds;

namespace {

/// Anything may answer so.
Action draw_common(Random& random) {
  const std::uint64_t at = random.below(400);
  switch (random.below(18)) {
    case 0:
      return faults::status(503, "SlowDown", "", {{"Retry-After", "0"}});
    case 1:
      return faults::status(500, "InternalError");
    case 2:
      return faults::status(403, "AccessDenied");
    case 3:
      return faults::status(502);
    case 4:
      return faults::body("<html><body>Please log in</body></html>", 200, "text/html");
    case 5:
      return faults::body("<Error><Code>InternalError</Code></Error>");
    case 6:
      return faults::cut_head(at % 60);
    case 7:
      return faults::reset(at);
    case 8:
      return faults::reset_before_answer();
    case 9:
      return faults::close_before_answer();
    case 10:
      return faults::close_after_answer();
    case 11:
      return faults::garbage(random.bytes(at));
    case 12:
      return faults::chunked_cut(at);
    case 13:
      return faults::extra_bytes("surplus");
    case 14:
      return faults::content_length(random.chance(50) ? 7 : -7);
    case 15:
      return faults::no_content_length();
    case 16:
      return faults::delay(milliseconds(random.below(80)), milliseconds(random.below(40)));
    default:
      return faults::informational(3);
  }
}

Action draw_list(Random& random, bool& lies) {
  const std::uint64_t kind = random.below(12);
  lies = lies || (kind >= 3 && kind <= 7);
  switch (kind) {
    case 0:
      return faults::list_cut(random.below(2000));
    case 1:
      return faults::list_prefix("elsewhere/");
    case 2:
      return faults::list_token(random.one_of({origin::faults::TokenFault::missing,
                                               origin::faults::TokenFault::drop_is_truncated,
                                               origin::faults::TokenFault::junk}));
    case 3:
      return faults::list_token(random.one_of(
          {origin::faults::TokenFault::repeat, origin::faults::TokenFault::not_truncated}));
    case 4:
      return faults::list_shuffle();
    case 5:
      return faults::list_duplicate();
    case 6:
      return faults::list_empty();
    case 7:
      return faults::list_drop(random.one_of<const char*>({"*a*", "*b", "*e*"}));
    default:
      return draw_common(random);
  }
}

Action draw_get(Random& random, bool flips) {
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return faults::cut(random.below(150'000));
    case 3:
      return flips ? faults::flip_random() : faults::cut(0);
    case 4:
      return faults::ignore_range();
    case 5:
      return faults::wrong_content_range(random.chance(50) ? 1 : 0, random.chance(50) ? 1 : 0);
    case 6:
      return faults::wrong_etag("\"0123456789abcdef0123456789abcdef\"");
    case 7:
      return faults::stall(random.below(50'000), milliseconds(150));
    case 8:
      return faults::chunked();
    case 9:
      return faults::chunk_bytes(1 + random.below(5000));
    default:
      return draw_common(random);
  }
}

}  // namespace

DrawnRules draw_rules(Random& random, bool flips) {
  DrawnRules out;
  const std::uint64_t count = random.between(1, 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    origin::Rule rule;
    const bool list = random.chance(30);
    rule.match.operation = list                ? Operation::list
                           : random.chance(90) ? Operation::get
                                               : Operation::head;
    rule.match.probability = random.one_of({0.05, 0.15, 0.3});
    rule.actions.push_back(list ? draw_list(random, out.list_lies) : draw_get(random, flips));
    out.said += " " + rule.actions.front().name + (list ? "(list)" : "");
    out.rules.push_back(std::move(rule));
  }
  return out;
}

}  // namespace sluice::chaos
