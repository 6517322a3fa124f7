#!/usr/bin/env python3
"""The rules of the repository that no compiler checks. Usage: tidy.py [ROOT]

Each finding is one line `file:line: [rule] what`; the exit status is 1 if there is any. A finding is
accepted by a comment on the line above it, or on the line above its statement:

    // tidy: allow <rule> — <reason>

The rules about coroutines exist because g++ 12 compiles these forms to code that crashes (a
temporary is destroyed twice, or copied by its bytes). Name the value on a line above and move it.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cpp_tokens import Group, Token, parse, text_of

MAX_LINES = 600
MAX_COLUMNS = 100
CPP_FOLDERS = ("src", "include", "tools", "tests", "bench")
HEADER_SUFFIXES = (".hpp", ".h")
CPP_SUFFIXES = (".cpp", ".cc") + HEADER_SUFFIXES
SCRIPT_SUFFIXES = (".py", ".sh")

# Written in two pieces, so that this file passes its own rule.
MACHINE_PATHS = ("/" + "work/", "/" + "root/")
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "misc"}

# Prefix of an include, and where it may stand (patterns of PurePosixPath.match on whole paths, or a
# folder with a final slash). The first prefix that fits counts.
HEAVY_HEADERS = (
    ("openssl/types.h", ("src/crypto/", "src/http/", "tools/origin/", "tests/")),  # only names
    ("boost/asio", ("src/async/", "src/http/", "tools/origin/", "tests/")),
    ("boost/beast", ("src/http/codec.cpp", "tools/origin/*.cpp")),
    ("openssl/", ("src/crypto/*.cpp", "src/http/transport.cpp", "tools/origin/*.cpp", "tests/",
                  "bench/versus/")),
    ("pugi", ("src/s3/*.cpp", "src/aws/sts_answer.cpp")),
    ("simdjson", ("src/aws/*.cpp", "tools/origin/*.cpp", "tests/")),
    ("sqlite3", ("src/record/*.cpp", "tests/")),
    ("CLI/", ("tools/", "src/report/*.cpp")),
    ("spdlog/", ("tools/", "src/report/*.cpp")),
    ("fmt/", ("tools/", "src/report/*.cpp")),
)

# What the module table may name beside modules.
EXTERNAL_NAMES = {"std", "Asio", "OpenSSL"}


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.text}"


# ---- which files -------------------------------------------------------------------------------


def source_files(root):
    """Tracked and new files, as POSIX paths relative to `root`; without git, all but build trees."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        paths = [os.fsdecode(path) for path in listed.stdout.split(b"\0") if path]
    except (OSError, subprocess.CalledProcessError):
        paths = walk(root)
    return sorted({path for path in paths if (root / path).is_file()})


def walk(root):
    for folder, folders, names in os.walk(root):
        at_top = Path(folder) == root
        folders[:] = [name for name in folders if name not in (".git", "__pycache__")
                      and not (at_top and (name == "build" or name.startswith("build-")))]
        for name in names:
            yield (Path(folder) / name).relative_to(root).as_posix()


def is_cpp(path):
    return path.startswith(tuple(f + "/" for f in CPP_FOLDERS)) and path.endswith(CPP_SUFFIXES)


# ---- the module table --------------------------------------------------------------------------


def read_module_table(root):
    """What each module may include, from ARCHITECTURE.md: (module -> set of modules, findings)."""
    document = root / "ARCHITECTURE.md"
    path = "ARCHITECTURE.md"
    if not document.is_file():
        return {}, [Finding(path, 1, "module-table", "there is no ARCHITECTURE.md")]
    allowed, findings, in_table = {}, [], False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3:
            in_table = False
        elif cells[0] == "module" and cells[2] == "may use":
            in_table = True
        elif in_table and not set(cells[0]) <= set("-: "):
            direct = allowed_by_cell(cells[2], allowed)
            for name in direct - set(allowed):
                findings.append(Finding(path, number, "module-table",
                                        f"{cells[0]} may use {name}, which is no row above it"))
            allowed[cells[0]] = set(direct).union(*(allowed.get(name, ()) for name in direct))
    if not allowed:
        findings.append(Finding(path, 1, "module-table",
                                "no table with the columns module, responsibility, may use"))
    return allowed, findings


def allowed_by_cell(cell, above):
    if cell == "all above":
        return set(above)
    names = {name.strip().strip("`") for name in cell.split(",")} - {""}
    return names - EXTERNAL_NAMES


def check_modules(path, source, modules):
    """`#include "module/…"` in src/ follows the table; include/sluice/ is self-contained."""
    if path.startswith("include/"):
        for include in source.includes:
            own = include.path.startswith("sluice/") and include.quoted
            if not own and (include.quoted or not re.fullmatch(r"[a-z_0-9]+", include.path)):
                yield include.line, "public-header", (
                    f"a public header includes {include.path}: only the standard library and "
                    "sluice/ are allowed")
        return
    if not path.startswith("src/"):
        return
    own_module = path.split("/")[1]
    if own_module not in modules:
        yield 1, "module-table", f"{own_module} is no module of the table in ARCHITECTURE.md"
        return
    for include in source.includes:
        if not include.quoted or "/" not in include.path:
            continue
        target = include.path.split("/")[0]
        if target in ("sluice", own_module) or target in modules[own_module]:
            continue
        yield include.line, "module-arrow", (
            f"{own_module} may not use {target} (table in ARCHITECTURE.md): {include.path}")


