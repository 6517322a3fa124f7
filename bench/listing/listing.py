#!/usr/bin/env python3
"""How much faster a listing is in several ranges at once: four key sets of a million keys at the
origin, which waits 30 ms before each page. Prints a table in Markdown.

    bench/listing/listing.py --build build-lto

Per key set: `sluice ls`, and `sluice sync --dry-run` in a mirror whose record has all the keys,
at --list-concurrency 1 and 16; wall time, CPU of both sides, memory, and the requests that the
origin counted. Where CPU s of both together come near to what the processors have in that time, they
are the limit and not the listing.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEY_SETS = ("uniform-hex", "date-tree", "counter", "cjk")
KEYS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class Origin:
    def __init__(self, build: Path, folder: Path, spec: str, delay_ms: int):
        self.log = folder / "requests"
        self.log.write_bytes(b"")
        port = folder / "port"
        port.unlink(missing_ok=True)
        command = [build / "tools/origin/sluice-origin", "--synthetic", spec, "--bucket", "bench",
                   "--list-delay-ms", str(delay_ms), "--log", self.log, "--port-file", port,
                   "--exit-with-parent"]
        self.process = subprocess.Popen([str(word) for word in command], env={**os.environ, **KEYS},
                                        stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not port.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the origin does not listen")
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{port.read_text().strip()}"

    def cpu(self) -> float:
        """Seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def requests(self) -> int:
        """Since the last call. A line is written once its answer has been sent."""
        time.sleep(0.2)
        count = self.log.read_bytes().count(b"\n")
        os.truncate(self.log, 0)
        return count

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def run(build: Path, words: list, origin: Origin) -> dict:
    command = [build / "tools/sluice/sluice", *words, "--endpoint-url", origin.url]
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("AWS_", "SLUICE_"))}
    served = origin.cpu()
    with tempfile.NamedTemporaryFile("r") as figures:
        # Not wait4 from here: a child's peak memory begins with that of the process it comes from.
        timed = ["/usr/bin/time", "-f", "%U %S %e %M", "-o", figures.name]
        done = subprocess.run(timed + [str(word) for word in command], check=False,
                              env={**environment, **KEYS}, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"{words} ended with {done.returncode}")
        user, system, wall, kib = (float(figure) for figure in figures.read().split())
    return {"wall": wall, "origin": origin.cpu() - served, "cpu": user + system,
            "mib": kib / 1024, "requests": origin.requests()}


def fill_record(build: Path, origin: Origin, mirror: Path):
    """A record with every key, as after a pass; no files, which a dry run then calls missing."""
    run(build, ["sync", "s3://bench", mirror, "--exclude", "*", "--include", "no such key*"],
        origin)
    listing = subprocess.run(
        [build / "tools/sluice/sluice", "ls", "s3://bench", "--list-concurrency", "16",
         "--endpoint-url", origin.url], env={**os.environ, **KEYS}, check=True,
        stdout=subprocess.PIPE).stdout
    record = sqlite3.connect(mirror / ".sluice/record.db")
    rows = ((line[31:], ) for line in listing.splitlines())
    record.executemany("INSERT INTO objects VALUES (?, 'x', 0, 0, 0, 0, 0, 0, x'', 1)", rows)
    record.execute("UPDATE source SET byte_order_proved = 1")
    record.commit()
    record.close()
    origin.requests()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=Path("build-lto"))
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--delay-ms", type=int, default=30)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3, help="of the parallel listing")
    parser.add_argument("--sets", nargs="*", default=KEY_SETS)
    parser.add_argument("--only", default="", help="`ls` or `sync --dry-run`")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sluice-listing-"))
    print("| keys | | one at a time s | "
          f"{arguments.concurrency} at once s | ratio | requests | CPU s | of the origin | peak MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    try:
        for key_set in arguments.sets:
            spec = f"{key_set}:{arguments.keys}:0:opaque"
            origin = Origin(arguments.build, folder, spec, arguments.delay_ms)
            mirror = folder / "mirror"
            fill_record(arguments.build, origin, mirror)
            for name, words in (("ls", ["ls", "s3://bench"]),
                                ("sync --dry-run", ["sync", "s3://bench", mirror, "--dry-run"])):
                if arguments.only not in ("", name):
                    continue

                def listed(concurrency):
                    return run(arguments.build, [*words, "--list-concurrency", concurrency], origin)
                serial = listed(1)
                several = [listed(arguments.concurrency) for _ in range(arguments.rounds)]
                median = {key: statistics.median(one[key] for one in several) for key in serial}
                print(f"| {key_set} | {name} | {serial['wall']:.1f} | {median['wall']:.2f} | "
                      f"{serial['wall'] / median['wall']:.1f} | "
                      f"{serial['requests']:,} → {median['requests']:,.0f} | "
                      f"{serial['cpu']:.2f} → {median['cpu']:.2f} | "
                      f"{serial['origin']:.2f} → {median['origin']:.2f} | "
                      f"{serial['mib']:.0f} → {median['mib']:.0f} |", flush=True)
            origin.stop()
            shutil.rmtree(mirror)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
