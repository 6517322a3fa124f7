// What --json writes is what docs/events.md says: every event and field that the program writes
// stands in its examples with the same type, and every one of the examples is really written.
#include "cli_fixture.hpp"

#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace sluice::testing {
namespace {

namespace dom = simdjson::dom;

/// "object.size_bytes: number". The fields of errors are the same everywhere.
class Schema {
 public:
  void add_line(const std::string& line) {
    dom::element event;
    ASSERT_EQ(parser_.parse(line).get(event), simdjson::SUCCESS) << line;
    std::string_view kind;
    ASSERT_EQ(event["event"].get(kind), simdjson::SUCCESS) << line;
    add(std::string(kind), event);
  }
  void add_lines(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      add_line(line);
  }
  std::size_t size() const { return fields_.size(); }
  Words without(const Schema& other) const {
    Words out;
    std::set_difference(fields_.begin(), fields_.end(), other.fields_.begin(), other.fields_.end(),
                        std::back_inserter(out));
    return out;
  }

 private:
  void add(const std::string& place, dom::element element) {
    if (dom::array array; element.get(array) == simdjson::SUCCESS) {
      for (const dom::element one : array)
        add(place + "[]", one);
      return;
    }
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) {
      fields_.insert(place + ": " + type_of(element));
      return;
    }
    for (const auto& [key, value] : object) {
      const bool is_error = key == "error" || key == "failure" || key == "guard";
      if (is_error) fields_.insert(place + '.' + std::string(key) + ": error");
      add(is_error ? "error" : place + '.' + std::string(key), value);
    }
  }
  static std::string type_of(dom::element element) {
    if (element.is_string()) return "string";
    if (element.is_bool()) return "flag";
    if (element.is_int64() || element.is_uint64()) return "integer";
    return "something else";
  }

  dom::parser parser_;
  std::set<std::string> fields_;
};

std::string examples_of(const std::string& document) {
  const std::string text = read_file(document);
  const std::size_t begin = text.find("```json\n");
  const std::size_t end = text.find("```", begin + 8);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return text.substr(begin + 8, end - begin - 8);
}

class CliEvents : public Cli {
 protected:
  Ran json(Words flags, int status) {
    flags.push_back("--json");
    Ran ran = sync(std::move(flags));
    EXPECT_EQ(ran.status, status) << ran.out << ran.err;
    return ran;
  }
};

TEST_F(CliEvents, AreWhatTheDocumentSays) {
  const char* documents = std::getenv("SLUICE_DOCUMENTS");
  ASSERT_NE(documents, nullptr);
  Schema documented;
  documented.add_lines(examples_of(documents + std::string("/events.md")));
  ASSERT_GT(documented.size(), 50U);

  Schema written;
  bucket_->put("a", "hello");
  bucket_->put("bad\xffname", "x");
  bucket_->put("denied", "x");
  bucket_->put("gone", "x");
  bucket_->put("cold", "x", 0, {.storage_class = "GLACIER"});
  server_->set_faults({rule(Operation::get, faults::status(403, "AccessDenied"), "denied"),
                       rule(Operation::get, faults::status(503, "SlowDown"), "a")});
  written.add_lines(json({"-v", "--max-attempts", "2", "--journal", "100"}, 1).out);
  server_->clear_faults();
  bucket_->remove("gone");
  written.add_lines(json({"--delete", "--dry-run"}, 0).out);
  written.add_lines(json({"--delete", "--max-delete", "0"}, 7).out);
  server_->set_faults({rule(Operation::list, faults::body("<html>Sign in</html>"))});
  written.add_lines(json({"--max-attempts", "1"}, 5).out);
  server_->clear_faults();
  written.add_lines(run({"ls", "s3://photos", "--json"}).out);
  written.add_lines(run({"sync", "s3://photos", "/dev/null/x", "--json"}).out);

  {
    Program watch(
        options({"watch", "s3://photos", dir(), "--interval", "1h", "--listen", "127.0.0.1:0"}));
    ASSERT_TRUE(watch.wait_for("pass done")) << watch.err();
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!has(read_file(dir() + "/.sluice/watch"), "next_pass_ms") &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(5ms);
    written.add_lines(run({"status", dir(), "--json"}).out);
  }
  bucket_->put("a", "changed");
  static_cast<void>(sync());
  written.add_lines(run({"changes", dir(), "--json"}).out);

  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  written.add_lines(run({"doctor", "s3://photos", "--json"}).out);
  server_->clear_faults();

  EXPECT_EQ(written.without(documented), Words()) << "written, but not in the document";
  EXPECT_EQ(documented.without(written), Words()) << "in the document, but never written";
}

TEST_F(CliEvents, StandardOutputHasNothingElse) {
  bucket_->put("a\x1b[2J", "hello");
  const Ran ran = json({}, 0);
  std::istringstream in(ran.out);
  std::vector<std::string> kinds;
  dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    dom::element event;
    ASSERT_EQ(parser.parse(line).get(event), simdjson::SUCCESS) << line;
    kinds.emplace_back(std::string_view(event["event"]));
    if (kinds.back() == "object") {
      EXPECT_EQ(std::string_view(event["key"]), "a\x1b[2J");
    }
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"run_started", "pass_started", "object",
                                             "pass_finished", "run_finished"}));
  EXPECT_FALSE(has(ran.out, "\x1b"));
  EXPECT_EQ(ran.err, "");
}

TEST_F(CliEvents, AKeyThatIsNotUtf8HasItsBytesBesideIt) {
  bucket_->put("x\xc3", "1");
  const Ran ran = json({}, 0);
  EXPECT_TRUE(has(ran.out, "\"key\":\"x\xef\xbf\xbd\",\"key_base64\":\"eMM=\"")) << ran.out;
}

TEST_F(CliEvents, AWatchNumbersItsPassesAndEndsInOrder) {
  bucket_->put("a", "x");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "20ms", "--json"}));
  ASSERT_TRUE(program.wait_for("\"pass_finished\"")) << program.err();
  ASSERT_TRUE(program.wait_for("\"pass\":3")) << program.out();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 143);
  const std::string out = program.out();
  EXPECT_TRUE(has_line(out, R"(\{"event":"pass_finished","time_ms":\d+,"pass":2,.*)")) << out;
  const std::size_t last = out.rfind("{\"event\":");
  ASSERT_NE(last, std::string::npos);
  EXPECT_TRUE(has(out.substr(last), "\"run_finished\"")) << out;
  EXPECT_TRUE(has(out.substr(last), "\"exit_status\":143")) << out;
}

}  // namespace
}  // namespace sluice::testing