# ---- rules on one C++ file ---------------------------------------------------------------------


def check_heavy_headers(path, source):
    for include in source.includes:
        places = next((where for prefix, where in HEAVY_HEADERS
                       if include.path.startswith(prefix)), None)
        if places is not None and not any(is_in(path, place) for place in places):
            yield include.line, "heavy-header", (
                f"<{include.path}> may only stand in {', '.join(places)}")


def is_in(path, place):
    if place.endswith("/"):
        return path.startswith(place)
    pattern, whole = PurePosixPath(place), PurePosixPath(path)
    return whole.match(place) and len(whole.parts) == len(pattern.parts)


def check_form(path, text, source):
    lines = text.split("\n")
    count = len(lines) - (lines[-1] == "")
    if count > MAX_LINES:
        yield 1, "file-length", f"{count} lines; at most {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS and number not in source.raw_string_lines:
            yield number, "line-length", f"{len(line)} columns; at most {MAX_COLUMNS}"
    if path.endswith(HEADER_SUFFIXES):
        first = source.directives[0] if source.directives else Token("", 0)
        if first.text != "#pragma once" or first.line != source.first_code_line:
            yield 1, "pragma-once", "a header begins with #pragma once"


def check_statements(path, source):
    for statement in statements(source.items):
        words = [text_of(item) for item in flatten(statement)]
        for index in range(len(words) - 2):
            if words[index:index + 3] == ["using", "namespace", "std"] and words[
                    index + 3:index + 4] != ["::"]:
                yield line_of(statement), "using-namespace-std", "spell out std::"
        yield from check_await(statement)
        if not path.startswith("tests/"):
            yield from check_lambda_coroutines(statement)


# ---- statements --------------------------------------------------------------------------------


def statements(items):
    """Every statement of the tree, inner ones too; a control head is a statement of its own."""
    current = []
    for index, item in enumerate(items):
        current.append(item)
        if isinstance(item, Group):
            yield from inner_statements(item)
            ends = item.kind == "B" and not continues_after_block(items, index)
            ends = ends or (item.kind == "(" and is_control_head(current))
        else:
            ends = item.text in (";", "else", "do")
        if ends:
            yield from split_for_head(current)
            current = []
    if current:
        yield current


def inner_statements(group):
    if group.kind == "B":
        yield from statements(group.items)
        return
    for item in group.items:
        if isinstance(item, Group):
            yield from inner_statements(item)


def continues_after_block(items, index):
    """A lambda's body is in the middle of a statement, the body of an if is the end of one."""
    following = text_of(items[index + 1]) if index + 1 < len(items) else ""
    return following == ";" or is_lambda_body(items, index)


def is_lambda_body(items, index):
    """Goes back over `(parameters) mutable -> Type` to where a lambda would begin."""
    while index > 0:
        index -= 1
        item = items[index]
        if isinstance(item, Group):
            if item.lambda_intro:
                return True
            if item.kind not in "([":
                return False
        elif not re.fullmatch(r"\w+|::|->|[<>,&*]|&&", item.text):
            return False
    return False


def is_control_head(current):
    words = [text_of(item) for item in current]
    return words[-2:-1] in (["if"], ["while"], ["for"], ["switch"], ["catch"]) or words[-3:-1] == [
        "if", "constexpr"]


def split_for_head(statement):
    """`for (a; b; c)` and `if (a; b)` are several full expressions; the condition keeps its keyword."""
    last = statement[-1]
    parts = [[]]
    if isinstance(last, Group) and last.kind == "(" and is_control_head(statement):
        for item in last.items:
            if text_of(item) == ";":
                parts.append([])
            else:
                parts[-1].append(item)
    if len(parts) == 1:
        yield statement
        return
    condition = parts[1]
    keyword = "while" if len(parts) == 3 else text_of(statement[-2])
    parts[1] = [Token(keyword, last.line), Group("(", last.line, condition)]
    yield from (part for part in parts if part)


def flatten(items):
    """All that belongs to the full expression: bodies of lambdas are statements of their own."""
    for item in items:
        yield item
        if isinstance(item, Group) and item.kind != "B" and not item.lambda_intro:
            yield from flatten(item.items)


def line_of(statement):
    return statement[0].line if statement else 1


# ---- coroutines --------------------------------------------------------------------------------

AWAIT = {"co_await", "co_yield"}
COROUTINE = AWAIT | {"co_return"}


