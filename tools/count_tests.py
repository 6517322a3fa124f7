#!/usr/bin/env python3
"""Sums up meson's testlog.json files as one line: `N passed, N failed, N skipped`.

Usage: count_tests.py FAILED LOG…, where FAILED is the number of failures that no log tells of.
A program that uses GoogleTest or unittest counts by its cases, any other as one. The exit status is
1 if anything failed, or if nothing ran.
"""

import json
import re
import sys

GTEST_CASE = re.compile(r"^\[ *(OK|FAILED|SKIPPED) *\] \S+.* \(\d+ ms\)$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)


def count(test):
    """(passed, failed, skipped) of one program."""
    output = test.get("stdout") or ""
    result = test["result"]
    if result == "SKIP":
        return 0, 0, 1
    succeeded = result in ("OK", "EXPECTEDFAIL")
    cases = [match.group(1) for match in GTEST_CASE.finditer(output)]
    if cases:
        failed = cases.count("FAILED")
        # A program can also fail outside of its cases: a crash, a leak, a time-out.
        return cases.count("OK"), failed or int(not succeeded), cases.count("SKIPPED")
    if succeeded:
        ran = UNITTEST.search(output + (test.get("stderr") or ""))
        return int(ran.group(1)) if ran else 1, 0, 0
    return 0, 1, 0


def main(failed, paths):
    passed = skipped = 0
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                ok, bad, left_out = count(json.loads(line))
                passed, failed, skipped = passed + ok, failed + bad, skipped + left_out
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
