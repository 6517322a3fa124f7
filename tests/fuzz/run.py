#!/usr/bin/env python3
"""Runs one fuzzer for a while, from the committed corpus, and says how to reproduce what it finds.

    run.py PROGRAM CORPUS [DICTIONARY.dict]

SLUICE_FUZZ_SECONDS (15) is how long. What is found beyond the corpus is dropped; SLUICE_FUZZ_KEEP
names a folder where it goes, one below it a fuzzer.
"""

import base64
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def main(program, corpus, dictionary=None):
    seconds = int(os.environ.get("SLUICE_FUZZ_SECONDS", "15"))
    keep = os.environ.get("SLUICE_FUZZ_KEEP")
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(keep, Path(program).name) if keep else Path(scratch, "corpus")
        artifacts = Path(scratch, "artifacts")
        for folder in (found, artifacts):
            folder.mkdir(parents=True, exist_ok=True)
        command = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=1024",
                   "-max_len=16384", "-print_final_stats=1", f"-artifact_prefix={artifacts}/",
                   str(found), corpus]
        if dictionary:
            command.insert(1, f"-dict={dictionary}")
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=seconds * 4 + 120, check=False)
        said = ended.stdout.decode(errors="replace")
        files = sorted(artifacts.iterdir())
        if ended.returncode == 0 and not files:
            covered = re.findall(r"cov: (\d+)", said)
            units = re.search(r"stat::number_of_executed_units: *(\d+)", said)
            print(f"{Path(program).name}: {units.group(1) if units else '?'} inputs,",
                  f"{covered[-1] if covered else '?'} edges covered")
            return 0
        print(said[-20000:])
        for file in files:
            print(f"\n{file.name}, in base64:\n{base64.b64encode(file.read_bytes()).decode()}")
            print(f"To reproduce: base64 -d > finding, and then {program} finding")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
