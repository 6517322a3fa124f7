#!/usr/bin/env python3
"""tidy.py finds what it must: each case plants one violation in a clean tree."""

import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

import tidy

TABLE = """\
# Architecture

| module | responsibility | may use |
|---|---|---|
| base | text | std |
| async | tasks | base, Asio |
| model | values | base |
| http | client | base, async |
| s3 | store | model, http |
| mirror | passes | all above |

| other | table | here |
|---|---|---|
| odd | row | nothing |
"""

COROUTINE = """\
#include "async/task.hpp"

namespace sluice {

struct Shape {
  int sides = 4;
  std::vector<int> lengths{1, 2, 3, 4};
};

class Counter final : public Base {
 public:
  explicit Counter(int first) : first_{first}, step_(1) {}
  int next() const& { return first_ + step_; }

 private:
  int first_ = 0;
};

// A comment with co_await f(Shape{1}) in it.
Task<int> area(Store& store, std::string key) {
  const char* text = "co_await f(Shape{2})";
  const char letter = '{';
  const auto large = 1'000'000;
  Shape shape{4, {1, 2}};
  auto measure = [](int side) { return side > 2 ? Shape{side} : Shape{}; };
  const auto found = co_await store.find(key, std::move(shape));
  if (!found) co_return measure(0).sides;
  for (const auto& [name, side] : co_await store.all()) {
    (void)name;
  }
  while (const auto item = co_await store.pop()) use(Shape{*item});
  if (const auto more = co_await store.more(); more > 2 && large > 1) {
    use(Shape{more});
  } else {
    const int kind = more > 0 ? 1 : 2;
    switch (kind) {
      case 1: co_await store.close(); break;
      default: break;
    }
  }
  std::vector<int> all = {1, 2, 3};
  do {
    co_await store.tick();
  } while (all.empty());
  co_return all[0];
}

}  // namespace sluice
"""

HEADER = "#pragma once\n\n#include <string>\n"


