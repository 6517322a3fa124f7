// Faults: rules that pick requests, and what is then done to their answers.
//
// The set of actions is open: an action is a name and up to three functions on an Exchange. A new
// one is a function in faults.cpp that returns an Action, and a row in the table of
// fault_script.cpp that reads its JSON form. README.md describes the JSON.
#pragma once

#include "origin/bucket.hpp"
#include "origin/delivery.hpp"
#include "origin/operation.hpp"
#include "origin/service.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

// One request on its way through the server. Used by one thread.
struct Exchange {
  const Request& request;
  const Route& route;
  std::shared_ptr<Bucket> bucket;  // null: no such bucket
  std::string request_id;
  std::int64_t now_ms = 0;
  Answer answer = {};        // not yet there in Action::before
  Delivery delivery = {};    // how the answer goes out
  std::uint64_t random = 0;  // drawn for this rule and match: the same for the same seed
};

struct Action {
  std::string name = {};
  std::function<void(Exchange&)> before = {};     // before the answer is worked out
  std::function<void(Exchange&)> on_answer = {};  // changes the answer or its delivery
  std::function<void(Exchange&)> after = {};      // once the answer can no longer change
};

// All conditions must hold. Matches are counted a rule, or a rule and key.
struct Match {
  std::string method = {};  // empty: any
  std::optional<Operation> operation = {};
  std::string bucket = {};  // empty: any
  std::string key = "*";    // glob on the key; on the prefix for listings
  // A GET matches if it asks for a byte of [first, last]. A GET without Range asks for all.
  struct Bytes {
    std::uint64_t first = 0;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  };
  std::optional<Bytes> bytes = {};
  // Only the nth matches with from <= n <= to, and of these each `every`-th, the first one
  // included.
  std::uint64_t from = 1;
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t every = 1;
  bool count_by_key = false;  // n counts the matches of the same key: independent of their order
  double probability = 1.0;   // drawn last, from the seed, the rule, the key if so counted, and n
};

struct Rule {
  Match match = {};
  std::vector<Action> actions = {};
};

struct FaultScript {
  std::uint64_t seed = 1;
  std::vector<Rule> rules = {};  // every rule that matches is applied, in this order
};

// Throws std::runtime_error with the place of the mistake.
FaultScript parse_fault_script(std::string_view json);
FaultScript load_fault_script(const std::string& path);

// Sorts a script's rules out for a running server. Thread-safe.
class FaultTable {
 public:
  FaultTable();
  ~FaultTable();
  FaultTable(const FaultTable&) = delete;
  FaultTable& operator=(const FaultTable&) = delete;

  // Starts counting anew. Answers under way keep what was decided for them.
  void set(FaultScript script);

  struct Hit {
    Action action;
    std::uint64_t random = 0;
  };
  // What to do with this request, in the order of the rules; counts it in each that it matches.
  std::vector<Hit> hits(const Request& request, const Route& route);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The actions. Offsets count bytes of the body that this answer sends. See README.md.
namespace faults {

using Milliseconds = std::chrono::milliseconds;

// An S3 error instead of the answer. status 0: the code's own. No code: a bare status.
Action status(int status, std::string code = {}, std::string message = {}, Headers headers = {});
// Any text instead of the answer.
Action body(std::string text, int status = 200, std::string content_type = "application/xml");

Action delay(Milliseconds before_headers, Milliseconds before_body = {},
             Milliseconds each_chunk = {});
Action rate(std::uint64_t bytes_per_second);
Action chunk_bytes(std::size_t bytes);  // sends so many at a time

// Closes after `at` body bytes, the whole length having been promised.
Action cut(std::uint64_t at);
Action cut_head(std::uint64_t at);  // closes after `at` bytes of status line and headers
// Sends nothing after `at` body bytes until the client leaves or `how_long` (0: no limit) is over;
// then goes on.
Action stall(std::uint64_t at, Milliseconds how_long = {});
Action reset(std::uint64_t at);  // RST after `at` body bytes
Action reset_before_answer();
Action close_before_answer();
Action close_after_answer(Milliseconds wait = {});  // without having said `Connection: close`

Action flip(std::uint64_t at, std::uint8_t mask = 1);
Action flip_random();  // one bit, anywhere in the body
Action ignore_range();
Action wrong_content_range(std::int64_t shift, std::int64_t total_shift = 0);
Action wrong_etag(std::string etag);  // sent as it is; empty: no ETag
Action set_header(std::string name, std::string value);
Action remove_header(std::string name);
Action content_length(std::int64_t shift);  // announces so many bytes more or fewer than follow
Action no_content_length();                 // the body ends where the connection does
Action skew_date(std::chrono::seconds by);
Action chunked();
Action chunked_cut(std::uint64_t at);  // no last chunk after `at` bytes
Action extra_bytes(std::string bytes);
Action garbage(std::string bytes);  // these bytes instead of an answer, then the end
Action informational(unsigned count, int status = 103);
Action huge_header(std::size_t bytes);
Action many_headers(std::size_t count);

// Changes the bucket before or after this request is answered.
enum class When { before, after };
Action overwrite(ContentPtr content, When when = When::before, std::string key = {});
// The same number of bytes as the present version has, made from the draw of this match.
Action overwrite_same_size(When when = When::before, std::string key = {});
Action remove(When when = When::before, std::string key = {});
// Anything a test wants.
Action call(std::function<void(Exchange&)> on_answer);

// Listings.
enum class TokenFault { repeat, missing, drop_is_truncated, not_truncated, junk };
Action list_token(TokenFault fault);
Action list_shuffle();
Action list_duplicate();             // the page's first key appears again at its end
Action list_empty();                 // no keys, all else as it was
Action list_drop(std::string glob);  // the matching keys are left out
Action list_ignore_encoding();       // plain names although encoding-type=url was asked
Action list_prefix(std::string echoed);
Action list_cut(std::uint64_t at);  // cut XML, with a matching Content-Length
// `find`, where it first stands in the XML, becomes `with`. Nothing happens if it does not.
Action list_replace(std::string find, std::string with);

}  // namespace faults
}  // namespace sluice::origin
