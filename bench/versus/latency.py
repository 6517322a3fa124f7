#!/usr/bin/env python3
"""How many transfers at once are best, over round trips of several lengths, and what sluice finds.

    bench/versus/latency.py [--build build] [--rtt 0,30,200] [--shapes small,large] [--transfers auto,16,64,256]

nginx serves, through `delay` (delay.cpp) where there is a round trip. Each run has a fresh
destination on tmpfs. Medians of wall and CPU seconds, the runs of one shape and round trip in turns.
`ideal` is connections / round trip objects a second: what small objects could do at best. The machine
should do nothing else. Needs what versus.py needs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import clients
import nginx_bucket
from nginx_bucket import Shape

SHAPES = {"small": Shape(20_000, 4096), "medium": Shape(2_000, 1 << 20), "large": Shape(16, 64 << 20)}


def measure(words):
    """Wall and CPU seconds, peak MiB."""
    with tempfile.NamedTemporaryFile("r") as figures:
        done = subprocess.run(
            ["/usr/bin/time", "-f", "%e %U %S %M", "-o", figures.name, *words],
            env=clients.environment(), check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, timeout=600)
        if done.returncode != 0:
            sys.exit(f"failed ({done.returncode}): {' '.join(words)}")
        wall, user, system, kib = (float(figure) for figure in figures.read().split())
    return wall, user + system, kib / 1024


def start_delay(program, rtt, target):
    port = nginx_bucket.free_ports(1)[0]
    delay = subprocess.Popen([program, "--rtt", str(rtt), str(port), str(target)])
    while not nginx_bucket.accepts(port):
        if delay.poll() is not None:
            sys.exit("delay did not start")
        time.sleep(0.02)
    return delay, port


def sweep(options, work, server, bucket, rtt):
    """A row for each number of transfers."""
    delay, port = None, server.port(False, False)
    if rtt > 0:
        delay, port = start_delay(os.path.join(options.build, "bench/versus/delay"), rtt, port)
    out = os.path.join(work, "out")
    sluice = options.program or os.path.join(options.build, "tools/sluice/sluice")
    figures = {transfers: [] for transfers in options.transfers.split(",")}
    try:
        for _ in range(options.runs):
            for transfers, runs in figures.items():
                words = [sluice, "sync", f"s3://{bucket.name}", out, "-q", "-j", transfers,
                         "--endpoint-url", f"http://127.0.0.1:{port}", *options.flags.split()]
                runs.append(measure(words))
                shutil.rmtree(out)
    finally:
        if delay:
            delay.terminate()
            delay.wait()
    return {transfers: tuple(statistics.median(run[i] for run in runs) for i in range(3))
            for transfers, runs in figures.items()}


def table(name, shape, rtt, rows):
    lines = [f"**{name}: {shape.count:,} × {shape.size:,} bytes, round trip {rtt} ms**", "",
             "| transfers | wall s | of the best | of ideal | CPU s | peak MiB |", "|---|---|---|---|---|---|"]
    best = min(wall for wall, _, _ in rows.values())
    for transfers, (wall, cpu, mib) in rows.items():
        of_ideal = ""
        if rtt > 0 and name == "small":
            at_once = 256 if transfers == "auto" else int(transfers)
            of_ideal = f"{shape.count * rtt / 1000 / at_once / wall:.2f}"
        lines.append(f"| {transfers} | {wall:.2f} | {best / wall:.2f} | {of_ideal} | {cpu:.2f} | {mib:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build", help="a release build with -Dbench=true")
    arguments.add_argument("--program", help="another sluice than that of --build")
    arguments.add_argument("--rtt", default="0,30,200", help="round trips, ms")
    arguments.add_argument("--shapes", default="small,large", help="of: " + ", ".join(SHAPES))
    arguments.add_argument("--transfers", default="auto,16,64,256")
    arguments.add_argument("--flags", default="", help="more of them, for each run")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", default="/dev/shm", help="where the data goes: a tmpfs, 5 GiB")
    options = arguments.parse_args()
    lacking = nginx_bucket.missing()
    if lacking:
        sys.exit("not installed: " + ", ".join(lacking))
    for name in options.shapes.split(","):
        with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-latency-") as work:
            bucket = nginx_bucket.Bucket(os.path.join(work, "bucket"), "bench", SHAPES[name])
            server = nginx_bucket.Nginx(bucket, os.cpu_count() - 1)
            try:
                for rtt in map(float, options.rtt.split(",")):
                    print(table(name, SHAPES[name], rtt, sweep(options, work, server, bucket, rtt)),
                          flush=True)
            finally:
                server.stop()


if __name__ == "__main__":
    main()
