#!/usr/bin/env python3
"""Every C++ file is as clang-format 14 (Debian 12's) writes it. `--fix` rewrites those that are not.

Exit status 77, a skip for meson, where that clang-format is missing: other releases format
differently.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import tidy

SKIPPED = 77
RELEASE = "14"


def find_clang_format():
    for name in (f"clang-format-{RELEASE}", "clang-format"):
        program = shutil.which(name)
        if program is None:
            continue
        version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                                 check=False).stdout
        if re.search(rf"version {RELEASE}\.", version):
            return program
    return None


def main(arguments):
    root = Path(__file__).resolve().parents[2]
    program = find_clang_format()
    if program is None:
        print(f"clang-format {RELEASE} is not installed (Debian package clang-format)")
        return SKIPPED
    files = [path for path in tidy.source_files(root) if tidy.is_cpp(path)]
    action = ["-i"] if arguments == ["--fix"] else ["--dry-run", "-Werror"]
    status = subprocess.run([program, *action, "--style=file", *files], cwd=root, check=False)
    if status.returncode != 0:
        print("\nto rewrite them: tests/tidy/format.py --fix")
    return status.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