def check_await(statement):
    parts = list(flatten(statement))
    if not AWAIT & {text_of(part) for part in parts}:
        return
    where = "in a statement with co_await"
    for part in parts:
        if isinstance(part, Token):
            if part.text == "?":
                yield part.line, "conditional", f"?: {where}"
        elif part.lambda_intro and part.items:
            yield part.line, "capturing-lambda", f"a lambda with captures {where}"
    yield from check_braces(statement, where)
    for index, part in enumerate(parts[:-1]):
        head, group = text_of(part), parts[index + 1]
        if not isinstance(group, Group) or group.kind != "(":
            continue
        words = [text_of(item) for item in flatten(group.items)]
        if head == "switch" and "co_await" in words:
            yield part.line, "switch-await", "switch over an awaited value"
        while words[:1] in (["!"], ["("]):
            words = words[1:]
        if head == "while" and words[:1] == ["co_await"]:
            yield part.line, "loop-await", "an awaited value as the condition of a loop"


def check_braces(items, where):
    for index, item in enumerate(items):
        if not isinstance(item, Group) or item.kind == "B":
            continue
        if item.kind == "{":
            before = text_of(items[index - 1]) if index > 0 else ""
            if re.match(r"\w|>|\[", before) and before not in ("return", "co_return", "co_yield"):
                yield item.line, "aggregate-temporary", f"{before}{{…}} {where}"
            else:
                yield item.line, "initializer-list", f"{{…}} {where}"
        elif not item.lambda_intro:
            yield from check_braces(item.items, where)


def check_lambda_coroutines(statement):
    for items in sequences(statement):
        for index, item in enumerate(items):
            if not (isinstance(item, Group) and item.lambda_intro and item.items):
                continue
            body = next((later for later in items[index + 1:]
                         if isinstance(later, Group) and later.kind == "B"), None)
            if body and COROUTINE & own_words(body):
                yield item.line, "lambda-coroutine", (
                    "a coroutine that captures: the captures die with the lambda object; "
                    "write a function that takes values")


def sequences(items):
    yield items
    for item in items:
        if isinstance(item, Group) and item.kind != "B":
            yield from sequences(item.items)


def own_words(body):
    """The words of a function body without those of lambdas in it."""
    words, in_lambda = set(), False
    for item in body.items:
        if isinstance(item, Token):
            words.add(item.text)
            in_lambda = in_lambda and item.text not in (";", ",")
        elif item.lambda_intro:
            in_lambda = True
        elif item.kind == "B" and in_lambda:
            in_lambda = False
        else:
            words |= own_words(item)
    return words


# ---- the escape --------------------------------------------------------------------------------

_ALLOW = re.compile(r"tidy: allow ([\w-]+)(.*)")


def without_allowed(path, findings, source):
    """Drops what a comment accepts; a comment without a reason or without a finding is one itself."""
    allows = {}
    for comment in source.comments:
        if match := _ALLOW.search(comment.text):
            allows[comment.line] = match
    starts = statement_starts(source.items) if allows else {}
    used, kept = set(), []
    for line, rule, text in findings:
        above = [line - 1, starts.get(line, line) - 1]
        if rule in ("file-length", "pragma-once"):
            above = list(range(1, 6))
        accepting = [at for at in above if at in allows and allows[at].group(1) == rule]
        if accepting:
            used.add(accepting[0])
        else:
            kept.append(Finding(path, line, rule, text))
    for line, match in allows.items():
        if not re.search(r"\w", match.group(2)):
            kept.append(Finding(path, line, "allow", "say why: // tidy: allow rule — reason"))
        elif line not in used:
            kept.append(Finding(path, line, "allow", f"nothing here breaks {match.group(1)}"))
    return kept


def statement_starts(items):
    """For each line that a statement covers, the line on which the statement begins."""
    starts = {}
    for statement in statements(items):
        for item in flatten(statement):
            starts.setdefault(item.line, line_of(statement))
    return starts


# ---- all of it ---------------------------------------------------------------------------------


def check_names(path):
    parts = PurePosixPath(path).parts
    if parts[0] == "subprojects" or not path.endswith(CPP_SUFFIXES + SCRIPT_SUFFIXES):
        return
    for part in parts:
        words = set(re.split(r"[_.-]", PurePosixPath(part).stem.lower()))
        if FORBIDDEN_NAMES & words:
            yield 1, "file-name", f"{part}: name it by what it holds"


def check_text(text):
    for number, line in enumerate(text.split("\n"), 1):
        for machine_path in MACHINE_PATHS:
            if machine_path in line:
                yield number, "machine-path", f"{machine_path} exists on one machine only"


def check(root):
    root = Path(root)
    modules, findings = read_module_table(root)
    for path in source_files(root):
        findings += [Finding(path, *found) for found in check_names(path)]
        text = (root / path).read_bytes().decode("utf-8", errors="replace")
        findings += [Finding(path, *found) for found in check_text(text)]
        if is_cpp(path):
            source = parse(text)
            found = [*check_modules(path, source, modules), *check_heavy_headers(path, source),
                     *check_form(path, text, source), *check_statements(path, source)]
            findings += without_allowed(path, found, source)
    return sorted(set(findings))


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} finding(s)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