class Tidy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("ARCHITECTURE.md", TABLE)
        self.write("include/sluice/options.hpp", HEADER + '#include "sluice/error.hpp"\n')
        self.write("src/async/task.hpp", HEADER + "#include <boost/asio/awaitable.hpp>\n")
        self.write("src/http/codec.cpp", "#include <boost/beast/http.hpp>\n")
        self.write("src/s3/store.cpp", '#include <pugixml.hpp>\n\n#include "async/task.hpp"\n')
        self.write("src/mirror/pass.cpp", COROUTINE + '#include "s3/store.hpp"\n')
        self.write("tests/unit/async/task_test.cpp", """\
            TEST(Task, Runs) {
              run([&]() -> Task<void> { co_await tick(); });
            }
            """)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")

    def rules(self):
        return [(finding.path, finding.rule) for finding in tidy.check(self.root)]

    def assert_finds(self, rule, path, text, line=None):
        self.write(path, text)
        found = tidy.check(self.root)
        self.assertEqual([(path, rule)], [(f.path, f.rule) for f in found], found)
        if line is not None:
            self.assertEqual(line, found[0].line)

    def assert_finds_in_coroutine(self, rule, *body, path="src/mirror/pass.cpp"):
        text = "Task<void> f(Store& store) {\n  " + "\n  ".join(body) + "\n}\n"
        self.assert_finds(rule, path, text, line=len(body) + 1)

    def test_clean_tree_passes(self):
        self.assertEqual([], tidy.check(self.root))

    # ---- modules and headers

    def test_arrow_downwards(self):
        self.assert_finds("module-arrow", "src/http/pool.cpp", '#include "s3/store.hpp"\n')

    def test_arrow_to_a_neighbour(self):
        self.assert_finds("module-arrow", "src/model/key.hpp",
                          '#pragma once\n#include "async/task.hpp"\n', line=2)

    def test_arrow_to_no_module(self):
        self.assert_finds("module-arrow", "src/s3/x.cpp", '#include "origin/server.hpp"\n')

    def test_folder_without_a_row(self):
        self.assert_finds("module-table", "src/extra/x.cpp", "int x;\n")

    def test_row_that_points_downwards(self):
        self.assert_finds("module-table", "ARCHITECTURE.md",
                          TABLE.replace("| model | values | base |",
                                        "| model | values | base, later |"))

    def test_missing_table(self):
        self.write("ARCHITECTURE.md", "# Architecture\n")
        self.assertIn(("ARCHITECTURE.md", "module-table"), self.rules())

    def test_public_header_is_standard_only(self):
        self.assert_finds("public-header", "include/sluice/mirror.hpp",
                          HEADER + '#include "base/text.hpp"\n')
        self.assert_finds("public-header", "include/sluice/mirror.hpp",
                          HEADER + "#include <boost/system/result.hpp>\n")

    def test_heavy_headers(self):
        for path, header in (
                ("src/mirror/pass.cpp", "boost/asio/post.hpp"),
                ("src/http/pool.cpp", "boost/beast/core.hpp"),
                ("src/http/codec.hpp", "boost/beast/http.hpp"),
                ("src/http/pool.cpp", "openssl/ssl.h"),
                ("src/s3/store.hpp", "pugixml.hpp"),
                ("src/mirror/pass.cpp", "simdjson.h"),
                ("src/mirror/pass.cpp", "sqlite3.h"),
                ("src/mirror/pass.cpp", "CLI/CLI.hpp"),
                ("src/mirror/pass.cpp", "spdlog/spdlog.h"),
                ("src/mirror/pass.cpp", "fmt/format.h")):
            with self.subTest(path=path, header=header):
                self.setUp()
                once = "#pragma once\n" if path.endswith(".hpp") else ""
                self.assert_finds("heavy-header", path, f"{once}#include <{header}>\n")

    def test_names_of_openssl_types_are_light(self):
        self.write("src/http/transport.hpp", "#pragma once\n#include <openssl/types.h>\n")
        self.assertEqual([], self.rules())

    # ---- form

    def test_file_length(self):
        self.write("src/s3/long.cpp", "int x;\n" * 600)
        self.assertEqual([], self.rules())
        self.assert_finds("file-length", "src/s3/long.cpp", "int x;\n" * 601)

    def test_line_length_in_characters(self):
        self.write("src/s3/wide.cpp", "// " + "–" * 97 + "\n")
        self.assertEqual([], self.rules())
        self.assert_finds("line-length", "src/s3/wide.cpp", "\n// " + "x" * 98 + "\n", line=2)

    def test_lines_of_a_raw_string_may_be_long(self):
        self.write("tests/x.cpp", 'auto x = R"(' + "<a>" * 50 + ')";\n')
        self.assertEqual([], self.rules())

    def test_pragma_once(self):
        self.assert_finds("pragma-once", "src/s3/x.hpp", "#include <string>\n")
        self.assert_finds("pragma-once", "src/s3/x.hpp", "int x;\n#pragma once\n")

    def test_using_namespace_std(self):
        self.write("src/s3/x.cpp", "using namespace std::chrono_literals;\n")
        self.assertEqual([], self.rules())
        self.assert_finds("using-namespace-std", "src/s3/x.cpp", "\nusing namespace std;\n", line=2)

    def test_file_names(self):
        for name in ("util.cpp", "http_utils.hpp", "Helper.py", "common.sh", "misc/x.cpp"):
            with self.subTest(name=name):
                self.setUp()
                self.assert_finds("file-name", f"tools/{name}", "#pragma once\n")

    def test_machine_paths(self):
        self.assert_finds("machine-path", "docs/x.md", "see /" + "work/main\n")
        self.assert_finds("machine-path", "docs/x.md", "\nsee /" + "root/x\n", line=2)

    # ---- coroutines

    def test_aggregate_temporary(self):
        for form in ("co_await store.put(Shape{4});", "co_await store.put(Shape<int>{});",
                     "Shape shape{x, co_await store.sides()};",
                     "co_return Shape{co_await store.sides()};",
                     "co_yield Shape{1};",
                     "EXPECT_EQ(co_await store.find(x), Shape{1});",
                     "if (co_await store.put(Shape{4})) use();",
                     "for (Shape s; more(); co_await store.put(Shape{4})) use();"):
            with self.subTest(form=form):
                self.assert_finds_in_coroutine("aggregate-temporary", "use(Shape{1});", form)

    def test_initializer_list(self):
        for form in ("co_await store.put({.sides = 4});", "co_await store.put(x, {1, 2});",
                     "std::vector<int> all = {1, co_await store.sides()};",
                     "for (const int x : {1, co_await store.sides()}) use(x);",
                     "co_return {1, co_await store.sides()};"):
            with self.subTest(form=form):
                self.assert_finds_in_coroutine("initializer-list", "use({1});", form)

    def test_capturing_lambda(self):
        for form in ("co_await store.each([x](int y) { return x + y; });",
                     "co_await store.each([=] { return 1; });",
                     "co_await store.each([&x] { return x; });",
                     "co_await store.each([x = std::move(y)]() mutable { return x; });",
                     "co_spawn(co_await this_coro::executor, [p]() -> int { return 1; });"):
            with self.subTest(form=form):
                self.assert_finds_in_coroutine("capturing-lambda", "use([x] { return x; });", form)

    def test_captureless_lambda_is_fine(self):
        self.write("src/mirror/pass.cpp", "Task<void> f() { co_await g([](int x) { return x; }); }\n")
        self.assertEqual([], self.rules())

    def test_conditional(self):
        self.assert_finds_in_coroutine("conditional", "use(a ? b : c);",
                                       "const auto x = a ? co_await store.sides() : c;")

    def test_switch_over_await(self):
        self.assert_finds_in_coroutine("switch-await", "switch (co_await store.sides()) {}")

    def test_await_as_condition_of_a_loop(self):
        for form in ("while (co_await store.more()) use();", "while (!co_await store.more()) use();",
                     "do use(); while (co_await store.more());",
                     "for (int x = 0; co_await store.more(); ++x) use(x);"):
            with self.subTest(form=form):
                self.assert_finds_in_coroutine("loop-await", "if (co_await store.more()) use();",
                                               form)

    def test_forms_inside_a_lambda_body(self):
        self.assert_finds("aggregate-temporary", "src/mirror/pass.cpp", """\
            void f() {
              spawn(executor, []() -> Task<std::vector<int>> {
                use(Shape{1});
                co_await g(Shape{1});
              });
            }
            """, line=4)

    def test_lambda_coroutine_with_captures(self):
        text = """\
            void f() {
              use([x] { return x; });
              spawn(executor, [&]() -> Task<void> {
                co_await tick();
              });
              auto outer = [&] { return [](int x) -> Task<int> { co_return x; }; };
            }
            """
        self.write("tests/unit/async/task_test.cpp", text)
        self.assertEqual([], self.rules())
        self.assert_finds("lambda-coroutine", "src/mirror/pass.cpp", text, line=3)

    # ---- the escape

    def test_allowed_with_a_reason(self):
        self.write("src/mirror/pass.cpp", """\
            Task<void> f() {
              // tidy: allow aggregate-temporary — Shape has a constructor
              co_await store.put(
                  Shape{4});
            }
            """)
        self.assertEqual([], self.rules())

    def test_allowed_without_a_reason(self):
        self.assert_finds("allow", "src/mirror/pass.cpp", """\
            Task<void> f() {
              // tidy: allow aggregate-temporary
              co_await store.put(Shape{4});
            }
            """, line=2)

    def test_allows_another_rule(self):
        self.write("src/mirror/pass.cpp", """\
            Task<void> f() {
              // tidy: allow conditional — no
              co_await store.put(Shape{4});
            }
            """)
        self.assertEqual({"allow", "aggregate-temporary"}, {rule for _, rule in self.rules()})

    # ---- which files

    def test_ignored_files_are_not_read(self):
        self.write(".gitignore", "/build/\n")
        self.write("build/x.md", "/" + "work/\n")
        self.assertEqual([], self.rules())
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.assertEqual([], self.rules())
        self.write("new.md", "/" + "work/\n")
        self.assertEqual([("new.md", "machine-path")], self.rules())


if __name__ == "__main__":
    unittest.main()
