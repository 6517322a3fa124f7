#!/usr/bin/env python3
"""How many transfers at once are best, over round trips of several lengths, and what sluice finds.

    bench/versus/latency.py [--build build] [--rtt 0,30,200] [--shapes small,large] [--transfers auto,16,64,256] [--out FOLDER]

nginx serves, through `delay` (delay.cpp) where there is a round trip. Each run has a fresh
destination on tmpfs. Medians of wall and CPU seconds, the runs of one shape and round trip in turns.
`ideal` is connections / round trip objects a second: what small objects could do at best. The machine
should do nothing else. Runs that could not end within --longest seconds are left out. --out gets
latency.json and latency.svg. Needs what versus.py needs.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import clients
import nginx_bucket
import plot
from nginx_bucket import Shape
from plot import text

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


def ideal(shape, rtt, transfers):
    """Seconds that the round trips of small objects take at least."""
    at_once = 256 if transfers == "auto" else int(transfers)
    return shape.count * rtt / 1000 / at_once


def sweep(options, work, server, bucket, rtt):
    """A row for each number of transfers."""
    delay, port = None, server.port(False, False)
    if rtt > 0:
        delay, port = start_delay(os.path.join(options.build, "bench/versus/delay"), rtt, port)
    out = os.path.join(work, "out")
    sluice = options.program or os.path.join(options.build, "tools/sluice/sluice")
    figures = {transfers: [] for transfers in options.transfers.split(",")
               if ideal(bucket.shape, rtt, transfers) <= options.longest}
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
            of_ideal = f"{ideal(shape, rtt, transfers) / wall:.2f}"
        lines.append(f"| {transfers} | {wall:.2f} | {best / wall:.2f} | {of_ideal} | {cpu:.2f} | {mib:.0f} |")
    return "\n".join(lines) + "\n"


PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, BETWEEN = 250, 170, 56, 44, 74
COLOURS = ["#0b6e4f", "#6a9fd8", "#c2571a", "#7a5195"]


def panel(left, title, sweeps, figure):
    """A line for each round trip against the transfers, and a dashed one for what sluice does by itself;
    both axes logarithmic."""
    values = [row[figure] for rows in sweeps.values() for row in rows.values()]
    low, high = math.log(min(values) / 1.2), math.log(max(values) * 1.2)
    counts = sorted({int(name) for rows in sweeps.values() for name in rows if name != "auto"})
    if not counts:
        return []
    first, last = math.log(counts[0]), math.log(counts[-1])
    across = lambda count: left + (math.log(count) - first) / max(last - first, 1e-9) * PANEL_WIDTH
    up = lambda value: TOP + PANEL_HEIGHT * (1 - (math.log(value) - low) / (high - low))
    bottom = TOP + PANEL_HEIGHT
    out = [text(left, TOP - 24, title, extra='font-weight="bold"'),
           f'<path d="M{left} {TOP} V{bottom} H{left + PANEL_WIDTH}" fill="none" stroke="#999"/>']
    out += [text(across(count), bottom + 16, f"{count}", "middle") for count in counts]
    out.append(text(left + PANEL_WIDTH / 2, bottom + 32, "transfers", "middle"))
    for colour, (rtt, rows) in zip(COLOURS, sweeps.items()):
        points = [(across(int(name)), up(row[figure]), row[figure])
                  for name, row in rows.items() if name != "auto"]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y, value in points:
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            out.append(text(x, y - 7, f"{value:.3g}", "middle", f'fill="{colour}"'))
        if "auto" in rows:
            y = up(rows["auto"][figure])
            out.append(f'<path d="M{left} {y:.1f} h{PANEL_WIDTH}" stroke="{colour}" '
                       'stroke-dasharray="4 4"/>')
            out.append(text(left - 6, y + 4, f"{rows['auto'][figure]:.3g}", "end",
                            f'fill="{colour}"'))
    return out


def draw(results):
    body, left = [], LEFT
    for name, sweeps in results.items():
        shape = SHAPES[name]
        for figure, unit in ((0, "wall s"), (1, "CPU s")):
            title = f"{shape.count:,} × {shape.size >> 10:,} KiB: {unit}"
            body += panel(left, title, sweeps, figure)
            left += PANEL_WIDTH + BETWEEN
    rtts = list(dict.fromkeys(rtt for sweeps in results.values() for rtt in sweeps))
    place, foot = LEFT, TOP + PANEL_HEIGHT + 60
    for colour, rtt in zip(COLOURS, rtts):
        body.append(f'<path d="M{place} {foot - 4} h24" stroke="{colour}" stroke-width="2"/>')
        body.append(text(place + 30, foot, f"round trip {rtt:g} ms"))
        place += 170
    body.append(text(place, foot, "dashed: sluice by itself"))
    width, height = left, foot + 14
    return plot.document(width, height, body)


def save(folder, results):
    plot.save(folder, {"latency.json": json.dumps(results, indent=1), "latency.svg": draw(results)})


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
    arguments.add_argument("--longest", type=float, default=60, help="seconds of one run")
    arguments.add_argument("--out", help="folder for latency.json and latency.svg")
    options = arguments.parse_args()
    results = {}
    lacking = nginx_bucket.missing()
    if lacking:
        sys.exit("not installed: " + ", ".join(lacking))
    for name in options.shapes.split(","):
        with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-latency-") as work:
            bucket = nginx_bucket.Bucket(os.path.join(work, "bucket"), "bench", SHAPES[name])
            server = nginx_bucket.Nginx(bucket, os.cpu_count() - 1)
            try:
                for rtt in map(float, options.rtt.split(",")):
                    rows = sweep(options, work, server, bucket, rtt)
                    print(table(name, SHAPES[name], rtt, rows), flush=True)
                    results.setdefault(name, {})[rtt] = rows
                    if options.out:
                        save(options.out, results)
            finally:
                server.stop()


if __name__ == "__main__":
    main()
