#!/usr/bin/env python3
"""Counts the instructions of three fixed pieces of work, and compares them with counts.json.

    bench/instructions/instructions.py [--write] WORKLOADS

WORKLOADS is the program of that name, built as `-Dbuildtype=release` does by default. More than 10 %
above the stored count fails; --write stores new ones. Exit status 77 (skipped) if valgrind is missing,
or the stored counts are of another system: compilers and libraries differ.

What is counted is the same on every processor: the code of sluice, the C++ library, SQLite and pugixml.
libc and libcrypto, which choose code by what the processor can do, are left out (their callers are
not), and so is what runs outside of measured().
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
WORKLOADS = ("listing", "requests", "record")
MOST = 1.10
LEFT_OUT = re.compile(r"/(libc|libcrypto|libm|ld-linux[^/]*)[.-][^/]*$")
SKIPPED = 77


def system():
    """What the counts depend on, in words."""
    release = platform.freedesktop_os_release()
    compiler = subprocess.run(["g++", "-dumpversion"], capture_output=True, text=True, check=False)
    return (f"{release.get('ID')} {release.get('VERSION_ID', '')} {platform.machine()} "
            f"g++ {compiler.stdout.split('.')[0].strip()}")


def parse(lines):
    """The instructions of each object file, from callgrind's output (manual, "format")."""
    names, totals = {}, {}
    current, skip = "", False
    for line in lines:
        if line.startswith("ob="):
            number, _, name = line[3:].strip().partition(" ")
            current = names.setdefault(number, name)
        elif line.startswith("cob="):
            number, _, name = line[4:].strip().partition(" ")
            names.setdefault(number, name)
        elif line.startswith("calls="):
            skip = True  # the next line is what the callee costs
        elif line[:1].isdigit() or line[:1] in "+-*":
            if not skip:
                totals[current] = totals.get(current, 0) + int(line.split()[1])
            skip = False
    return totals


def count(program, workload):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured",
             f"--callgrind-out-file={out}", program, workload],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env=dict(os.environ, TMPDIR=folder, LC_ALL="C"))
        if done.returncode != 0:
            sys.exit(f"{workload} failed:\n{done.stderr}")
        with open(out, encoding="utf-8", errors="replace") as lines:
            totals = parse(lines)
    return sum(cost for name, cost in totals.items() if not LEFT_OUT.search(name))


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true", help="store what is counted")
    arguments.add_argument("program")
    options = arguments.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed (tools/packages install test)")
        return SKIPPED
    with open(STORED, encoding="utf-8") as file:
        stored = json.load(file)
    if not options.write and system() not in stored:
        print(f"skipped: no counts of this system ({system()}) are in {STORED}")
        return SKIPPED
    known = stored.setdefault(system(), {})
    grown = 0
    for workload in WORKLOADS:
        counted = count(os.path.abspath(options.program), workload)
        before = known.get(workload, counted)
        print(f"{workload}: {counted:,} instructions, stored {before:,} ({counted / before:.3f})")
        if counted > MOST * before:
            print("  grew by more than 10 %: find out why; if it must be, store it with --write")
            grown += 1
        if options.write:
            known[workload] = counted
    if options.write:
        with open(STORED, "w", encoding="utf-8") as file:
            file.write(json.dumps(stored, indent=2) + "\n")
        return 0
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
