#!/usr/bin/env python3
"""What a pass costs against the number of keys, and of objects.

    bench/versus/scale.py [--build build] [--keys 1000,10000,100000,1000000] [--objects 1000,10000,100000] [--out FOLDER]

For each number of keys: peak memory, and CPU a key, of a pass over an unchanged bucket of empty
objects. For each number of objects: the same of a pass that fetches as many of 4 KiB. Medians of three
runs over HTTP, as versus.py makes them. --out gets scale.json, scale.md and scale.svg.

Ten million keys take 10 GiB of memory in all (files, list pages) and a tmpfs without a limit of inodes:

    mount -t tmpfs -o size=16g,nr_inodes=0 none /mnt/scale
    bench/versus/scale.py --keys 10000000 --objects "" --work /mnt/scale
"""

import argparse
import json
import math
import os
import sys
import tempfile
from dataclasses import dataclass

import nginx_bucket
import plot
from nginx_bucket import Shape
from plot import text
from versus import Bench, Row

PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, BETWEEN = 250, 150, 48, 44, 60
COLOUR = "#0b6e4f"


@dataclass(frozen=True)
class Curve:
    name: str
    title: str     # of its rows
    axis: str      # what N counts
    size: int      # bytes of an object
    unchanged: bool


CURVES = [Curve("keys", "nothing changed", "keys", 0, True),
          Curve("objects", "all fetched, 4 KiB each", "objects", 4096, False)]


def measure(curve, count, options):
    row = Row(f"{curve.name}-{count}", f"{count:,} {curve.axis}", Shape(count, curve.size), False,
              curve.unchanged, True)
    with tempfile.TemporaryDirectory(dir=options.work, prefix="sluice-scale-") as work:
        bench = Bench(row, work, os.path.abspath(options.build), ["sluice"])
        try:
            got = bench.run(options.runs)["sluice"]
        finally:
            bench.stop()
    return {"count": count, "cpu": got["cpu"], "us": got["cpu"] * 1e6 / count, "mib": got["mib"],
            "wall": got["wall"], "lists": got["lists"]}


def table(results):
    lines = ["| | N | CPU s | CPU µs each | peak MiB | LIST |", "|---|---|---|---|---|---|"]
    for curve in CURVES:
        for point in results.get(curve.name, []):
            lines.append(f"| {curve.title} | {point['count']:,} | {point['cpu']:.2f} | "
                         f"{point['us']:.1f} | {point['mib']:.0f} | {point['lists']:,} |")
    return "\n".join(lines) + "\n"


def short(count):
    """10,000,000 has no room below a point."""
    for unit, name in ((10 ** 6, "M"), (10 ** 3, "k")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return str(count)


def panel(left, title, points, figure):
    """Logarithmic in N, linear from 0 in the figure."""
    first, last = (math.log10(points[i]["count"]) for i in (0, -1))
    most = 1.2 * max(point[figure] for point in points) or 1  # `time` counts in 10 ms
    place = lambda point: (
        left + (math.log10(point["count"]) - first) / max(last - first, 1e-9) * PANEL_WIDTH,
        TOP + PANEL_HEIGHT * (1 - point[figure] / most))
    bottom = TOP + PANEL_HEIGHT
    out = [text(left, TOP - 16, title, extra='font-weight="bold"'),
           f'<path d="M{left} {TOP} V{bottom} H{left + PANEL_WIDTH}" fill="none" stroke="#999"/>']
    corners = [place(point) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    out.append(f'<polyline points="{line}" fill="none" stroke="{COLOUR}" stroke-width="2"/>')
    for (x, y), point in zip(corners, points):
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOUR}"/>')
        out.append(text(x, y - 8, f"{point[figure]:.3g}", "middle"))
        out.append(text(x, bottom + 16, short(point["count"]), "middle"))
    return out


def draw(results):
    body, left = [], LEFT
    for curve in CURVES:
        points = results.get(curve.name)
        if not points:
            continue
        for figure, unit in (("mib", "peak MiB"), ("us", "CPU µs each")):
            body += panel(left, f"{curve.title}: {unit}, by {curve.axis}", points, figure)
            left += PANEL_WIDTH + BETWEEN
    width, height = left, TOP + PANEL_HEIGHT + 34
    return plot.document(width, height, body)


def save(folder, results):
    plot.save(folder, {"scale.json": json.dumps(results, indent=1), "scale.md": table(results),
                       "scale.svg": draw(results)})


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build", help="the release build directory")
    arguments.add_argument("--keys", default="1000,10000,100000,1000000")
    arguments.add_argument("--objects", default="1000,10000,100000")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", default="/dev/shm", help="where the data goes: a tmpfs")
    arguments.add_argument("--out", help="folder for scale.json, scale.md and scale.svg")
    options = arguments.parse_args()
    lacking = nginx_bucket.missing()
    if lacking:
        sys.exit("not installed: " + ", ".join(lacking))
    results = {}
    for curve in CURVES:
        for count in filter(None, getattr(options, curve.name).split(",")):
            results.setdefault(curve.name, []).append(measure(curve, int(count), options))
            if options.out:
                save(options.out, results)
    print(table(results), flush=True)


if __name__ == "__main__":
    main()
